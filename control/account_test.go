package control_test

import (
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/client"
	"fairlead/control"
)

// TestLifeOfAnAccount goes through the client, so that both sides of the wire are held together; answers are held against the document.
func TestLifeOfAnAccount(t *testing.T) {
	p := newPlane(t)
	c := p.client(t)
	made, err := c.CreateAccount(t.Context(), "acme", map[string]string{"plan": "b"})
	check(t, err)
	team, err := c.CreateTeam(t.Context(), made.ID, "lab", nil)
	check(t, err)
	if !strings.HasPrefix(made.ID, "acc_") || made.Metadata["plan"] != "b" || team.Account != made.ID || !strings.HasPrefix(team.ID, "team_") {
		t.Errorf("made %+v, %+v", made, team)
	}
	name, none := "other", map[string]string{}
	if a, err := c.PatchAccount(t.Context(), made.ID, client.AccountPatch{Name: &name, Metadata: &none}); err != nil || a.Name != "other" || a.Metadata != nil {
		t.Errorf("patched %+v, %v", a, err)
	}
	if got, err := c.PatchTeam(t.Context(), made.ID, team.ID, client.AccountPatch{Name: &name}); err != nil || got.Name != "other" {
		t.Errorf("patched %+v, %v", got, err)
	}
	k, err := c.CreateKey(t.Context(), "app", client.KeyTerms{Account: made.ID, Team: team.ID})
	check(t, err)
	for range 2 { // again, it is as it was
		closed, err := c.CloseTeam(t.Context(), made.ID, team.ID)
		if err != nil || closed.Closed == nil {
			t.Errorf("closed %+v, %v", closed, err)
		}
	}
	p.json(t, "POST", "/control/v1/accounts/"+made.ID+"/close", `{"why":"unpaid"}`, 200)
	if a, err := c.Account(t.Context(), made.ID); err != nil || a.Closed == nil || a.Name != "other" {
		t.Errorf("%+v, %v", a, err)
	}
	if got, err := c.Team(t.Context(), made.ID, team.ID); err != nil || got.Closed == nil {
		t.Errorf("%+v, %v", got, err)
	}
	for of, want := range map[string]int{made.ID: 1, "acc_unknown": 0} {
		n := 0
		for got, err := range c.KeysOf(t.Context(), of, "") {
			check(t, err)
			if n++; got.ID != k.ID || got.Team != team.ID {
				t.Errorf("of %s: %+v", of, got)
			}
		}
		if n != want {
			t.Errorf("%d keys of %s, want %d", n, of, want)
		}
	}
	want := "account.create team.create account.patch team.patch key.create team.close account.close"
	if got := strings.Join(p.audit(t), " "); got != want {
		t.Errorf("audit: %s, want %s", got, want)
	}
	if entry := p.json(t, "GET", "/control/v1/audit?limit=1", "", 200).data()[0]; entry["why"] != "unpaid" || entry["target"] != made.ID {
		t.Errorf("entry: %v", entry)
	}
	if sent := p.sent.all(); len(sent) != 7 || sent[6].Kind != fairlead.ChangeAccount || !strings.Contains(string(sent[6].Content), `"closed"`) {
		t.Errorf("published: %v", sent)
	}
}

func TestPagesOfAccounts(t *testing.T) {
	p := newPlane(t)
	c := p.client(t)
	var want, teams []string
	for range 3 {
		a, err := c.CreateAccount(t.Context(), "a", nil)
		check(t, err)
		want = append(want, a.ID)
		team, err := c.CreateTeam(t.Context(), want[0], "t", nil)
		check(t, err)
		teams = append(teams, team.ID)
	}
	for path, want := range map[string][]string{"accounts": want, "accounts/" + want[0] + "/teams": teams} {
		var got []string
		for after := ""; ; {
			page := p.json(t, "GET", "/control/v1/"+path+"?limit=2&after="+after, "", 200)
			for _, one := range page.data() {
				got = append(got, one["id"].(string))
			}
			next, ok := page["next"].(string)
			if !ok {
				break
			}
			after = next
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// TestTermsOfKeys makes, changes and rotates a key.
func TestTermsOfKeys(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	p := newPlane(t, func(o *control.Options) { o.Now = func() time.Time { return at } })
	c := p.client(t)
	until := at.Add(48 * time.Hour)
	k, err := c.CreateKey(t.Context(), "app", client.KeyTerms{
		Owner: "jo", Models: []string{"a/*"}, Endpoints: []string{"*@b"}, Expires: &until, Disabled: true, Metadata: map[string]string{"x": "y"},
	})
	check(t, err)
	if k.Owner != "jo" || !k.Disabled || !k.Expires.Equal(until) || k.Metadata["x"] != "y" || len(k.Models)+len(k.Endpoints) != 2 {
		t.Errorf("made %+v", k)
	}
	got := p.json(t, "PATCH", "/control/v1/keys/"+k.ID, `{"disabled":false,"models":[],"expires":"","name":"renamed"}`, 200)
	if _, there := got["models"]; there || got["disabled"] != nil || got["expires"] != nil || got["name"] != "renamed" || got["owner"] != "jo" {
		t.Errorf("patched %v", got)
	}
	rotated, err := c.RotateKey(t.Context(), k.ID, time.Hour)
	check(t, err)
	if rotated.Secret == k.Secret || rotated.ID != k.ID || !rotated.OldUntil.Equal(at.Add(time.Hour)) {
		t.Errorf("rotated %+v", rotated)
	}
	stored, err := p.store.Key(t.Context(), k.ID)
	check(t, err)
	if stored.Hash != fairlead.HashKey(rotated.Secret) || stored.Old != fairlead.HashKey(k.Secret) {
		t.Error("the store has other secrets")
	}
	usual := p.json(t, "POST", "/control/v1/keys/"+k.ID+"/rotate", "", 200)
	if usual["old_until"] != "2026-03-05T05:06:07Z" {
		t.Errorf("without a grace: %v", usual)
	}
	shown, err := c.Key(t.Context(), k.ID)
	if err != nil || shown.OldUntil == nil || shown.Name != "renamed" {
		t.Errorf("shown %+v, %v", shown, err)
	}
	_, text := p.ask(t, "GET", "/control/v1/keys/"+k.ID, "")
	for _, secret := range []string{k.Secret, rotated.Secret, "hash", `"old"`} {
		if strings.Contains(text, secret) || strings.Contains(p.log.String(), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
	if got := strings.Join(p.audit(t), " "); got != "key.create key.patch key.rotate key.rotate" {
		t.Errorf("audit: %s", got)
	}
}
