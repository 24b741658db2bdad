package upstream

import (
	"errors"
	"os"
	"testing"
	"time"

	"fairlead/dialect"
	"fairlead/upstream/failure"
	"fairlead/upstream/health"
)

// TestBlame holds what the break of a committed stream says against its endpoint.
func TestBlame(t *testing.T) {
	const s = time.Second
	lost, fault := errors.New("reset"), &dialect.Fault{Type: "api_error"}
	for _, c := range []struct {
		name                string
		broken              error
		waited, delta, away time.Duration // in all; at the last delta; in all
		want                health.Kind
	}{
		{"lost", lost, 2 * s, 2 * s, 0, health.Hard},
		{"lost, the caller a little slow", lost, 2 * s, 2 * s, s / 2, health.Hard},
		{"lost, the caller slow", lost, 2 * s, 2 * s, 3 * s, health.Nothing},
		{"lost, the caller slow in a long stream", lost, 60 * s, 60 * s, 3 * s, health.Hard},
		{"an error inside it, the caller slow", fault, 2 * s, 2 * s, 3 * s, health.Hard},
		{"stalled", errStalled, 22 * s, 2 * s, 0, health.Soft},
		{"kept alive and stalled", errEmptied, 62 * s, 2 * s, 0, health.Soft},
		{"the total time is over while it flows", os.ErrDeadlineExceeded, 600 * s, 599 * s, 0, health.Nothing},
		{"the total time is over while it is silent", os.ErrDeadlineExceeded, 600 * s, 580 * s, 0, health.Soft},
	} {
		stream := &Stream{broken: c.broken, clock: clock{ran: span{c.waited, c.away}, delta: span{waited: c.delta}}}
		if got := stream.blame(failure.Verdict{Health: failure.Failure}).Kind; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
