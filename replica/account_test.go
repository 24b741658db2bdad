package replica_test

import (
	"reflect"
	"testing"
	"time"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// belonging gives an account, a team of it and a key of both.
func belonging() (fairlead.Account, fairlead.Team, fairlead.Key) {
	a := fairlead.Account{ID: "acc_1", Name: "one", Created: start}
	team := fairlead.Team{ID: "team_1", Account: a.ID, Name: "ops", Created: start}
	k := newKey()
	k.KeyTerms = fairlead.KeyTerms{
		Account: a.ID, Team: team.ID, Owner: "o", Models: []string{"a/*"}, Endpoints: []string{"*@b"}, Expires: start.Add(time.Hour),
		Metadata: map[string]string{"x": "y"},
	}
	return a, team, k
}

func content(a fairlead.Account, teams ...fairlead.Team) fairlead.AccountContent {
	return fairlead.AccountContent{Accounts: []fairlead.Account{a}, Teams: teams}
}

// wantHolder looks twice: at the disk and at the cache.
func wantHolder(t *testing.T, r *replica.Replica, hash fairlead.KeyHash, k fairlead.Key, a *fairlead.Account, team *fairlead.Team) {
	t.Helper()
	for range 2 {
		h, found, err := r.Holder(t.Context(), hash)
		if err != nil || !found || !reflect.DeepEqual(*h.Key, k) || !reflect.DeepEqual(h.Account, a) || !reflect.DeepEqual(h.Team, team) {
			t.Fatalf("found %v, %v: %+v, %+v, %+v;\nwant %+v, %+v, %+v", found, err, h.Key, h.Account, h.Team, k, a, team)
		}
	}
}

// TestHolder holds that a key comes with its account and team as they are, whatever comes first, and after a start.
func TestHolder(t *testing.T) {
	a, team, k := belonging()
	dir := t.TempDir()
	r := open(t, dir)
	l := changelog.New("a")
	apply(t, r, l.Keys(k))
	wantHolder(t, r, k.Hash, k, nil, nil)
	apply(t, r, l.Add(fairlead.ChangeAccount, content(a, team)))
	wantHolder(t, r, k.Hash, k, &a, &team)
	a.Closed = start.Add(time.Minute)
	apply(t, r, l.Add(fairlead.ChangeAccount, content(a)))
	wantHolder(t, r, k.Hash, k, &a, &team)
	team.Name = "other"
	apply(t, r, l.Add(fairlead.ChangeAccount, fairlead.AccountContent{Teams: []fairlead.Team{team}}))
	wantHolder(t, r, k.Hash, k, &a, &team)
	check(t, r.Close())
	wantHolder(t, open(t, dir), k.Hash, k, &a, &team)
}

// TestHoldersOfACopy holds that a copy brings accounts, and that what it has not is gone.
func TestHoldersOfACopy(t *testing.T) {
	a, team, k := belonging()
	gone := fairlead.Account{ID: "acc_gone", Name: "gone", Created: start}
	of := newKey()
	of.Account = gone.ID
	dir := t.TempDir()
	r := open(t, dir)
	l := changelog.New("a")
	apply(t, r, l.Add(fairlead.ChangeAccount, content(gone)), l.Keys(of))
	wantHolder(t, r, of.Hash, of, &gone, nil)

	l = changelog.New("b")
	c, err := r.BeginCopy(t.Context(), l.At)
	check(t, err)
	check(t, c.Keys(t.Context(), []fairlead.Key{k, of}))
	check(t, c.Accounts(t.Context(), content(a)))
	check(t, c.Rest(t.Context(), fairlead.State{}, nil))
	check(t, c.Apply(t.Context(), []fairlead.Change{l.Add(fairlead.ChangeAccount, fairlead.AccountContent{Teams: []fairlead.Team{team}})}))
	wantHolder(t, r, of.Hash, of, &gone, nil) // it serves meanwhile
	check(t, c.Commit(t.Context(), "b"))
	wantHolder(t, r, k.Hash, k, &a, &team)
	wantHolder(t, r, of.Hash, of, nil, nil)
	check(t, r.Close())
	wantHolder(t, open(t, dir), k.Hash, k, &a, &team)
}

// TestRotation holds that a rotated key is found by both secrets, by the one before no more after the next rotation, and that a
// revocation reaches both, whether they were looked up before or not.
func TestRotation(t *testing.T) {
	for _, cached := range []int{1000, 1} {
		dir := t.TempDir()
		r := open(t, dir, replica.WithCache(cached))
		l := changelog.New("a")
		first, other := newKey(), newKey()
		apply(t, r, l.Keys(first, other))
		wantFound(t, r, []fairlead.Key{first, other}, nil)
		second := first
		second.Rotate(start.Add(time.Hour))
		if _, found, err := r.Key(t.Context(), second.Hash); err != nil || found { // so that it is cached as unknown
			t.Fatal(found, err)
		}
		apply(t, r, l.Keys(second))
		wantHolder(t, r, first.Hash, second, nil, nil)
		wantHolder(t, r, second.Hash, second, nil, nil)
		third := second
		third.Rotate(start.Add(2 * time.Hour))
		apply(t, r, l.Keys(third))
		wantHolder(t, r, second.Hash, third, nil, nil)
		wantHolder(t, r, third.Hash, third, nil, nil)
		wantFound(t, r, []fairlead.Key{other}, []fairlead.Key{first})
		dead := revoked(third)
		apply(t, r, l.Keys(dead))
		wantHolder(t, r, second.Hash, dead, nil, nil)
		wantHolder(t, r, third.Hash, dead, nil, nil)
		check(t, r.Close())
		r = open(t, dir)
		wantHolder(t, r, second.Hash, dead, nil, nil)
		wantHolder(t, r, third.Hash, dead, nil, nil)
	}
}

// TestRefusedByBothSecrets holds that a revocation which cannot be applied yet reaches the secret before, too.
func TestRefusedByBothSecrets(t *testing.T) {
	r := open(t, t.TempDir())
	l := changelog.New("a")
	k := newKey()
	apply(t, r, l.Keys(k))
	next := k
	next.Rotate(start.Add(time.Hour))
	l.Keys(next) // not heard
	dead := revoked(next)
	r.Refuse(t.Context(), l.Keys(dead))
	wantHolder(t, r, k.Hash, dead, nil, nil)
	wantHolder(t, r, dead.Hash, dead, nil, nil)
}

func TestHolderAllocatesNothing(t *testing.T) {
	a, team, k := belonging()
	r := open(t, t.TempDir())
	l := changelog.New("a")
	apply(t, r, l.Add(fairlead.ChangeAccount, content(a, team)), l.Keys(k))
	wantHolder(t, r, k.Hash, k, &a, &team)
	n := testing.AllocsPerRun(100, func() {
		if h, _, err := r.Holder(t.Context(), k.Hash); err != nil || h.Team == nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("a cached lookup allocates %v times", n)
	}
}
