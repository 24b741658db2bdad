package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

func runAccounts(t *testing.T, fresh func(t *testing.T) Database) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, Database)
	}{
		{"accounts and teams", testAccounts},
		{"pages of accounts and their keys", testAccountPages},
		{"change and rotate a key", testUpdateKey},
		{"verify finds altered accounts", testAlteredAccounts},
		{"accounts in a backup", func(t *testing.T, db Database) { testAccountsRestored(t, db, fresh(t)) }},
		{"a backup from before accounts", func(t *testing.T, db Database) { testOldBackup(t, db, fresh(t)) }},
		{"a lost rotation", testLostRotation},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh(t)) })
	}
}

// newAccount makes the nth account.
func newAccount(n int) fairlead.Account {
	return fairlead.Account{
		ID: fairlead.NewID("acc_"), Name: "an <account>", Created: start.Add(time.Duration(n) * time.Second),
		Metadata: map[string]string{"plan": "b", "a": "1"},
	}
}

// accounts creates an account with a team and a key of it that has all terms.
func accounts(t *testing.T, s *store.Store) (fairlead.Account, fairlead.Team, fairlead.Key) {
	t.Helper()
	a := newAccount(0)
	_, err := s.CreateAccount(t.Context(), a, act("account.create", a.ID))
	check(t, err)
	team := fairlead.Team{ID: fairlead.NewID("team_"), Account: a.ID, Name: "ops", Created: start}
	_, err = s.CreateTeam(t.Context(), team, act("team.create", team.ID))
	check(t, err)
	k := newKey(20)
	k.KeyTerms = fairlead.KeyTerms{
		Account: a.ID, Team: team.ID, Owner: "somebody", Models: []string{"openai/*"}, Endpoints: []string{"*@openai"},
		Expires: start.Add(time.Hour), Metadata: map[string]string{"x": "y"},
	}
	_, err = s.CreateKeys(t.Context(), act("key.create", k.ID), k)
	check(t, err)
	return a, team, k
}

func testAccounts(t *testing.T, db Database) {
	s := open(t, db)
	a, team, k := accounts(t, s)
	wantHead(t, s, 3)
	got, err := s.Account(t.Context(), a.ID)
	check(t, err)
	same(t, "account", got, a)
	gotTeam, err := s.Team(t.Context(), a.ID, team.ID)
	check(t, err)
	same(t, "team", gotTeam, team)
	gotKey, err := s.Key(t.Context(), k.ID)
	check(t, err)
	same(t, "key", gotKey, k)
	all, err := s.AllAccounts(t.Context())
	check(t, err)
	same(t, "all", all, fairlead.AccountContent{Accounts: []fairlead.Account{a}, Teams: []fairlead.Team{team}})

	next, c, err := s.UpdateAccount(t.Context(), a.ID, act("account.patch", a.ID), func(to *fairlead.Account) error {
		to.Name, to.ID = "another", "acc_other"
		return nil
	})
	check(t, err)
	a.Name = "another"
	same(t, "renamed", next, a)
	if c.Number != 4 || c.Kind != fairlead.ChangeAccount || !strings.Contains(string(c.Content), "another") {
		t.Errorf("change %d (%s): %s", c.Number, c.Kind, c.Content)
	}
	for i := range 2 { // again, nothing is changed
		closed, c, err := s.UpdateTeam(t.Context(), a.ID, team.ID, act("team.close", team.ID), func(to *fairlead.Team) error {
			if to.Active() {
				to.Closed = start.Add(time.Hour)
			}
			return nil
		})
		check(t, err)
		if closed.Active() || (c.Number == 5) != (i == 0) || (c.Number == 0) != (i == 1) {
			t.Errorf("closed %+v by change %d", closed, c.Number)
		}
	}
	if v := wantWhole(t, s); v.Entries != 5 {
		t.Errorf("%d acts, want 5", v.Entries)
	}

	refused := func(want fairlead.Code, terms fairlead.KeyTerms) {
		t.Helper()
		k := newKey(30)
		k.KeyTerms = terms
		_, err := s.CreateKeys(t.Context(), act("key.create", k.ID), k)
		wantCode(t, err, want)
	}
	refused(fairlead.CodeNotFound, fairlead.KeyTerms{Account: "acc_unknown"})
	refused(fairlead.CodeNotFound, fairlead.KeyTerms{Account: a.ID, Team: "team_unknown"})
	refused(fairlead.CodeConflict, fairlead.KeyTerms{Account: a.ID, Team: team.ID})
	_, err = s.CreateAccount(t.Context(), a, act("account.create", a.ID))
	wantCode(t, err, fairlead.CodeConflict)
	_, err = s.CreateTeam(t.Context(), fairlead.Team{ID: "team_x", Account: "acc_unknown", Name: "x"}, act("team.create", ""))
	wantCode(t, err, fairlead.CodeNotFound)
	_, err = s.Team(t.Context(), "acc_other", team.ID)
	wantCode(t, err, fairlead.CodeNotFound)
	_, _, err = s.UpdateAccount(t.Context(), "acc_unknown", act("account.patch", ""), func(*fairlead.Account) error { return nil })
	wantCode(t, err, fairlead.CodeNotFound)
	wantHead(t, s, 5)
}

