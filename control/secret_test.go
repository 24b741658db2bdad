package control_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fairlead"
	"fairlead/control"
	"fairlead/internal/seal"
)

// sealing keeps secrets under a real key.
func sealing(key seal.Key) func(*control.Options) {
	return func(o *control.Options) {
		o.Seal = func(name string, version int64, value fairlead.Secret) ([]byte, error) {
			return key.Seal([]byte(value.Reveal()), fmt.Sprintf("%s %d", name, version)), nil
		}
	}
}

// opened gives the stored value.
func (p *plane) opened(t *testing.T, key seal.Key, name string, version int64) string {
	t.Helper()
	all, err := p.store.Secrets(t.Context())
	check(t, err)
	for _, s := range all {
		if s.Name == name && s.Version == version {
			plain, err := key.Open(s.Sealed, fmt.Sprintf("%s %d", name, version))
			check(t, err)
			return string(plain)
		}
	}
	t.Fatalf("no secret %s in version %d", name, version)
	return ""
}

func TestLifeOfASecret(t *testing.T) {
	key, _ := seal.NewKey()
	p := applied(t, sealing(key))
	first := p.json(t, "PUT", "/control/v1/secrets/OTHER?why=new+vendor", `{"value":"hunter-2"}`, 200)
	if first["version"] != 1.0 || first["applied"] != true || !strings.Contains(first.text(), `{"credential":"main","provider":"other"}`) {
		t.Errorf("set: %v", first)
	}
	if got := p.opened(t, key, "OTHER", 1); got != "hunter-2" {
		t.Errorf("stored is %q", got)
	}
	if again := p.json(t, "PUT", "/control/v1/config", strings.ReplaceAll(configuration, "70", "71"), 200); len(again["findings"].([]any)) != 0 {
		t.Errorf("the secret is there, and still: %v", again["findings"])
	}
	p.json(t, "PUT", "/control/v1/secrets/OTHER", `{"value":"hunter-3"}`, 200)
	if got := p.opened(t, key, "OTHER", 2); got != "hunter-3" {
		t.Errorf("rotated to %q", got)
	}
	p.json(t, "PUT", "/control/v1/secrets/UNUSED", `{"value":"hunter-4"}`, 200)
	list := p.json(t, "GET", "/control/v1/secrets", "", 200).data()
	if len(list) != 2 || list[0]["name"] != "OTHER" || list[0]["version"] != 2.0 || len(list[1]["used_by"].([]any)) != 0 {
		t.Errorf("list: %v", list)
	}
	if gone := p.json(t, "DELETE", "/control/v1/secrets/OTHER", "", 200); gone["deleted"] != true || gone["version"] != 3.0 {
		t.Errorf("deleted: %v", gone)
	}
	p.json(t, "DELETE", "/control/v1/secrets/OTHER", "", 404)
	if list := p.json(t, "GET", "/control/v1/secrets", "", 200).data(); len(list) != 1 {
		t.Errorf("list: %v", list)
	}
	if back := p.json(t, "PUT", "/control/v1/secrets/OTHER", `{"value":"hunter-5"}`, 200); back["version"] != 4.0 {
		t.Errorf("set again: %v", back)
	}
	p.showsNothingOf(t, "hunter")
}

// showsNothingOf holds that a text is in no change, no answer that lists, and no log.
func (p *plane) showsNothingOf(t *testing.T, secret string) {
	t.Helper()
	sent, err := json.Marshal(p.sent.all())
	check(t, err)
	for _, c := range p.sent.all() {
		if strings.Contains(string(c.Content), secret) {
			t.Errorf("change %d shows the secret", c.Number)
		}
	}
	all := string(sent) + p.log.String()
	for _, path := range []string{"config", "secrets", "revisions", "revisions/1", "audit", "nodes", "keys", "tokens", "lost", "endpoints"} {
		_, text := p.ask(t, "GET", "/control/v1/"+path, "")
		all += text
	}
	if i := strings.Index(all, secret); i >= 0 {
		t.Errorf("the secret is shown: %s", all[max(i-100, 0):i+20])
	}
}

func TestConcurrentSecrets(t *testing.T) {
	key, _ := seal.NewKey()
	p := newPlane(t, sealing(key))
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { p.json(t, "PUT", "/control/v1/secrets/A", `{"value":"v"}`, 200) })
	}
	wg.Wait()
	if list := p.json(t, "GET", "/control/v1/secrets", "", 200).data(); list[0]["version"] != 6.0 {
		t.Errorf("list: %v", list)
	}
}
