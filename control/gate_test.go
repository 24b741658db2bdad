package control_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
)

// TestFlood holds that writes which take long do not pile up, that one caller cannot take all room of the others, and that
// looking goes on meanwhile.
func TestFlood(t *testing.T) {
	release := make(chan struct{})
	var under sync.WaitGroup
	p := newPlane(t, func(o *control.Options) {
		o.Applied = func(ctx context.Context, _ int64) error {
			under.Done()
			<-release
			return nil
		}
	})
	bot, _ := p.token(t, "bot", "admin")
	third, _ := p.token(t, "third", "admin")
	var done sync.WaitGroup
	write := func(secret string) (status int, answer string) {
		return p.ask(t, "POST", "/control/v1/keys", `{"name":"a"}`, "Authorization", "Bearer "+secret)
	}
	for _, secret := range []string{token, bot} {
		under.Add(16)
		for range 16 {
			done.Go(func() {
				if status, answer := write(secret); status != 201 {
					t.Errorf("%d %s", status, answer)
				}
			})
		}
		under.Wait() // all 16 are under way
		if status, answer := write(secret); status != 429 || !strings.Contains(answer, "rate_limited") {
			t.Errorf("the 17th of one caller: %d %s", status, answer)
		}
	}
	if status, _ := write(third); status != 429 {
		t.Errorf("a write beside 32: %d", status)
	}
	resp := p.do(t, "POST", "/control/v1/keys", `{"name":"a"}`)
	if resp.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", resp.Header.Get("Retry-After"))
	}
	if status, _ := p.ask(t, "GET", "/control/v1/keys", ""); status != 200 {
		t.Errorf("looking: %d", status)
	}
	close(release)
	done.Wait()
	under.Add(1)
	if status, _ := write(third); status != 201 {
		t.Errorf("afterwards: %d", status)
	}
}

// slowStore is the real store behind a database that does not answer.
type slowStore struct{ control.Store }

func (slowStore) Head(ctx context.Context) (fairlead.Position, error) {
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) > 10*time.Second {
		return fairlead.Position{}, nil // it would be waited for
	}
	return fairlead.Position{}, context.DeadlineExceeded
}

func TestSlowStore(t *testing.T) {
	p := newPlane(t, func(o *control.Options) { o.Store = slowStore{o.Store} })
	if a := p.json(t, "GET", "/control/v1/nodes", "", 503); a.code() != "control_unavailable" {
		t.Errorf("%v", a)
	}
}