func testAccountPages(t *testing.T, db Database) {
	s := open(t, db)
	a, team, k := accounts(t, s)
	want, teams, keys := []fairlead.Account{a}, []fairlead.Team{team}, []fairlead.Key{k}
	fill(t, s, 3) // of no account
	for i := range 4 {
		next := newAccount(i + 1)
		_, err := s.CreateAccount(t.Context(), next, act("account.create", next.ID))
		check(t, err)
		want = append(want, next)
		of := team
		of.ID, of.Created = fairlead.NewID("team_"), start.Add(time.Duration(i+1)*time.Minute)
		_, err = s.CreateTeam(t.Context(), of, act("team.create", of.ID))
		check(t, err)
		teams = append(teams, of)
		key := newKey(21 + i)
		key.Account = a.ID
		_, err = s.CreateKeys(t.Context(), act("key.create", key.ID), key)
		check(t, err)
		keys = append(keys, key)
	}
	same(t, "accounts", paged(t, s.Accounts, func(a *fairlead.Account) string { return a.ID }), want)
	of := func(account, team string) func(context.Context, string, int) ([]fairlead.Key, error) {
		return func(ctx context.Context, after string, limit int) ([]fairlead.Key, error) {
			return s.KeysOf(ctx, account, team, after, limit)
		}
	}
	id := func(k *fairlead.Key) string { return k.ID }
	same(t, "keys of the account", paged(t, of(a.ID, ""), id), keys)
	same(t, "keys of the team", paged(t, of(a.ID, team.ID), id), keys[:1])
	same(t, "keys of no account", paged(t, of("", ""), id), []fairlead.Key(nil))
	same(t, "teams", paged(t, func(ctx context.Context, after string, limit int) ([]fairlead.Team, error) {
		return s.Teams(ctx, a.ID, after, limit)
	}, func(t *fairlead.Team) string { return t.ID }), teams)
	_, err := s.Accounts(t.Context(), "acc_unknown", 2)
	wantCode(t, err, fairlead.CodeNotFound)
}

// paged gives everything, two at a time.
func paged[T any](t *testing.T, read func(context.Context, string, int) ([]T, error), id func(*T) string) (all []T) {
	t.Helper()
	for after := ""; ; after = id(&all[len(all)-1]) {
		page, err := read(t.Context(), after, 2)
		check(t, err)
		if all = append(all, page...); len(page) < 2 {
			return all
		}
	}
}

func testUpdateKey(t *testing.T, db Database) {
	s := open(t, db)
	_, _, k := accounts(t, s)
	first := k.Hash
	until := start.Add(24 * time.Hour)
	var secrets []fairlead.Secret
	rotate := func(k *fairlead.Key) error {
		secrets = append(secrets, k.Rotate(until))
		return nil
	}
	rotated, c, err := s.UpdateKey(t.Context(), k.ID, act("key.rotate", k.ID), rotate)
	check(t, err)
	if c.Number != 4 || rotated.Old != first || !rotated.OldUntil.Equal(until) || rotated.Hash != fairlead.HashKey(secrets[0].Reveal()) {
		t.Errorf("rotated by change %d: %+v", c.Number, rotated)
	}
	again, _, err := s.UpdateKey(t.Context(), k.ID, act("key.rotate", k.ID), rotate)
	check(t, err)
	if again.Old != rotated.Hash {
		t.Errorf("rotated twice, the secret before is %v", again.Old)
	}
	patched, c, err := s.UpdateKey(t.Context(), k.ID, act("key.patch", k.ID), func(k *fairlead.Key) error {
		k.Disabled, k.Name, k.Account, k.Models = true, "renamed", "acc_other", nil
		return nil
	})
	check(t, err)
	want := again
	want.Disabled, want.Name, want.Models = true, "renamed", nil
	same(t, "patched", patched, want)
	var content fairlead.KeyContent
	check(t, json.Unmarshal(c.Content, &content))
	same(t, "the change", content.Keys[0].Key(), want)
	_, c, err = s.UpdateKey(t.Context(), k.ID, act("key.patch", k.ID), func(*fairlead.Key) error { return nil })
	if err != nil || c.Number != 0 {
		t.Errorf("nothing made change %d, %v", c.Number, err)
	}
	revoked, _, err := s.RevokeKey(t.Context(), k.ID, act("key.revoke", k.ID))
	check(t, err)
	want.Revoked = start
	same(t, "revoked", revoked, want)
	_, _, err = s.UpdateKey(t.Context(), k.ID, act("key.patch", k.ID), rotate)
	wantCode(t, err, fairlead.CodeConflict)
	_, _, err = s.UpdateKey(t.Context(), "key_unknown", act("key.patch", ""), rotate)
	wantCode(t, err, fairlead.CodeNotFound)
	wantHead(t, s, 7)
	wantWhole(t, s)
	reopened := open(t, db)
	got, err := reopened.Key(t.Context(), k.ID)
	check(t, err)
	same(t, "reopened", got, want)
}

