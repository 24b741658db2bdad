package control_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/client"
	"fairlead/control"
)

// TestLifeOfAKey goes through the client, so that both sides of the wire are held together.
func TestLifeOfAKey(t *testing.T) {
	var at []int64
	p := newPlane(t, func(o *control.Options) {
		o.Applied = func(_ context.Context, number int64) error {
			at = append(at, number)
			return nil
		}
	})
	c := p.client(t)
	made, err := c.CreateKey(t.Context(), "first <key>")
	check(t, err)
	if !strings.HasPrefix(made.Secret, fairlead.KeyPrefix) || made.ID == "" || made.Name != "first <key>" || made.Created.IsZero() {
		t.Errorf("made %+v", made)
	}
	if len(at) != 1 || at[0] != 1 {
		t.Errorf("the key was shown before this node's edge knew it: %v", at)
	}
	other, err := c.CreateKey(t.Context(), "second")
	check(t, err)

	for range 2 { // the second changes nothing
		k, err := c.RevokeKey(t.Context(), made.ID)
		check(t, err)
		if k.ID != made.ID || k.Revoked == nil {
			t.Errorf("revoked %+v", k)
		}
	}
	if status, _ := p.ask(t, "DELETE", "/control/v1/keys/"+other.ID+"?why=gone", ""); status != 200 {
		t.Errorf("DELETE: status %d", status)
	}
	if sent := p.sent.all(); len(sent) != 4 || !strings.Contains(string(sent[2].Content), made.ID) || !strings.Contains(string(sent[2].Content), "revoked") {
		t.Errorf("published: %v", sent)
	}

	_, list := p.ask(t, "GET", "/control/v1/keys", "")
	for _, secret := range []string{made.Secret, other.Secret, "hash"} {
		if strings.Contains(list, secret) || strings.Contains(p.log.String(), secret) {
			t.Errorf("the list or the log shows %q", secret)
		}
	}
	if strings.Contains(p.log.String(), token) {
		t.Error("the log shows the admin token")
	}
	if !strings.Contains(p.log.String(), "key revoked") || !strings.Contains(p.log.String(), made.ID) {
		t.Errorf("the log does not tell of it: %s", p.log)
	}
	if got := strings.Join(p.audit(t), " "); got != "key.create key.create key.revoke key.revoke" {
		t.Errorf("audit: %s", got)
	}
	entries := p.json(t, "GET", "/control/v1/audit?limit=1", "", 200).data()
	if entries[0]["why"] != "gone" || entries[0]["target"] != other.ID || entries[0]["change"] != 4.0 {
		t.Errorf("entry: %v", entries[0])
	}
}

func TestPagesOfKeys(t *testing.T) {
	p := newPlane(t)
	c := p.client(t)
	var want []string
	for range 5 {
		k, err := c.CreateKey(t.Context(), "a")
		check(t, err)
		want = append(want, k.ID)
	}
	for _, limit := range []string{"1", "2", "5", "6"} {
		var got []string
		for after := ""; ; {
			page := p.json(t, "GET", "/control/v1/keys?limit="+limit+"&after="+after, "", 200)
			for _, k := range page.data() {
				got = append(got, k["id"].(string))
			}
			next, ok := page["next"].(string)
			if !ok {
				break
			}
			after = next
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("pages of %s: %v, want %v", limit, got, want)
		}
	}
	var all []string
	for k, err := range c.Keys(t.Context()) {
		check(t, err)
		all = append(all, k.ID)
	}
	if strings.Join(all, " ") != strings.Join(want, " ") {
		t.Errorf("all: %v, want %v", all, want)
	}
}

