package bus

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// TestAskersGone holds that what waited until its asker has gone is not worked on.
func TestAskersGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t.Context(), &Bus{o: Options{Log: slog.New(slog.DiscardHandler)}}, 1)
		var worked []string
		ask := func(what string, takes time.Duration) {
			d.arrive("paris", request{&nats.Msg{Subject: "fl.ask.paris.has", Data: []byte(what)}, func(context.Context, string, []byte) ([]byte, error) {
				time.Sleep(takes)
				worked = append(worked, what)
				return nil, nil
			}, time.Now()})
		}
		ask("long", 4*time.Second)
		ask("early", 0)
		time.Sleep(2 * time.Second)
		ask("late", 0)
		time.Sleep(3 * time.Second)
		d.close()
		if len(worked) != 2 || worked[0] != "long" || worked[1] != "late" {
			t.Errorf("worked on %q", worked)
		}
		if len(d.shares) > 0 || d.bytes > 0 || d.busy > 0 {
			t.Errorf("%d shares, %d bytes, %d under way are left", len(d.shares), d.bytes, d.busy)
		}
	})
}
