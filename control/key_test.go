package control_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fairlead"
	"fairlead/client"
	"fairlead/control"
)

func (p *plane) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(p.url, fairlead.NewSecret(token))
	check(t, err)
	return c
}

// admits asks this node's replica, as the data plane does.
func (p *plane) admits(t *testing.T, secret string) bool {
	t.Helper()
	k, found, err := p.replica.Key(t.Context(), fairlead.HashKey(secret))
	check(t, err)
	return found && k.Active()
}

// TestLifeOfAKey goes through the client, so that both sides of the wire are held together.
func TestLifeOfAKey(t *testing.T) {
	p := newPlane(t)
	c := p.client(t)
	made, err := c.CreateKey(t.Context(), "first <key>")
	check(t, err)
	if !strings.HasPrefix(made.Secret, fairlead.KeyPrefix) || made.ID == "" || made.Name != "first <key>" || made.Created.IsZero() {
		t.Errorf("made %+v", made)
	}
	if !p.admits(t, made.Secret) {
		t.Error("the key is not usable when printed")
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
	if p.admits(t, made.Secret) || !p.admits(t, other.Secret) {
		t.Error("the revoked key is admitted, or the other one is not")
	}
	status, _ := p.ask(t, "DELETE", "/control/v1/keys/"+other.ID, "")
	if status != 200 || p.admits(t, other.Secret) {
		t.Errorf("DELETE: status %d; admitted: %v", status, p.admits(t, other.Secret))
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
			page := p.askJSON(t, "GET", "/control/v1/keys?limit="+limit+"&after="+after, "", 200)
			for _, k := range page["data"].([]any) {
				got = append(got, k.(map[string]any)["id"].(string))
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
				if !p.admits(t, k.Secret) {
					t.Error("a key is not usable when printed")
				}
				if _, err := c.RevokeKey(t.Context(), k.ID); err != nil || p.admits(t, k.Secret) {
					t.Errorf("a revoked key is admitted (%v)", err)
				}
			}
		})
	}
	wg.Wait()
	head, err := p.store.Head(t.Context())
	check(t, err)
	if at, err := p.replica.Follow(t.Context(), head.Log, head.Number); err != nil || at != 16 || head.Number != 16 {
		t.Errorf("the replica is at %d, the store at %d (%v), want 16", at, head.Number, err)
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
	status, answer := p.ask(t, "POST", "/control/v1/keys", `{"name":"n"}`)
	if text := string(answer); status != 500 || !strings.Contains(text, "the node's log") || strings.Contains(text, "database") {
		t.Errorf("%d: %s", status, text)
	}
}

// brokenFeed is the real replica with a fault that a test switches on.
type brokenFeed struct {
	control.Feed
	fail func(ctx context.Context) error
}

func (b *brokenFeed) ApplyKeys(ctx context.Context, keys ...fairlead.Key) error {
	if b.fail != nil {
		if err := b.fail(ctx); err != nil {
			return err
		}
	}
	return b.Feed.ApplyKeys(ctx, keys...)
}

func TestFeedFails(t *testing.T) {
	var feed *brokenFeed
	p := newPlane(t, func(o *control.Options) {
		feed = &brokenFeed{Feed: o.Feed}
		o.Feed = feed
	})
	c := p.client(t)
	good, err := c.CreateKey(t.Context(), "good")
	check(t, err)

	feed.fail = func(context.Context) error { return errors.New("disk full at /secret/place") }
	status, answer := p.ask(t, "POST", "/control/v1/keys", `{"name":"lost"}`)
	if status != 500 || !strings.Contains(answer, "is stored, but") || strings.Contains(answer, "sk-fl-") || strings.Contains(answer, "/secret/place") {
		t.Errorf("create: %d %s", status, answer)
	}
	if !strings.Contains(p.log.String(), "disk full") {
		t.Errorf("the log lacks the cause: %s", p.log)
	}
	_, err = c.RevokeKey(t.Context(), good.ID)
	var e *fairlead.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, "may still admit it") || e.Hint == "" {
		t.Errorf("revoke: %v", err)
	}

	feed.fail = nil
	k, err := c.RevokeKey(t.Context(), good.ID) // the same call again brings down what was missed
	if err != nil || k.Revoked == nil || p.admits(t, good.Secret) {
		t.Errorf("revoked again: %+v, %v; admitted: %v", k, err, p.admits(t, good.Secret))
	}
}

// TestCallerLeavesDuringRevocation holds that what is stored also reaches the data plane.
func TestCallerLeavesDuringRevocation(t *testing.T) {
	var feed *brokenFeed
	p := newPlane(t, func(o *control.Options) {
		feed = &brokenFeed{Feed: o.Feed}
		o.Feed = feed
	})
	c := p.client(t)
	k, err := c.CreateKey(t.Context(), "a")
	check(t, err)

	ctx, leave := context.WithCancel(t.Context())
	left, applied := make(chan struct{}), make(chan error, 1)
	feed.fail = func(ctx context.Context) error {
		leave()
		<-left
		applied <- ctx.Err()
		return nil
	}
	_, err = c.RevokeKey(ctx, k.ID)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the caller who left got %v", err)
	}
	close(left)
	if err := <-applied; err != nil {
		t.Errorf("the write was cancelled with the caller: %v", err)
	}
	feed.fail = nil
	_, err = c.CreateKey(t.Context(), "b") // waits for the write before it
	check(t, err)
	if p.admits(t, k.Secret) {
		t.Error("the revocation did not reach the data plane")
	}
}

func TestSync(t *testing.T) {
	p := newPlane(t)
	var keys []fairlead.Key
	for range 3 {
		k, _ := fairlead.NewKey("made while the feed was away", fileStatus.Loaded)
		_, err := p.store.CreateKeys(t.Context(), fairlead.Act{At: k.Created}, k)
		check(t, err)
		keys = append(keys, k)
	}
	_, _, err := p.store.RevokeKey(t.Context(), keys[0].ID, fairlead.Act{At: fileStatus.Loaded})
	check(t, err)
	ghost, _ := fairlead.NewKey("in the replica alone", fileStatus.Loaded)
	check(t, p.replica.ApplyKeys(t.Context(), ghost))

	counted := &countingFeed{Feed: p.replica}
	for i, want := range []int{3, 0} { // what is known is not sent again
		counted.keys = 0
		check(t, control.Sync(t.Context(), p.store, counted))
		if counted.keys != want {
			t.Errorf("sync %d sent %d keys, want %d", i, counted.keys, want)
		}
	}
	for i, k := range keys {
		got, found, err := p.replica.Key(t.Context(), k.Hash)
		if err != nil || !found || got.Active() == (i == 0) {
			t.Errorf("key %d: %v, %v, %v", i, got, found, err)
		}
	}
	if _, found, err := p.replica.Key(t.Context(), ghost.Hash); err != nil || found {
		t.Errorf("a key that the store does not list opens the door (%v)", err)
	}
}

type countingFeed struct {
	control.Feed
	keys int
}

func (c *countingFeed) ApplyKeys(ctx context.Context, keys ...fairlead.Key) error {
	c.keys += len(keys)
	return c.Feed.ApplyKeys(ctx, keys...)
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
