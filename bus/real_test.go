package bus_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
	"fairlead/internal/pki"
	"fairlead/internal/seal"
	"fairlead/replica"
	"fairlead/store"
	"fairlead/store/sqlite"
)

// keeper is a real replica as Follow takes it.
type keeper struct{ *replica.Replica }

func (k keeper) BeginCopy(ctx context.Context, at fairlead.Position) (bus.Copy, error) {
	c, err := k.Replica.BeginCopy(ctx, at)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (k keeper) Apply(ctx context.Context, log string, changes []fairlead.Change) error {
	err := k.Replica.Apply(ctx, log, changes)
	if errors.Is(err, replica.ErrUnfit) {
		return errors.Join(bus.ErrDiverged, err)
	}
	return err
}

func realStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "fairlead.db"))
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func realReplica(t *testing.T) keeper {
	t.Helper()
	r, err := replica.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return keeper{r}
}

func act(what string) fairlead.Act { return fairlead.Act{At: time.Now(), By: "admin", Action: what} }

// createKey writes a key whose secret is its name.
func createKey(t *testing.T, s *store.Store, name string) fairlead.Change {
	t.Helper()
	k := fairlead.Key{ID: fairlead.NewID("key_"), Name: name, Hash: fairlead.HashKey(name), Hint: "x", Created: time.Now().UTC().Truncate(time.Microsecond)}
	c, err := s.CreateKeys(t.Context(), act("key.create"), k)
	check(t, err)
	return c
}

// createAccount writes an account and a key of it with terms, whose secret is its name.
func createAccount(t *testing.T, s *store.Store, name string) (fairlead.Account, fairlead.Key) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	a := fairlead.Account{ID: fairlead.NewID("acc_"), Name: name, Metadata: map[string]string{"a": "b"}, Created: now}
	_, err := s.CreateAccount(t.Context(), a, act("account.create"))
	check(t, err)
	k := fairlead.Key{ID: fairlead.NewID("key_"), Name: name, Hash: fairlead.HashKey(name), Hint: "x", Created: now}
	k.KeyTerms = fairlead.KeyTerms{Account: a.ID, Models: []string{"a/*"}, Old: fairlead.HashKey("old " + name), OldUntil: now}
	_, err = s.CreateKeys(t.Context(), act("key.create"), k)
	check(t, err)
	return a, k
}

// wantHolder holds that a replica finds a key by both of its secrets, with its account.
func wantHolder(t *testing.T, r keeper, k fairlead.Key, a fairlead.Account) {
	t.Helper()
	for _, hash := range []fairlead.KeyHash{k.Hash, k.Old} {
		h, found, err := r.Holder(t.Context(), hash)
		if err != nil || !found || !reflect.DeepEqual(*h.Key, k) || !reflect.DeepEqual(h.Account, &a) {
			t.Errorf("found %v, %v: %+v; want %+v of %+v", found, err, h, k, a)
		}
	}
}

func reach(t *testing.T, r keeper, want fairlead.Position) {
	t.Helper()
	eventually(t, fmt.Sprint("change ", want.Number, " of ", want.Log), func() bool {
		at, err := r.Position(t.Context())
		check(t, err)
		return at == want
	})
}

func head(t *testing.T, s *store.Store) fairlead.Position {
	t.Helper()
	p, err := s.Head(t.Context())
	check(t, err)
	return p
}

// realJoin lets node paris into the fleet of a real store, through a proxy.
func realJoin(t *testing.T, s *store.Store, authority *pki.Authority, b *bus.Bus, raw []byte) (*bus.Identity, *proxy) {
	t.Helper()
	running(t, "joins", func(ctx context.Context) error {
		return bus.ServeJoins(ctx, b, authority, &bus.Admission{
			Store: s, Authority: authority, Clock: time.Now, Publish: b.Publish,
			Seal: func(name string, public []byte) ([]byte, error) { return seal.To(public, raw, name) },
		})
	})
	p := newProxy(t, b.Address())
	secret := rand.Text()
	_, err := s.AddNode(t.Context(), fairlead.Node{Name: "paris", Role: fairlead.RoleEdge, Added: time.Now()}, bus.HashSecret(secret), time.Now().Add(time.Hour), act("node.add"))
	check(t, err)
	token := bus.Token{Addresses: []string{p.address()}, Authority: authority.Pin(), Name: "paris", Secret: secret}
	id, err := bus.Join(t.Context(), token.Text(), bus.JoinOptions{Dir: t.TempDir(), Region: "eu", Log: quiet()})
	check(t, err)
	box, err := seal.PairOf(id.Box)
	check(t, err)
	opened, err := box.Open(id.Sealed, "paris")
	check(t, err)
	if !bytes.Equal(opened, raw) {
		t.Error("the node has another fleet's key")
	}
	return id, p
}

