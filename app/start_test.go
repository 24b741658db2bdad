package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fairlead"
	"fairlead/app"
)

var (
	bearer = regexp.MustCompile(`Bearer (sk-fl-[a-z0-9]+)`)
	pasted = regexp.MustCompile(`-d '([^']+)'`)
)

// TestFirstStart holds that a node without any configuration prints a line that works as it is pasted,
// with the same key after a restart, and with a new one once that is revoked.
func TestFirstStart(t *testing.T) {
	data := t.TempDir()
	var keys []string
	for range 2 {
		n := start(t, app.Options{Data: data})
		banner := n.app.Banner()
		key, body := bearer.FindStringSubmatch(banner), pasted.FindStringSubmatch(banner)
		if key == nil || body == nil || !strings.Contains(banner, "curl "+n.app.DataURL()+"/v1/chat/completions") {
			t.Fatalf("the banner has no line to paste:\n%s", banner)
		}
		keys = append(keys, key[1])
		if resp, answer := n.ask("/v1/chat/completions", key[1], body[1]); resp.StatusCode != 200 || !strings.Contains(answer, "Hello") {
			t.Errorf("status %d: %s", resp.StatusCode, answer)
		}
		if resp, _ := n.ask("/v1/chat/completions", "", body[1]); resp.StatusCode != 401 {
			t.Errorf("without the key: status %d", resp.StatusCode)
		}
		if strings.Contains(n.log.String(), key[1]) {
			t.Error("the key is in the log")
		}
		check(t, n.stop())
	}
	if keys[0] != keys[1] {
		t.Error("the key is another one after a restart")
	}
	info, err := os.Stat(filepath.Join(data, "first.key"))
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the first key has mode %v", info.Mode())
	}

	n := start(t, app.Options{Data: data})
	_, list := n.control("GET", "/control/v1/keys", "")
	id := regexp.MustCompile(`key_[a-z0-9]+`).FindString(list)
	if resp, body := n.control("DELETE", "/control/v1/keys/"+id, ""); resp.StatusCode/100 != 2 {
		t.Fatalf("revoke: status %d: %s", resp.StatusCode, body)
	}
	if resp, body := n.ask("/v1/chat/completions", keys[0], chat("echo", false)); resp.StatusCode != 401 || !strings.Contains(body, "revoked_key") {
		t.Errorf("the revoked key: status %d: %s", resp.StatusCode, body)
	}
	check(t, n.stop())
	n = start(t, app.Options{Data: data})
	if key := bearer.FindStringSubmatch(n.app.Banner()); key == nil || key[1] == keys[0] {
		t.Error("a revoked first key is shown again")
	}
}

// TestNoAuth holds that a node without a door lets everyone in and says so.
func TestNoAuth(t *testing.T) {
	n := start(t, app.Options{NoAuth: true})
	if !strings.Contains(n.app.Banner(), "WARNING: --no-auth") || bearer.MatchString(n.app.Banner()) {
		t.Errorf("the banner:\n%s", n.app.Banner())
	}
	if resp, body := n.ask("/v1/chat/completions", "", chat("echo", false)); resp.StatusCode != 200 {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	if log := n.log.String(); !strings.Contains(log, "WARN") || !strings.Contains(log, "no-auth") {
		t.Error("the log has no warning")
	}
}

// TestEnvironmentStart holds that providers whose keys are in the environment are served, and that the
// key itself is shown nowhere.
func TestEnvironmentStart(t *testing.T) {
	const secret = "sk-proj-environment-secret"
	n := start(t, app.Options{LookupEnv: func(name string) (string, bool) {
		if name != "OPENAI_API_KEY" {
			return "", false
		}
		return secret, true
	}})
	if s := n.state(); s.Source != "environment" || s.Revision != 0 {
		t.Errorf("state %+v", s)
	}
	_, endpoints := n.control("GET", "/control/v1/endpoints", "")
	if !strings.Contains(endpoints, "openai/*@openai") {
		t.Errorf("endpoints: %s", endpoints)
	}
	if shown := n.app.Banner() + n.log.String() + endpoints; strings.Contains(shown, secret) {
		t.Errorf("the provider's key is shown:\n%s", shown)
	}
}

// TestBadStart holds that what cannot start says why and leaves nothing open.
func TestBadStart(t *testing.T) {
	n := start(t, app.Options{})
	taken := strings.TrimPrefix(n.app.DataURL(), "http://")
	other := start(t, app.Options{})
	check(t, other.stop())
	gone, dangling := other.app.Data, t.TempDir()
	check(t, os.Remove(filepath.Join(gone, "secret.key")))
	check(t, os.Symlink("/nowhere/token", filepath.Join(dangling, "admin.token")))
	for _, c := range []struct {
		name, want string
		o          app.Options
	}{
		{"a taken address", "address already in use", app.Options{Listen: taken}},
		{"a taken control address", "address already in use", app.Options{Control: taken}},
		{"no such file", "no such file", app.Options{Config: "/nowhere/fairlead.yaml"}},
		{"a certificate without its key", "certificate", app.Options{TLSCert: "/nowhere/cert.pem"}},
		{"no such certificate", "no such file", app.Options{TLSCert: "/nowhere/cert.pem", TLSKey: "/nowhere/key.pem"}},
		{"a data folder that is a file", "data folder", app.Options{Data: "/dev/null/x"}},
		{"a data folder of a running node", "held by another fairlead", app.Options{Data: n.app.Data}},
		{"control alone on it", "held by another fairlead", app.Options{Data: n.app.Data, Role: fairlead.RoleControl}},
		{"a secret key that is gone", "bring it back", app.Options{Data: gone}},
		{"a token file that leads nowhere", "link to a file that is not there", app.Options{Data: dangling}},
	} {
		if c.o.Listen == "" {
			c.o.Listen = "127.0.0.1:0"
		}
		if c.o.Control == "" {
			c.o.Control = "127.0.0.1:0"
		}
		if c.o.Data == "" {
			c.o.Data = t.TempDir()
		}
		c.o.LookupEnv = func(string) (string, bool) { return "", false }
		a, err := app.New(t.Context(), c.o)
		if err == nil || a != nil {
			t.Errorf("%s: started", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
