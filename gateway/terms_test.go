package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/gateway"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// lettingBy has a gateway let in keys with terms, which belong to an account.
func lettingBy(t *testing.T, all ...fairlead.KeyTerms) ([]holder, tune) {
	t.Helper()
	keys, err := replica.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, keys.Close()) })
	l := changelog.New("test")
	l.Add(fairlead.ChangeAccount, fairlead.AccountContent{
		Accounts: []fairlead.Account{{ID: "acc_1", Name: "a"}}, Teams: []fairlead.Team{{ID: "team_1", Account: "acc_1", Name: "t"}},
	})
	var list []holder
	for _, terms := range all {
		k, secret := fairlead.NewKey("test", time.Now())
		k.KeyTerms = terms
		list = append(list, holder{k.ID, secret.Reveal()})
		l.Keys(k)
	}
	check(t, keys.Apply(t.Context(), "test", l.Made))
	return list, func(g *gateway.Gateway) { g.Door = admit.NewDoor(keys, false) }
}

// TestTermsOfAKey holds what a key that may use little is told, and that its exchanges are its account's.
func TestTermsOfAKey(t *testing.T) {
	callers, tuned := lettingBy(t,
		fairlead.KeyTerms{Account: "acc_1", Team: "team_1", Models: []string{"openai/gpt-4o*", "claude/haiku"}},
		fairlead.KeyTerms{Models: []string{"fast"}},
		fairlead.KeyTerms{Endpoints: []string{"*@second"}},
		fairlead.KeyTerms{Account: "acc_unknown"},
	)
	some, alias, second, nobody := callers[0], callers[1], callers[2], callers[3]
	r := newRig(t, "attempts: 1", tuned)
	for _, c := range []struct {
		by     holder
		model  string
		status int
		has    string
		hasNot string
	}{
		{some, "openai/gpt-4o-mini", 200, "", ""},
		{some, "fast", 200, "", ""}, // its model's name fits
		{some, "openai/gpt-4o-large", 200, "", ""},
		{some, "openai/echo", 404, "model_not_found", ""},
		{some, "openai/gpt-4", 404, "near: openai/gpt-4o-mini", ""},
		{some, "claude/echo", 404, "model_not_found", ""},
		{some, "claude/haiku", 200, "", ""},
		{alias, "fast", 200, "", ""},
		{alias, "openai/gpt-4o-mini", 404, "model_not_found", "openai/gpt-4o-mini-"},
		{alias, "openai/gpt-4o-min", 404, "model_not_found", "near: openai"},
		{second, "openai/gpt-4o-mini", 403, "not_allowed", "@first"},
		{second, "claude/haiku", 200, "", ""},
		{nobody, "fast", 403, "account_closed", ""},
	} {
		resp := r.as(t.Context(), c.by, http.MethodPost, "/v1/chat/completions", asking(c.model, false))
		body := text(t, resp)
		if resp.StatusCode != c.status || !strings.Contains(body, c.has) || c.hasNot != "" && strings.Contains(body, c.hasNot) {
			t.Errorf("%s by %s: %d %s", c.model, c.by.id, resp.StatusCode, body)
		}
		if rec := r.records.of(t, resp); c.by == some && (rec.Account != "acc_1" || rec.Team != "team_1" || rec.KeyID != some.id) {
			t.Errorf("%s is of %q, %q, %q", c.model, rec.KeyID, rec.Account, rec.Team)
		}
	}
	for by, want := range map[holder]string{some: "fast openai/gpt-4o-mini", alias: "fast"} {
		var list struct{ Data []struct{ ID string } }
		check(t, json.Unmarshal([]byte(text(t, r.as(t.Context(), by, http.MethodGet, "/v1/models", ""))), &list))
		var got []string
		for _, m := range list.Data {
			got = append(got, m.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("models %q, want %q", got, want)
		}
	}
	if resp := r.as(t.Context(), alias, http.MethodGet, "/v1/models/openai/gpt-4o-mini", ""); resp.StatusCode != 404 {
		t.Errorf("a model that may not be used: %d %s", resp.StatusCode, text(t, resp))
	}
}