// TestWhole plays a fleet's life with a real store, a real replica and a real join: an edge follows, takes a large document,
// misses changes, and meets a restored database, which names what it lost.
func TestWhole(t *testing.T) {
	s, authority := realStore(t), newFleet(t).authority
	fleetKey, raw := seal.NewKey()
	pair, err := authority.Server("one", time.Now())
	check(t, err)
	_, err = s.SetNode(t.Context(), fairlead.Node{Name: "one", Role: fairlead.RoleControl, Added: time.Now(), Certificate: pair.Pin()}, act("node.set"))
	check(t, err)
	b := startBus(t, bus.Options{Name: "one", Identity: func() *pki.Pair { return pair }, Nodes: s.Nodes, Tokens: s, Listen: "127.0.0.1:0"})
	stop := serve(t, b, s, "one")
	id, p := realJoin(t, s, authority, b, raw)
	edge, r := startBus(t, bus.Options{Name: "paris", Identity: id.Pair, Addresses: id.Addresses}), realReplica(t)
	var foreign atomic.Bool
	running(t, "follow", func(ctx context.Context) error {
		return bus.Follow(ctx, edge, r, bus.FollowOptions{Copied: func(yes bool) { foreign.Store(yes) }})
	})

	b.Publish(createKey(t, s, "before"))
	doc, _ := json.Marshal(map[string]any{"version": 1, "models": map[string]any{"a/b": map[string]any{"note": string(bytes.Repeat([]byte("x"), 700_000))}}})
	sum := fairlead.Hash(bus.HashSecret(string(doc)))
	_, change, err := s.CommitRevision(t.Context(), fairlead.Commit{Content: fairlead.RevisionContent{Origin: fairlead.OriginApply, Patch: doc, Sum: sum}, Document: doc, Act: act("config.apply")})
	check(t, err)
	b.Publish(change)
	_, err = s.PutSecret(t.Context(), 0, fairlead.SealedSecret{Name: "s", Version: 1, At: time.Now(), Sealed: fleetKey.Seal([]byte("sk"), "s 1")}, act("secret.set"))
	check(t, err)
	reach(t, r, head(t, s))
	state, err := r.State(t.Context())
	check(t, err)
	if !bytes.Equal(state.Document, doc) || state.Revision != 1 {
		t.Errorf("the replica has revision %d of %d bytes", state.Revision, len(state.Document))
	}

	account, of := createAccount(t, s, "of an account")
	reach(t, r, head(t, s))
	wantHolder(t, r, of, account)
	var backup bytes.Buffer
	_, err = s.Backup(t.Context(), &backup)
	check(t, err)
	p.cut()
	for i := range 300 {
		createKey(t, s, fmt.Sprint("missed ", i))
	}
	last := createKey(t, s, "lost with the database")
	p.heal()
	reach(t, r, head(t, s))
	if _, ok, err := r.Key(t.Context(), fairlead.HashKey("lost with the database")); !ok || err != nil {
		t.Errorf("a key that was missed: %v, %v", ok, err)
	}

	stop()
	again := realStore(t)
	_, err = again.Restore(t.Context(), &backup)
	check(t, err)
	fresh := createKey(t, again, "after the restore")
	serve(t, b, again, "one")
	reach(t, r, head(t, again))
	eventually(t, "the copy's end", foreign.Load)
	if _, ok, err := r.Key(t.Context(), fairlead.HashKey("lost with the database")); ok || err != nil {
		t.Errorf("a key that the store has lost: %v, %v", ok, err)
	}
	wantHolder(t, r, of, account) // copied whole
	lost, err := again.Lost(t.Context())
	check(t, err)
	if n := len(lost); n != 301 || lost[n-1].Number != last.Number || lost[n-1].Hash != last.Hash || lost[0].Number != fresh.Number {
		t.Errorf("%d changes are named as lost", n)
	}
}
