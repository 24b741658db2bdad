package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead/app"
	"fairlead/test/harness"
)

// TestKeysOfAnAccount holds, through the whole program and over a restart, that what is said of a key is so when the call returns, by
// the node's own clock, and that exchanges are their account's.
func TestKeysOfAnAccount(t *testing.T) {
	_, provider := fake(t)
	options := app.Options{
		Config: file(t, config(provider, "one")), Data: t.TempDir(),
		Clock: func() time.Time { return time.Now().Add(48 * time.Hour) },
	}
	n := start(t, options)
	do := func(method, path, body string) (made struct{ ID, Secret string }) {
		t.Helper()
		resp, text := n.control(method, "/control/v1/"+path, body)
		if resp.StatusCode >= 300 || json.Unmarshal([]byte(text), &made) != nil {
			t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
		}
		return made
	}
	var exchange string
	wants := func(secret string, status int, code string) {
		t.Helper()
		resp, text := n.ask("/v1/chat/completions", secret, chat("openai/one", false))
		if exchange = resp.Header.Get("X-Request-Id"); resp.StatusCode != status || !strings.Contains(text, code) {
			t.Errorf("answered %d %s, want %d %s", resp.StatusCode, text, status, code)
		}
	}
	account := do("POST", "accounts", `{"name":"acme"}`).ID
	team := do("POST", "accounts/"+account+"/teams", `{"name":"lab"}`).ID
	k := do("POST", "keys", `{"name":"app","account":"`+account+`","team":"`+team+`"}`)
	other := do("POST", "keys", `{"name":"other","account":"`+account+`"}`)
	wants(k.Secret, 200, "")
	harness.Until(t, "the exchange is found with its account", func() bool {
		resp, text := n.control(http.MethodGet, "/control/v1/records/"+exchange, "")
		return resp.StatusCode == http.StatusOK && strings.Count(text, `"account":"`+account+`"`) == 3 && strings.Count(text, `"team":"`+team+`"`) == 3
	})
	if log := n.log.String(); !strings.Contains(log, account) || !strings.Contains(log, team) {
		t.Error("the log does not tell whose it is")
	}

	path := "keys/" + k.ID
	do("PATCH", path, `{"disabled":true}`)
	wants(k.Secret, 401, "disabled_key")
	do("PATCH", path, `{"disabled":false,"models":["other/*"]}`)
	wants(k.Secret, 404, "model_not_found")
	do("PATCH", path, `{"models":[],"endpoints":["*@nowhere"]}`)
	wants(k.Secret, 403, "not_allowed")
	do("PATCH", path, `{"endpoints":[],"expires":"`+time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339)+`"}`)
	wants(k.Secret, 401, "expired_key") // by the node's clock, which is ahead
	do("PATCH", path, `{"expires":""}`)
	wants(k.Secret, 200, "")
	next := do("POST", path+"/rotate", `{"grace":"1h"}`)
	wants(k.Secret, 200, "")
	wants(next.Secret, 200, "")
	last := do("POST", path+"/rotate", `{"grace":"0s"}`)
	wants(k.Secret, 401, "invalid_key")
	wants(next.Secret, 401, "replaced_key")
	wants(last.Secret, 200, "")
	do("POST", "accounts/"+account+"/teams/"+team+"/close", "")
	wants(last.Secret, 403, "account_closed")
	wants(other.Secret, 200, "")
	do("POST", "accounts/"+account+"/close", "")
	wants(other.Secret, 403, "account_closed")
	check(t, n.stop())

	n = start(t, options)
	wants(last.Secret, 403, "account_closed")
	wants(other.Secret, 403, "account_closed")
	wants(next.Secret, 401, "replaced_key")
}
