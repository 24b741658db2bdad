package control_test

import (
	"strings"
	"testing"

	"fairlead/control"
)

func TestLifeOfAToken(t *testing.T) {
	p := applied(t)
	secret, id := p.token(t, "deploy-bot", "operator")
	if !strings.HasPrefix(secret, "fl-admin-") || len(secret) != len("fl-admin-")+64 || !strings.HasPrefix(id, "tok_") {
		t.Errorf("made %q, %q", secret, id)
	}
	bearer := []string{"Authorization", "Bearer " + secret}
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":1}`, 200, bearer...)
	p.json(t, "GET", "/control/v1/tokens", "", 200, bearer...)
	if e := p.json(t, "GET", "/control/v1/audit?limit=1", "", 200).data()[0]; e["by"] != "deploy-bot" || e["action"] != "endpoint.weight" {
		t.Errorf("the audit has %v", e)
	}
	if r := p.json(t, "GET", "/control/v1/revisions/2", "", 200); r["by"] != "deploy-bot" {
		t.Errorf("the revision has %v", r)
	}
	gone := p.json(t, "DELETE", "/control/v1/tokens/"+id, "", 200)
	if gone["revoked"] == nil {
		t.Errorf("revoked: %v", gone)
	}
	if a := p.json(t, "GET", "/control/v1/config", "", 401, bearer...); a.code() != "revoked_key" {
		t.Errorf("after its end: %v", a)
	}
	if list := p.json(t, "GET", "/control/v1/tokens", "", 200).data(); len(list) != 1 || list[0]["revoked"] == nil || list[0]["level"] != "operator" {
		t.Errorf("list: %v", list)
	}
	p.token(t, "deploy-bot", "viewer") // a revoked token's name is free
	p.showsNothingOf(t, secret)
	p.showsNothingOf(t, secret[len("fl-admin-"):][:20])
}

// TestLevels holds what each level may; what it may not is in TestRefusals.
func TestLevels(t *testing.T) {
	p := applied(t)
	for level, writes := range map[string]int{"viewer": 403, "operator": 200, "admin": 200} {
		secret, _ := p.token(t, level+"-bot", level)
		bearer := []string{"Authorization", "Bearer " + secret}
		for _, path := range []string{"config", "revisions", "revisions/1", "revisions/1/diff/1", "endpoints", "keys", "secrets", "nodes", "tokens", "audit", "audit/verify", "audit/ledger", "usage", "lost", "openapi.json"} {
			p.json(t, "GET", "/control/v1/"+path, "", 200, bearer...)
		}
		p.json(t, "PATCH", "/control/v1/config", `{}`, writes, bearer...)
		if a := p.json(t, "PATCH", "/control/v1/config?dry_run=true", `{"settings":{"attempts":5}}`, 200, bearer...); a["changed"] != true || p.revision(t) != 1 {
			t.Errorf("%s tries: %v, revision %d", level, a, p.revision(t))
		}
		p.json(t, "DELETE", "/control/v1/health", "", writes, bearer...)
	}
}

// TestNamesApart holds that nobody stands in the audit under what is, or looks like, somebody else's name.
func TestNamesApart(t *testing.T) {
	p := newPlane(t, joinable, func(o *control.Options) { o.Node = "local" })
	p.json(t, "POST", "/control/v1/nodes", `{"name":"edge-1"}`, 201)
	for _, name := range []string{
		"admin", "ADMIN", "admin\u200b", "\u0430dmin", " admin", "deploy bot", "", "local", "edge-1", "Edge-1", "file", "ramp", "trial", "restore", "fairlead", "a:b",
	} {
		if a := p.json(t, "POST", "/control/v1/tokens", `{"name":"`+name+`","level":"viewer"}`, 400); !strings.Contains(a.text(), `"name"`) {
			t.Errorf("%q: %s", name, a.text())
		}
	}
	p.token(t, "Deploys_1.x@example-com", "viewer")
	p.token(t, "edge-2", "viewer")
	for _, name := range []string{"edge-2", "admin", "file", "ramp", "trial", "restore", "fairlead"} {
		p.json(t, "POST", "/control/v1/nodes", `{"name":"`+name+`"}`, 409)
	}
	for _, name := range []string{"a\u200b", "a\u202e", "a\u00a0b", "\u0085"} {
		p.json(t, "POST", "/control/v1/keys", `{"name":"`+name+`"}`, 400)
	}
	p.json(t, "POST", "/control/v1/keys", `{"name":"Größe 1, 日本"}`, 201)
}
