//go:build linux

package fleet_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"fairlead/test/harness"
)

// TestLetIn says who is let in: callers with keys, and nodes.
func TestLetIn(t *testing.T) {
	f := begin(t)
	f.scene("a revoked key is refused by all", func(t *testing.T) {
		key, err := f.node("c1").api().CreateKey(t.Context(), "to be revoked")
		check(t, err)
		f.admits(key.Secret, f.edges, http.StatusOK)
		begun := time.Now()
		_, err = f.node("c3").api().RevokeKey(t.Context(), key.ID)
		check(t, err)
		f.admits(key.Secret, f.edges, http.StatusUnauthorized)
		t.Logf("refused by all after %s", time.Since(begun).Round(time.Millisecond))
	})
	f.scene("a key revoked behind a partition is refused after it", func(t *testing.T) {
		key, err := f.node("c1").api().CreateKey(t.Context(), "to be revoked")
		check(t, err)
		f.admits(key.Secret, f.edges, http.StatusOK)
		e := f.node("e2")
		links := f.busLinks(e)
		each(links, (*harness.Proxy).Cut)
		_, err = f.node("c2").api().RevokeKey(t.Context(), key.ID)
		check(t, err)
		f.admits(key.Secret, []*node{f.node("e1"), f.node("e3"), f.node("e4")}, http.StatusUnauthorized)
		if a, _ := f.ask(t.Context(), quick, e, key.Secret, false); a.status != http.StatusOK {
			t.Errorf("behind the partition the key has status %d: is there one?", a.status)
		}
		e.restart() // it knows no more after a restart
		if a, _ := f.ask(t.Context(), quick, e, key.Secret, false); a.status != http.StatusOK {
			t.Errorf("behind the partition the key has status %d: is there one?", a.status)
		}
		f.heals(links)
		f.admits(key.Secret, f.edges, http.StatusUnauthorized)
	})
	f.scene("a node that was removed is shut out", func(t *testing.T) {
		e := f.addEdge("e5", "us")
		e.start()
		f.serves(f.revision())
		_, err := f.node("c2").api().RemoveNode(t.Context(), "e5")
		check(t, err)
		harness.Until(t, "the door is shut", func() bool { return !f.connected(e) })
		f.shuts(e)
		e.restart()
		f.shuts(e)
		f.answers(e) // what it knows it serves: it is its operator's to stop
		f.edges = f.edges[:4]
		e.kill()
		if n, err := f.node("c1").api().AddNode(t.Context(), "e5", "us"); err != nil || n.Token == "" {
			t.Errorf("the name cannot be used again: %v", err)
		}
	})
}

// admits waits until edges answer a key with a status.
func (f *fleet) admits(key string, edges []*node, status int) {
	f.t.Helper()
	for _, n := range edges {
		harness.UntilWithin(f.t, soon, n.name+" answers with status "+strconv.Itoa(status), func() bool {
			a, _ := f.ask(f.root.Context(), quick, n, key, false)
			return a.status == status
		})
	}
}

// shuts holds that a node learns nothing of what is written, however often it asks.
func (f *fleet) shuts(n *node) {
	f.t.Helper()
	at, err := position(n)
	check(f.t, err)
	n.leave()
	f.weigh(f.controls[0], 90)
	f.weigh(f.controls[1], 91)
	n.down.Add(1)
	pause(f.root.Context(), 3*time.Second) // longer than the pause of one who was refused
	if now, err := position(n); err != nil || now != at {
		f.t.Errorf("%s was shut out at %d and stands at %d (%v)", n.name, at.Number, now.Number, err)
	}
	list, err := f.controls[1].api().Nodes(f.root.Context())
	check(f.t, err)
	for _, l := range list {
		if l.Name == n.name {
			f.t.Errorf("%s is listed: %+v", n.name, l)
		}
	}
}

// connected reports whether a node has a connection with a control node's bus.
func (f *fleet) connected(n *node) bool {
	for _, c := range f.bus {
		if c.carries(n.name) {
			return true
		}
	}
	return false
}

// revision is the one in force.
func (f *fleet) revision() int64 {
	f.t.Helper()
	s, _, err := f.store.State(f.root.Context())
	check(f.t, err)
	return s.Revision
}