// testAlteredAccounts holds that accounts, teams and terms are held against the log.
func testAlteredAccounts(t *testing.T, db Database) {
	s := open(t, db)
	accounts(t, s)
	raw := db.SQL(t)
	for _, c := range []struct{ do, undo string }{
		{`UPDATE accounts SET content = replace(content, 'an <', 'my <')`, `UPDATE accounts SET content = replace(content, 'my <', 'an <')`},
		{`UPDATE teams SET content = replace(content, 'ops', 'dev')`, `UPDATE teams SET content = replace(content, 'dev', 'ops')`},
		{`UPDATE keys SET terms = replace(terms, 'openai/*', '*')`, `UPDATE keys SET terms = replace(terms, '"models":["*"]', '"models":["openai/*"]')`},
		{`UPDATE keys SET account = account || 'x'`, `UPDATE keys SET account = substr(account, 1, 20)`},
	} {
		_, err := raw.ExecContext(t.Context(), c.do)
		check(t, err)
		v, err := s.Verify(t.Context())
		if err != nil || len(v.Faults) != 1 {
			t.Errorf("%s: faults %q, %v; want one", c.do, v.Faults, err)
		}
		_, err = raw.ExecContext(t.Context(), c.undo)
		check(t, err)
		wantWhole(t, s)
	}
}

// testAccountsRestored holds that a backup carries accounts and terms.
func testAccountsRestored(t *testing.T, db, into Database) {
	s := open(t, db)
	a, team, k := accounts(t, s)
	to := open(t, into)
	_, err := to.Restore(t.Context(), bytes.NewReader(backUp(t, s)))
	check(t, err)
	all, err := to.AllAccounts(t.Context())
	check(t, err)
	same(t, "restored", all, fairlead.AccountContent{Accounts: []fairlead.Account{a}, Teams: []fairlead.Team{team}})
	wantKeys(t, to, []fairlead.Key{k})
	wantWhole(t, to)
}

// testOldBackup takes a backup of before there were accounts: its rows of keys are shorter.
func testOldBackup(t *testing.T, db, into Database) {
	s := open(t, db)
	keys := fill(t, s, 3)
	text := unzip(t, backUp(t, s))
	old := regexp.MustCompile(`(?m)^(\["keys",.*),"","",""\]$`).ReplaceAllString(regexp.MustCompile(`"schema":\d+`).ReplaceAllString(text, `"schema":4`), "$1]")
	if strings.Count(old, `"",""]`) != 0 {
		t.Fatal("the edit did nothing")
	}
	to := open(t, into)
	_, err := to.Restore(t.Context(), bytes.NewReader(zip(t, sealAgain(old))))
	check(t, err)
	wantKeys(t, to, keys)
	wantWhole(t, to)
}

// testLostRotation holds that a key which a node remembers as revoked is revoked again though a restore undid its rotation before.
func testLostRotation(t *testing.T, db Database) {
	s := open(t, db)
	k := fill(t, s, 1)[0]
	was := k
	was.Rotate(start.Add(time.Hour))
	was.Revoked = start.Add(time.Minute)
	made, err := s.RevokeLost(t.Context(), "edge-1", []fairlead.Key{was})
	check(t, err)
	now, err := s.Key(t.Context(), k.ID)
	if err != nil || len(made) != 1 || now.Active() {
		t.Errorf("made %d changes, %v: %+v", len(made), err, now)
	}
}
