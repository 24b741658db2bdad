package postgres_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"fairlead"
	"fairlead/store"
	"fairlead/test/harness"
)

// led is a node that leads a task until it must not any more.
type led struct {
	begun chan struct{} // closed when it leads
	over  atomic.Bool   // its context has ended
	ended chan error    // gets what Lead gave
}

func lead(ctx context.Context, s *store.Store) *led {
	l := &led{begun: make(chan struct{}), ended: make(chan error, 1)}
	go func() {
		l.ended <- s.Lead(ctx, "ramps", func(ctx context.Context) error {
			close(l.begun)
			<-ctx.Done()
			l.over.Store(true)
			return ctx.Err()
		})
	}()
	return l
}

// TestLeadLost takes the lead away in each way that there is. Who had it stops before another begins, and knows why.
func TestLeadLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(t *testing.T, dsn string, p *harness.Proxy)
	}{
		{"its session ended", func(t *testing.T, dsn string, _ *harness.Proxy) {
			statement(t, dsn, `SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()`)
		}},
		{"its way is cut", func(_ *testing.T, _ string, p *harness.Proxy) { p.Cut() }},
		{"its way is a black hole", func(_ *testing.T, _ string, p *harness.Proxy) { p.Hole() }},
		{"the server crashed", func(t *testing.T, _ string, _ *harness.Proxy) {
			check(t, server.Kill())
			check(t, server.Restart())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			dsn := server.Database(t)
			proxy := harness.NewProxy(t, server.Address())
			first := lead(ctx, open(t, at(t, dsn, proxy.Addr)))
			<-first.begun
			second := lead(ctx, open(t, dsn))
			c.fault(t, dsn, proxy)
			err := <-first.ended
			if !first.over.Load() || !errors.Is(err, store.ErrLeadLost) || fairlead.AsError(err).Code != fairlead.CodeControlUnavailable {
				t.Errorf("who led got %v", err)
			}
			<-second.begun
			if second.over.Load() {
				t.Error("who follows was stopped, too")
			}
			stop()
			if err := <-second.ended; !errors.Is(err, context.Canceled) {
				t.Errorf("who followed got %v", err)
			}
		})
	}
}
