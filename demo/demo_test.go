package demo

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain holds that a demo that has ended leaves no goroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quick = times{kill: 500 * time.Millisecond, back: 4500 * time.Millisecond, lasts: 5500 * time.Millisecond, draw: 100 * time.Millisecond}

var sums = regexp.MustCompile(`(\d+) requests, (\d+) failed, (\d+) answered by another endpoint[^,]*, (\d+) streams? gone on with`)

// TestRun shows the whole story at a quicker pace: an endpoint is killed under the traffic and brought
// back, nobody's request fails, others answer in its place and go on with its streams, and it ends by itself.
func TestRun(t *testing.T) {
	var out output
	if err := Run(t.Context(), Options{Out: &out, times: quick}); err != nil {
		t.Errorf("the demo failed: %v", err)
	}
	shown := out.String()
	n := sums.FindStringSubmatch(shown)
	if n == nil {
		t.Fatalf("no sum at the end:\n%s", shown)
	}
	if requests, _ := strconv.Atoi(n[1]); requests < 20 || n[2] != "0" || n[3] == "0" || n[4] == "0" {
		t.Errorf("%s: want some rescued, some gone on with and none failed", n[0])
	}
	var states []string // of the second endpoint, each change of it
	for _, m := range regexp.MustCompile(`demo/chat@beta +(\w+)`).FindAllStringSubmatch(shown, -1) {
		if len(states) == 0 || states[len(states)-1] != m[1] {
			states = append(states, m[1])
		}
	}
	if got := strings.Join(states, " "); got != "up KILLED up" {
		t.Errorf("the second endpoint was shown as %q", got)
	}
	for _, says := range []string{"After 500ms the second is killed, after 4.5s it is\nbrought back", "beta is killed", "beta is brought back", "/v1/chat/completions"} {
		if !strings.Contains(shown, says) {
			t.Errorf("it does not say %q:\n%s", says, shown)
		}
	}
}

// TestRunLive holds that a live demo goes on until its context ends, and that it ends then, without a
// failure, though requests are under way.
func TestRunLive(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := output{seen: "KILLED", then: stop}
	if err := Run(ctx, Options{Out: &out, Live: true, times: times{kill: 100 * time.Millisecond, back: time.Hour, lasts: 2 * time.Hour, draw: 20 * time.Millisecond}}); err != nil {
		t.Errorf("the demo failed: %v", err)
	}
	if n := sums.FindStringSubmatch(out.String()); n == nil || n[2] != "0" {
		t.Errorf("it ended with %q:\n%s", n, out.String())
	}
	if !strings.Contains(out.String(), "\x1b[") {
		t.Error("a live demo draws over what it drew")
	}
}

// TestRunNowhere holds that an address that is none is an error, and that nothing is left open.
func TestRunNowhere(t *testing.T) {
	if err := Run(t.Context(), Options{Out: &output{}, Listen: "no address"}); err == nil {
		t.Error("a demo without an address ran")
	}
}

// output collects what is shown, and calls then when it was seen for the first time.
type output struct {
	mu   sync.Mutex
	text strings.Builder
	seen string
	then func()
}

// Write takes more.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.then != nil && strings.Contains(string(b), o.seen) {
		o.then()
	}
	return o.text.Write(b)
}

// String gives all so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
