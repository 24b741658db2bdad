package replica_test

import (
	"testing"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// TestRefusedBefore holds that a revocation which was heard while everything is copied counts at once, that the copy's end does
// not undo it, and that it is kept no longer than until the replica has it.
func TestRefusedBefore(t *testing.T) {
	for _, c := range []struct {
		name   string
		log    string // that is copied
		has    bool   // the copy has the revocation
		failed bool   // the copy is given up
	}{
		{name: "begun before it", log: "a"},
		{name: "of another log", log: "b"},
		{name: "has it", log: "b", has: true},
		{name: "given up", log: "b", failed: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, l, k := open(t, t.TempDir()), changelog.New("a"), newKey()
			apply(t, r, l.Keys(k), l.Revise(docOne))
			log := l
			if c.log != "a" {
				log = changelog.New(c.log)
				log.Keys(k)
			}
			from := log.At.Number
			copied := copyOf(t, r, log, from, k)
			wantFound(t, r, []fairlead.Key{k}, nil)
			change := log.Keys(revoked(k))
			r.Refuse(t.Context(), change)
			wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
			if c.has {
				check(t, copied.Apply(t.Context(), []fairlead.Change{change}))
			}
			if c.failed {
				check(t, copied.Discard())
			} else {
				check(t, copied.Commit(t.Context(), c.log))
			}
			wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
			if !c.has && !c.failed {
				wantRefused(t, r, 1)
				check(t, r.Apply(t.Context(), c.log, []fairlead.Change{change}))
			}
			if !c.failed {
				wantRefused(t, r, 0)
				wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
			}
		})
	}
}

// TestRefuseKeepsLittle holds that of what is heard only what the replica lacks is kept, and not without bounds.
func TestRefuseKeepsLittle(t *testing.T) {
	r, l := open(t, t.TempDir()), changelog.New("a")
	good, bad := newKey(), newKey()
	made, gone := l.Keys(good, bad), l.Keys(revoked(bad))
	apply(t, r, made, gone)
	good.Name = `"revoked":`
	other := changelog.New("b")
	other.Keys(good)
	for _, c := range []fairlead.Change{made, gone, other.Keys(good), {Kind: fairlead.ChangeKey, Number: 9, Content: []byte(`"revoked":`)}} {
		r.Refuse(t.Context(), c)
	}
	wantRefused(t, r, 0)
	apply(t, r, l.Revise(docOne))
	r.Refuse(t.Context(), gone) // late
	wantRefused(t, r, 0)
	r.Refuse(t.Context(), other.Keys(revoked(newKey()))) // of another log, which may be copied soon
	wantRefused(t, r, 1)

	many := make([]fairlead.Key, replica.MaxHeard)
	for i := range many {
		many[i] = revoked(newKey())
	}
	for range 2 {
		r.Refuse(t.Context(), other.Keys(many...))
		wantRefused(t, r, replica.MaxHeard)
	}
	r.Refuse(t.Context(), other.Keys(revoked(good)))
	wantRefused(t, r, replica.MaxHeard)
}

// TestRefuseWaitsForNobody holds that a revocation is not held up by a commit under way.
func TestRefuseWaitsForNobody(t *testing.T) {
	r, l, k := open(t, t.TempDir()), changelog.New("a"), newKey()
	apply(t, r, l.Keys(k), l.Revise(docOne))
	defer r.HoldWriting()()
	r.Refuse(t.Context(), l.Keys(revoked(k)))
	wantFound(t, r, []fairlead.Key{revoked(k)}, nil)
}

func wantRefused(t *testing.T, r *replica.Replica, want int) {
	t.Helper()
	if n := r.Refused(); n != want {
		t.Errorf("%d keys are refused beside the disk; want %d", n, want)
	}
}
