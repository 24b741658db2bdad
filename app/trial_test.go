package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fairlead/app"
	"fairlead/internal/fakellm"
	"fairlead/steer"
	"fairlead/test/harness"
)

// tally is what a control node hears of both sides of a trial, by node.
type tally struct {
	mu    sync.Mutex
	empty map[string]int
	sum   map[string][2]steer.Evidence // on trial, and beside it
}

func (c *tally) hear(node string, body []byte) {
	var r steer.Report
	if json.Unmarshal(body, &r) != nil || r.Trial == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Tried.IsZero() && r.Rest.IsZero() && r.Node == node && !r.At.IsZero() {
		c.empty[node]++
	}
	both := c.sum[node]
	both[0].Add(r.Tried)
	both[1].Add(r.Rest)
	c.sum[node] = both
}

// shows tells whether a node has reported so many exchanges of each side.
func (c *tally) shows(node string, tried, rest int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum[node][0].Ended == tried && c.sum[node][1].Ended == rest
}

func (c *tally) heard(node string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.empty[node] > 0
}

// fleetOf starts a node with both planes and an edge that has joined it.
func fleetOf(t *testing.T, config string) (one, edge *node) {
	t.Helper()
	return fleetAt(t, config, t.TempDir())
}

// must asks the control plane for what it does not refuse.
func (n *node) must(method, path, body string) string {
	n.t.Helper()
	resp, got := n.control(method, path, body)
	if resp.StatusCode/100 != 2 {
		n.t.Fatalf("%s %s: status %d: %s", method, path, resp.StatusCode, got)
	}
	return got
}

// revision gives the revision that a key's exchange goes by at a node.
func (n *node) revision(key string) string {
	n.t.Helper()
	resp, body := n.ask("/v1/chat/completions", key, chat("openai/one", false))
	if resp.StatusCode != http.StatusOK {
		n.t.Fatalf("status %d: %s", resp.StatusCode, body)
	}
	return resp.Header.Get("X-Fairlead-Revision")
}

// recorded names the nodes of which there are records of one side of a trial; all have to be of its revision.
func (n *node) recorded(trial, revision string) string {
	n.t.Helper()
	var list struct {
		Data []struct {
			Node, Trial string
			Revision    int64
		}
	}
	check(n.t, json.Unmarshal([]byte(n.must(http.MethodGet, "/control/v1/records?trial="+trial, "")), &list))
	nodes := map[string]bool{}
	for _, r := range list.Data {
		if nodes[r.Node] = true; (r.Trial != "") != (trial == "true") || strconv.FormatInt(r.Revision, 10) != revision {
			n.t.Errorf("with trial=%s there is %+v", trial, r)
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(nodes)), " ")
}

func sent(f *fakellm.Server) int { return len(f.Log()) }

