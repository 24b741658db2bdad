package control_test

import (
	"strings"
	"testing"
)

// TestOperatorsReach holds that an operator steers what is there, and sends no credential anywhere else.
func TestOperatorsReach(t *testing.T) {
	p := applied(t)
	secret, _ := p.token(t, "deploys", "operator")
	as := []string{"Authorization", "Bearer " + secret}
	const evil = `{"providers":{"other":{"base_url":"http://127.0.0.1:666/v1"}}}`
	for _, c := range []struct{ name, method, path, body string }{
		{"a patch", "PATCH", "config", evil},
		{"a patch with a secret", "PATCH", "config", `{"providers":{"fake":{"credentials":[{"value":"${secret:OTHER}"}]}}}`},
		{"a file", "PATCH", "config", `{"providers":{"fake":{"credentials":[{"value":"${file:/etc/hostname}"}]}}}`},
		{"a certificate", "PATCH", "config", `{"providers":{"fake":{"transport":{"ca":"/etc/hostname"}}}}`},
		{"a document", "PUT", "config", strings.Replace(configuration, ":9/v2", ":666/v2", 1)},
		{"a trial", "PATCH", "config?percent=5&hold=10m", evil},
	} {
		a := p.json(t, c.method, "/control/v1/"+c.path, c.body, 403, as...)
		if !strings.Contains(a.text(), "level admin") || !strings.Contains(a.text(), "provider ") {
			t.Errorf("%s: %s", c.name, a.text())
		}
	}
	a := p.json(t, "PATCH", "/control/v1/config?dry_run=true", evil, 200, as...)
	if !strings.Contains(a.text(), "providers.other") || !strings.Contains(a.text(), "level admin") {
		t.Errorf("a dry run warns of nothing: %s", a.text())
	}
	if n := p.revision(t); n != 1 {
		t.Fatalf("revision %d", n)
	}
	for _, c := range []struct{ name, method, path, body string }{
		{"a weight", "PATCH", "endpoints/" + echo, `{"weight":25}`},
		{"the same providers", "PUT", "config", strings.Replace(configuration, "weight: 70", "weight: 30", 1)},
		{"a model at one of them", "PATCH", "config", `{"models":{"fake/new":{"endpoints":[{"provider":"other"}]}}}`},
		{"a provider without credentials", "PATCH", "config", `{"providers":{"bare":{"dialect":"openai","base_url":"http://127.0.0.1:9/v3"}}}`},
		{"a credential less", "PATCH", "config", `{"providers":{"other":{"credentials":null}}}`},
	} {
		p.json(t, c.method, "/control/v1/"+c.path, c.body, 200, as...)
	}
	p.json(t, "POST", "/control/v1/revisions/1/rollback", "", 403, as...) // which had the credential
	p.json(t, "POST", "/control/v1/revisions/1/rollback", "", 200)
	p.json(t, "PATCH", "/control/v1/config?percent=5&hold=10m", evil, 200)
	p.json(t, "POST", "/control/v1/trial/promote", "", 200, as...) // an admin let it in
}
