package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead/compile"
	"fairlead/internal/fakellm"
)

// at is a time so many milliseconds after a fixed one.
func at(ms float64) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(ms * float64(time.Millisecond)))
}

// seenAt is an attempt for the nth exchange that arrived at a time and lasted so long.
func seenAt(n int, ms, took float64) fakellm.Attempt {
	return fakellm.Attempt{Model: modelName(n), Time: at(ms), TookMS: took}
}

func TestReactions(t *testing.T) {
	type log = []fakellm.Attempt
	shots := []shot{{sent: at(0)}, {sent: at(10)}}
	for _, c := range []struct {
		name          string
		first, second log
		seen          bool
		want          string // the times, or a part of the error
	}{
		{"from the failure", log{seenAt(0, 1, 2), seenAt(1, 11, 5)}, log{seenAt(1, 17, 9), seenAt(0, 4, 9)}, true, "[1ms 1ms]"},
		{"from the last failure", log{seenAt(0, 1, 2), seenAt(0, 4, 1), seenAt(1, 11, 1)}, log{seenAt(0, 8, 1), seenAt(1, 13, 1)}, true, "[3ms 1ms]"},
		{"from the sending", nil, log{seenAt(0, 4, 1), seenAt(1, 13, 1)}, false, "[4ms 3ms]"},
		{"not failed", log{seenAt(0, 1, 2)}, log{seenAt(0, 4, 1), seenAt(1, 13, 1)}, true, "exchange 1: failed at the first provider: false"},
		{"not to be seen", log{seenAt(0, 1, 2)}, log{seenAt(0, 4, 1), seenAt(1, 13, 1)}, false, "exchange 0: failed at the first provider: true"},
		{"no next attempt", log{seenAt(0, 1, 2), seenAt(1, 11, 5)}, log{seenAt(0, 4, 1)}, true, "arrived at the second one: false"},
		{"two next attempts", log{seenAt(0, 1, 2), seenAt(1, 11, 5)}, log{seenAt(0, 4, 1), seenAt(0, 5, 1)}, true, "m0 was asked of the second provider twice"},
		{"before the failure", log{seenAt(0, 1, 2), seenAt(1, 11, 5)}, log{seenAt(0, 4, 1), seenAt(1, 15, 1)}, true, "exchange 1: the next attempt came 1ms before the failure"},
	} {
		took, err := reactions(shots, c.first, c.second, c.seen)
		if got := fmt.Sprint(took, err); !strings.Contains(got, c.want) || (err == nil) != strings.HasPrefix(c.want, "[") {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEndings(t *testing.T) {
	shots := []shot{{done: at(305)}, {done: at(312)}}
	took, err := endings(shots, []fakellm.Attempt{seenAt(1, 10, 302), seenAt(0, 1, 304)})
	if got := fmt.Sprint(took, err); got != "[304ms 302ms] <nil>" {
		t.Errorf("got %s", got)
	}
	if _, err = endings(shots, []fakellm.Attempt{seenAt(1, 10, 302)}); err == nil {
		t.Error("an exchange that did not arrive has a time")
	}
}

func TestLateness(t *testing.T) {
	for _, c := range []struct {
		took          []time.Duration
		target, value string
		verdict       string // or a part of the error
	}{
		{[]time.Duration{deadline + 2*time.Millisecond, deadline}, "<= 20 ms", "2 ms", "met"},
		{[]time.Duration{deadline, deadline + 30*time.Millisecond}, "<= 20 ms", "30 ms", "missed by 10 ms (+50%)"},
		{[]time.Duration{deadline + 30*time.Millisecond}, "", "30 ms", "for information"},
		{[]time.Duration{deadline + time.Millisecond, deadline - time.Millisecond}, "", "", "x: given up 1ms before the deadline"},
	} {
		r := &run{report: &Report{}}
		err := r.addLateness(Row{Name: "x", Target: c.target}, c.took)
		switch {
		case err != nil && (c.value != "" || err.Error() != c.verdict || len(r.report.Rows) > 0):
			t.Errorf("%v: %v", c.took, err)
		case err == nil && (show(r.report.Rows[0].Fairlead, r.report.Rows[0].Unit) != c.value || r.report.Rows[0].Verdict != c.verdict):
			t.Errorf("%v: %+v", c.took, r.report.Rows[0])
		}
	}
}

func TestAddReactions(t *testing.T) {
	r := &run{report: &Report{}}
	r.addReactions([]float64{1, 3, 2}, []float64{4, 25, 5}, "reset", []string{"a", "b", "c"})
	mid, high := r.report.Rows[0], r.report.Rows[1]
	if *mid.Fairlead != (Measure{3, 1, 3}) || *high.Fairlead != (Measure{25, 4, 25}) {
		t.Errorf("got %v and %v", mid.Fairlead, high.Fairlead)
	}
	if high.Verdict != "missed by 5 ms (+25%)" || !strings.Contains(high.Note, "worst: reset; ") || !strings.Contains(high.Note, "a; b; c") {
		t.Errorf("got %+v", high)
	}
}

func TestPaced(t *testing.T) {
	leakFree(t)
	u, to := serve(t)
	p := paced{to: to, n: 10, rate: 1000, conns: 2, want: "chatcmpl-bench", request: func(n int) []byte {
		return to.request(chatPath, chatBody(modelName(n), ""))
	}}
	shots, err := p.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(shots) != 10 || u.exchanges.Load() != 10 {
		t.Errorf("%d times, %d exchanges; want 10", len(shots), u.exchanges.Load())
	}
	for n, s := range shots {
		if s.sent.IsZero() || !s.done.After(s.sent) || (n > 0 && s.sent.Before(shots[0].sent)) {
			t.Errorf("exchange %d was sent at %v and done at %v", n, s.sent, s.done)
		}
	}
	p.want = "another answer"
	if _, err := p.run(t.Context()); err == nil || !strings.Contains(err.Error(), errOtherAnswer.Error()) {
		t.Errorf("error %v", err)
	}
}

func TestChosen(t *testing.T) {
	r := &run{}
	all, err := r.chosen()
	if err != nil || len(all) != len(r.rows()) {
		t.Errorf("%d parts without a choice, %v", len(all), err)
	}
	for _, c := range []struct {
		only, want string
		err        string
	}{
		{"failover", "failover", ""},
		{"16", "exchange, 16 connections", ""},
		{"stream", "stream, 500 at 50 ms; memory of many streams", ""},
		{"change", "change of a weight, live on 4 edges", ""},
		{"scale", "scale of keys: reload, boot, lookup; scale of endpoints", ""},
		{"nothing", "", `named "nothing"; there are: exchange, 64 connections; `},
	} {
		r.Only = c.only
		rows, err := r.chosen()
		var names []string
		for _, row := range rows {
			names = append(names, row.name)
		}
		if got := strings.Join(names, "; "); got != c.want || (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %q, %v", c.only, got, err)
		}
	}
}

func TestIllConfigCompiles(t *testing.T) {
	text := illText("127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003", 3)
	_, s, found := compile.Load(text, "bench.yaml", 1, compile.Local(func(string) (string, bool) { return "key", true }))
	if len(found) > 0 || len(s.Models) != 1+3*3 {
		t.Errorf("findings: %v", found)
	}
}