// TestTrialInFleet plays a trial over a fleet: a key is on the same side at every node, each side is served by its own
// document, control hears what was counted, weights count for both sides, and at the end all go one way.
func TestTrialInFleet(t *testing.T) {
	usual, usualURL := fake(t)
	other, otherURL := fake(t)
	one, edge := fleetOf(t, config(usualURL, "one"))
	var keys []string
	for range 30 {
		keys = append(keys, one.key())
	}
	harness.Until(t, "the edge serves", func() bool {
		resp, _ := edge.ask("/v1/chat/completions", keys[29], chat("openai/one", false))
		return resp.StatusCode == http.StatusOK
	})
	heard := tally{empty: map[string]int{}, sum: map[string][2]steer.Evidence{}}
	hearing, deaf := context.WithCancel(t.Context())
	defer deaf()
	go func() { _ = one.app.Bus().Said(hearing, "evidence", heard.hear) }() // ends with the test

	one.must(http.MethodPut, "/control/v1/config?percent=50&hold=1h&guard=error_rate%3C50%25", config(otherURL, "one"))
	harness.Until(t, "both nodes are heard", func() bool { return heard.heard("one") && heard.heard("paris") })
	usualBefore, otherBefore := sent(usual), sent(other)
	tried, rest := int64(0), int64(0)
	for _, key := range keys {
		side := one.revision(key)
		for _, n := range []*node{one, edge, edge} {
			if got := n.revision(key); got != side {
				t.Fatalf("a key goes by revision %s, and then by %s", side, got)
			}
		}
		switch side {
		case "1":
			rest += 2
		case "2":
			tried += 2
		default:
			t.Fatalf("an exchange goes by revision %s", side)
		}
	}
	if got := [2]int64{int64(sent(usual) - usualBefore), int64(sent(other) - otherBefore)}; got != [2]int64{2 * rest, 2 * tried} || tried < 6 || rest < 6 {
		t.Errorf("the providers saw %v exchanges, want %d and %d", got, 2*rest, 2*tried)
	}
	for _, name := range []string{"one", "paris"} {
		harness.Until(t, name+" has reported all", func() bool { return heard.shows(name, tried, rest) })
	}

	for trial, want := range map[string]string{"true": "2", "false": "1"} { // by what the records of both nodes say
		harness.Until(t, "records with trial="+trial, func() bool { return one.recorded(trial, want) == "one paris" })
	}

	one.must(http.MethodPatch, "/control/v1/endpoints/openai/one@first?wait=all", `{"drain":true}`)
	for _, key := range keys[:5] {
		for _, n := range []*node{one, edge} {
			if resp, body := n.ask("/v1/chat/completions", key, chat("openai/one", false)); resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("a drained endpoint answers with status %d: %s", resp.StatusCode, body)
			}
		}
	}
	one.must(http.MethodPatch, "/control/v1/endpoints/openai/one@first?wait=all", `{"weight":50}`)
	one.must(http.MethodPost, "/control/v1/trial/promote?wait=all", "")
	otherBefore = sent(other)
	for _, key := range keys {
		for _, n := range []*node{one, edge} {
			if got := n.revision(key); got != "5" {
				t.Fatalf("after the trial an exchange goes by revision %s", got)
			}
		}
	}
	if got := sent(other) - otherBefore; got != 2*len(keys) {
		t.Errorf("what was tried is asked %d times", got)
	}
}

// TestReportInParts holds that the parts of a report come to what it was.
func TestReportInParts(t *testing.T) {
	r := steer.Report{Node: "one", Trial: "t", Tried: steer.Evidence{Ended: 3}, Rest: steer.Evidence{Ended: 4, Failed: 1}, Endpoints: map[string]steer.Evidence{}}
	for i := range 40 {
		r.Endpoints[fmt.Sprintf("a/m@%s-%d", strings.Repeat("p", 50), i)] = steer.Evidence{Ended: int64(i + 1)}
	}
	parts := app.EncodeReport(r, 1000)
	sum := steer.Report{Node: "one", Trial: "t", Endpoints: map[string]steer.Evidence{}}
	for _, text := range parts {
		var part steer.Report
		check(t, json.Unmarshal(text, &part))
		if len(text) > 1000 || part.Node != r.Node || part.Trial != r.Trial {
			t.Errorf("a part of %d bytes: %s", len(text), text)
		}
		sum.Tried.Add(part.Tried)
		sum.Rest.Add(part.Rest)
		for id, e := range part.Endpoints {
			if _, twice := sum.Endpoints[id]; twice {
				t.Errorf("%s comes twice", id)
			}
			sum.Endpoints[id] = e
		}
	}
	if got, want := fmt.Sprint(sum), fmt.Sprint(r); got != want || len(parts) < 4 {
		t.Errorf("%d parts come to %s, want %s", len(parts), got, want)
	}
	if whole := app.EncodeReport(r, 100_000); len(whole) != 1 {
		t.Errorf("%d parts of what is small", len(whole))
	}
}
