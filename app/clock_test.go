package app_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
	"fairlead/store/sqlite"
	"fairlead/test/harness"
)

// TestClock holds that what a node dates it dates by its clock, ids and frames included; that what it measures is right
// however wrong the clock is; and that what was dated so is found.
func TestClock(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead": 3 * time.Hour, "behind": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			_, provider := fake(t)
			data := t.TempDir()
			clock := func() time.Time { return time.Now().Add(skew) }
			n := start(t, app.Options{Config: file(t, config(provider, "one")), Data: data, Clock: clock})
			near := func(what string, at time.Time) {
				t.Helper()
				if off := at.Sub(clock()).Abs(); off > time.Hour {
					t.Errorf("%s is dated %s, %s off", what, at, off)
				}
			}
			answer, text := n.ask("/v1/chat/completions", n.key(), chat("openai/one", true))
			if answer.StatusCode != http.StatusOK {
				t.Fatalf("answered %d: %s", answer.StatusCode, text)
			}
			refused, _ := n.ask("/v1/no/such/path", "", "{}")
			for _, of := range []*http.Response{answer, refused} {
				at, _, ok := fairlead.ParseID(of.Header.Get("X-Request-Id"))
				if near("an id", at); !ok {
					t.Errorf("the id is %q", of.Header.Get("X-Request-Id"))
				}
			}
			id := answer.Header.Get("X-Request-Id")
			var why struct {
				Began  time.Time
				Record *struct {
					At       time.Time
					Duration int64 `json:"duration_us"`
					TTFT     int64 `json:"ttft_us"`
					Overhead int64 `json:"overhead_us"`
				}
				Lines []struct {
					Kind string
					At   time.Time
				}
			}
			harness.Until(t, "the exchange is found by its id", func() bool {
				resp, text := n.control(http.MethodGet, "/control/v1/records/"+id, "")
				return resp.StatusCode == http.StatusOK && json.Unmarshal([]byte(text), &why) == nil && why.Record != nil && len(why.Lines) == 2
			})
			near("the record", why.Record.At)
			if r := why.Record; r.Duration <= 0 || r.TTFT <= 0 || r.TTFT > r.Duration || r.Duration > time.Hour.Microseconds() || r.Overhead < 0 || r.Overhead > r.Duration {
				t.Errorf("the record is %+v", r)
			}
			for _, l := range why.Lines {
				near("the "+l.Kind, l.At)
			}
			if why.Lines[0].Kind != "intent" {
				t.Errorf("lines come as %+v", why.Lines)
			}
			if _, text := n.control(http.MethodGet, "/control/v1/records", ""); !strings.Contains(text, id) {
				t.Errorf("records are %.300s", text)
			}
			s, err := sqlite.Open(t.Context(), filepath.Join(data, "fairlead.db"))
			check(t, err)
			defer s.Close()
			lines, err := s.ChargeLines(t.Context(), id)
			check(t, err)
			of := lines[0].Frame
			of.Sequence--
			frames, err := s.Frames(t.Context(), of, 1)
			check(t, err)
			near("the frame", frames[0].At)
			entries, err := s.Audit(t.Context(), 0, 100)
			check(t, err)
			for _, e := range entries {
				if e.Action == "vault.put" {
					near("what the store does of itself", e.At)
				}
			}
			if age := n.number("fairlead_spool_oldest_seconds"); age > 3600 {
				t.Errorf("the oldest frame is %v s old", age)
			}
		})
	}
}

// TestSweep holds that records are removed once they are as old as the configuration says, by the node's clock.
func TestSweep(t *testing.T) {
	_, provider := fake(t)
	o := app.Options{Config: file(t, config(provider, "one")+"settings: {records: {keep: 48h}}\n"), Data: t.TempDir()}
	n := start(t, o)
	answer, _ := n.ask("/v1/chat/completions", n.key(), chat("openai/one", true))
	id := answer.Header.Get("X-Request-Id")
	here := func(n *node) bool {
		resp, text := n.control(http.MethodGet, "/control/v1/records/"+id, "")
		return resp.StatusCode == http.StatusOK && !strings.Contains(text, `"record":null`)
	}
	harness.Until(t, "there is a record", func() bool { return here(n) })
	check(t, n.stop())
	for _, day := range []int{1, 3} {
		later := o
		later.Clock = func() time.Time { return time.Now().Add(time.Duration(day) * 24 * time.Hour) }
		n = start(t, later)
		if day == 3 {
			harness.Until(t, "it is removed", func() bool { return !here(n) })
			break
		}
		if !here(n) {
			t.Error("it is removed after a day")
		}
		check(t, n.stop())
	}
}

// TestBounds holds that the spool keeps to what the configuration lets it have, from when that changes.
func TestBounds(t *testing.T) {
	_, provider := fake(t)
	n := start(t, app.Options{})
	n.must(http.MethodPut, "/control/v1/config", config(provider, "one")+"settings: {spool: {keep: 1ms, max: 64MiB}}\n")
	line := []byte(strings.Repeat("x", 15<<10))
	for range 1200 { // more than a segment has by these bounds, and much less than by the defaults
		check(t, n.app.Append(line))
	}
	const segment = 16 << 20
	if b := n.number("fairlead_spool_bytes"); b <= segment {
		t.Fatalf("%v bytes are kept", b)
	}
	harness.Until(t, "lines that were acknowledged are removed", func() bool {
		check(t, n.app.Append([]byte("{}"))) // has the spool look
		return n.number("fairlead_spool_bytes") < segment
	})
}