func TestConcurrentKeys(t *testing.T) {
	p := newPlane(t)
	c := p.client(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2 {
				k, err := c.CreateKey(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := c.RevokeKey(t.Context(), k.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	head, err := p.store.Head(t.Context())
	if err != nil || head.Number != 16 {
		t.Errorf("the store is at %d (%v), want 16", head.Number, err)
	}
}

// fullStore is the real store on a disk that has no room.
type fullStore struct{ control.Store }

func (fullStore) CreateKeys(context.Context, fairlead.Act, ...fairlead.Key) (fairlead.Change, error) {
	return fairlead.Change{}, errors.New("write keys: database or disk is full")
}

// TestStoreFails holds that an operator is told where to look, and not the cause itself.
func TestStoreFails(t *testing.T) {
	p := newPlane(t, func(o *control.Options) { o.Store = fullStore{o.Store} })
	status, text := p.ask(t, "POST", "/control/v1/keys", `{"name":"n"}`)
	if status != 500 || !strings.Contains(text, "the node's log") || strings.Contains(text, "database") {
		t.Errorf("%d: %s", status, text)
	}
}

// TestFaultsArePaced holds that a cause which fails every write is one line a second, which counts.
func TestFaultsArePaced(t *testing.T) {
	p := newPlane(t, func(o *control.Options) { o.Store = fullStore{o.Store} })
	synctest.Test(t, func(t *testing.T) {
		refused := func() []string {
			req := httptest.NewRequestWithContext(t.Context(), "POST", "/control/v1/keys", strings.NewReader(`{"name":"n"}`))
			req.Header.Set("Authorization", "Bearer "+token)
			p.api.ServeHTTP(httptest.NewRecorder(), req)
			return strings.Split(strings.TrimSpace(p.log.String()), "\n")
		}
		for range 20 {
			if lines := refused(); len(lines) != 1 || !strings.Contains(lines[0], "disk is full") {
				t.Fatalf("the log has %q", lines)
			}
		}
		time.Sleep(time.Second)
		if lines := refused(); len(lines) != 2 || !strings.HasSuffix(lines[1], " again=19") {
			t.Errorf("the log has %q", lines)
		}
	})
}

func TestEdgeDoesNotTakeAKey(t *testing.T) {
	fault := errors.New("disk full at /secret/place")
	var now error
	p := newPlane(t, func(o *control.Options) { o.Applied = func(context.Context, int64) error { return now } })
	c := p.client(t)
	good, err := c.CreateKey(t.Context(), "good")
	check(t, err)

	now = fault
	status, text := p.ask(t, "POST", "/control/v1/keys", `{"name":"lost"}`)
	if status != 500 || !strings.Contains(text, "is stored, but") || strings.Contains(text, "sk-fl-") || strings.Contains(text, "/secret/place") {
		t.Errorf("create: %d %s", status, text)
	}
	if !strings.Contains(p.log.String(), "disk full") {
		t.Errorf("the log lacks the cause: %s", p.log)
	}
	var e *fairlead.Error
	for range 2 { // the second changes nothing in the store, and still says that the edge may admit it
		_, err = c.RevokeKey(t.Context(), good.ID)
		if !errors.As(err, &e) || !strings.Contains(e.Message, "may still admit it") || e.Hint == "" {
			t.Errorf("revoke: %v", err)
		}
	}
	now = nil
	if k, err := c.RevokeKey(t.Context(), good.ID); err != nil || k.Revoked == nil {
		t.Errorf("revoked again: %+v, %v", k, err)
	}
}

// TestCallerLeavesDuringRevocation holds that what is stored also reaches the data plane.
func TestCallerLeavesDuringRevocation(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	left, applied := make(chan struct{}), make(chan error, 1)
	revoking := false
	p := newPlane(t, func(o *control.Options) {
		o.Applied = func(ctx context.Context, _ int64) error {
			if revoking {
				leave()
				<-left
				applied <- ctx.Err()
			}
			return nil
		}
	})
	c := p.client(t)
	k, err := c.CreateKey(t.Context(), "a")
	check(t, err)
	revoking = true
	if _, err = c.RevokeKey(ctx, k.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v", err)
	}
	close(left)
	if err := <-applied; err != nil {
		t.Errorf("the write was cancelled with the caller: %v", err)
	}
}

func TestClientErrors(t *testing.T) {
	p := newPlane(t)
	wrong, err := client.New(p.url, fairlead.NewSecret("wrong"))
	check(t, err)
	_, err = wrong.CreateKey(t.Context(), "a")
	var e *fairlead.Error
	if !errors.As(err, &e) || e.Code != fairlead.CodeInvalidKey || e.Status != http.StatusUnauthorized || e.Hint == "" {
		t.Errorf("wrong token: %v", err)
	}
	if _, err = p.client(t).RevokeKey(t.Context(), "../config"); !errors.As(err, &e) || e.Code != fairlead.CodeNotFound {
		t.Errorf("an odd id: %v", err)
	}
}
