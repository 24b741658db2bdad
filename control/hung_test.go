package control_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead"
	"fairlead/control"
)

// hungStore is the real store, but for what goes through much of it, which does not come back until it is let go. Who should
// not have been let in comes back at once.
type hungStore struct {
	control.Store
	under    *sync.WaitGroup // counts who hangs down
	in, room *atomic.Int64
	let      chan struct{}
}

func (h hungStore) hang() {
	h.under.Done()
	defer h.in.Add(-1)
	if h.in.Add(1) <= h.room.Load() {
		<-h.let
	}
}

func (h hungStore) Records(ctx context.Context, f fairlead.RecordFilter) ([]fairlead.StoredRecord, error) {
	h.hang()
	return h.Store.Records(ctx, f)
}

func (h hungStore) Verify(ctx context.Context) (fairlead.Verified, error) {
	h.hang()
	return h.Store.Verify(ctx)
}

// TestHung holds that what goes through much of the store is let in four at once, two of them of one caller, and that all else
// goes on beside it.
func TestHung(t *testing.T) {
	for _, path := range []string{"/control/v1/records", "/control/v1/audit/verify"} {
		t.Run(path, func(t *testing.T) {
			var under, done sync.WaitGroup
			var in, room atomic.Int64
			let := make(chan struct{})
			p := newPlane(t, func(o *control.Options) { o.Store = hungStore{o.Store, &under, &in, &room, let} })
			bot, _ := p.token(t, "bot", "viewer")
			third, _ := p.token(t, "third", "viewer")
			ask := func(secret string) (int, string) { return p.ask(t, "GET", path, "", "Authorization", "Bearer "+secret) }
			refused := func(who, secret string) {
				t.Helper()
				under.Add(1) // where it is let in
				if status, answer := ask(secret); status != 429 || !strings.Contains(answer, "rate_limited") {
					t.Errorf("%s: %d %s", who, status, answer)
				}
				under.Done()
			}
			for _, secret := range []string{token, bot} {
				under.Add(2)
				room.Add(2)
				for range 2 {
					done.Go(func() {
						if status, answer := ask(secret); status != 200 {
							t.Errorf("%d %s", status, answer)
						}
					})
				}
				under.Wait()
				refused("a third of one caller", secret)
			}
			refused("a fifth", third)
			if status, answer := p.ask(t, "GET", "/control/v1/keys", ""); status != 200 {
				t.Errorf("looking at something else: %d %s", status, answer)
			}
			if status, answer := p.ask(t, "POST", "/control/v1/keys", `{"name":"a"}`); status != 201 {
				t.Errorf("writing: %d %s", status, answer)
			}
			close(let)
			done.Wait()
			under.Add(1)
			if status, answer := ask(third); status != 200 {
				t.Errorf("afterwards: %d %s", status, answer)
			}
		})
	}
}
