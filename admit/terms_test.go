package admit_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
)

// holders knows keys by both secrets.
type holders map[fairlead.KeyHash]fairlead.Holder

func (h holders) Holder(_ context.Context, hash fairlead.KeyHash) (fairlead.Holder, bool, error) {
	found, ok := h[hash]
	return found, ok, nil
}

// TestTerms holds when a key that is known is refused, by the clock that the door was given.
func TestTerms(t *testing.T) {
	now := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	open, closed := &fairlead.Account{ID: "acc_1"}, &fairlead.Account{ID: "acc_1", Closed: now}
	team, shut := &fairlead.Team{ID: "team_1"}, &fairlead.Team{ID: "team_1", Closed: now}
	of := func(k *fairlead.Key) { k.Account = "acc_1" }
	ofTeam := func(k *fairlead.Key) { k.Account, k.Team = "acc_1", "team_1" }
	rotated := func(until time.Time) func(*fairlead.Key) { return func(k *fairlead.Key) { k.Rotate(until) } }
	for _, c := range []struct {
		name  string
		terms func(*fairlead.Key) // after its secret was taken down
		a     *fairlead.Account
		team  *fairlead.Team
		want  fairlead.Code
	}{
		{"an open account", of, open, nil, ""},
		{"a closed account", of, closed, nil, fairlead.CodeClosedAccount},
		{"an account that is not known", of, nil, nil, fairlead.CodeClosedAccount},
		{"an open team", ofTeam, open, team, ""},
		{"a closed team", ofTeam, open, shut, fairlead.CodeClosedAccount},
		{"a team that is not known", ofTeam, open, nil, fairlead.CodeClosedAccount},
		{"a team of a closed account", ofTeam, closed, team, fairlead.CodeClosedAccount},
		{"disabled", func(k *fairlead.Key) { k.Disabled = true }, nil, nil, fairlead.CodeDisabledKey},
		{"not yet expired", func(k *fairlead.Key) { k.Expires = now.Add(1) }, nil, nil, ""},
		{"expired now", func(k *fairlead.Key) { k.Expires = now }, nil, nil, fairlead.CodeExpiredKey},
		{"the secret before, in its grace", rotated(now.Add(time.Second)), nil, nil, ""},
		{"the secret before, after it", rotated(now), nil, nil, fairlead.CodeReplacedKey},
		{"revoked before all else", func(k *fairlead.Key) { k.Revoked, k.Disabled = now, true }, nil, nil, fairlead.CodeRevokedKey},
	} {
		k, secret := fairlead.NewKey("k", now)
		known := holders{}
		h := fairlead.Holder{Key: &k, Account: c.a, Team: c.team}
		known[k.Hash] = h
		c.terms(&k)
		door := admit.NewDoor(known, false)
		door.Clock = func() time.Time { return now }
		pass, err := door.Enter(t.Context(), http.Header{"X-Api-Key": {secret.Reveal()}})
		var got fairlead.Code
		if err != nil {
			got = fairlead.AsError(err).Code
		}
		if got != c.want || err == nil && (pass.Key != &k || pass.Account != c.a || pass.Team != c.team) {
			t.Errorf("%s: %q, %+v", c.name, got, pass)
		}
	}
	// The new secret is good whatever became of the one before.
	k, _ := fairlead.NewKey("k", now)
	secret := k.Rotate(now.Add(-time.Hour))
	if _, err := admit.NewDoor(holders{k.Hash: {Key: &k}}, false).Enter(t.Context(), http.Header{"X-Api-Key": {secret.Reveal()}}); err != nil {
		t.Errorf("the new secret: %v", err)
	}
}
