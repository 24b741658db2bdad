package app_test

import (
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fairlead/app"
	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// TestCredentialFile holds that a credential's file is read again when it changes, though the
// configuration does not, and that one which goes away and comes back is too.
func TestCredentialFile(t *testing.T) {
	_, url := fakellm.Start(t, fakellm.Options{Keys: []string{"sk-second", "sk-third"}})
	secret := filepath.Join(t.TempDir(), "key")
	write := func(text string) { // as secrets are mounted: by a new file
		check(t, os.WriteFile(secret+".new", []byte(text), 0o600))
		check(t, os.Rename(secret+".new", secret))
	}
	write("sk-first!")
	text := strings.Replace(config(url, "one"), "dialect: openai,", `dialect: openai, credentials: [{value: "${file:`+secret+`}"}],`, 1)
	n := start(t, app.Options{Config: file(t, text)})
	key := n.key()
	becomes := func(want int) { // seen without a revision: the configuration is the same
		t.Helper()
		harness.Until(t, fmt.Sprint("an exchange gives ", want), func() bool {
			resp, _ := n.ask("/v1/chat/completions", key, chat("openai/one", false))
			return resp.StatusCode == want
		})
	}
	becomes(502)
	write("sk-second") // seen without being asked to look
	becomes(200)
	check(t, os.WriteFile(secret, []byte("sk-third!"), 0o600)) // in place, of the same length
	n.app.Reload()
	becomes(502)
	check(t, os.Remove(secret))
	n.app.Reload()
	becomes(503)
	write("sk-third")
	n.app.Reload()
	becomes(200)
	if s := n.state(); s.Revision != 1 {
		t.Errorf("state %+v", s)
	}
	if log := n.log.String(); strings.Contains(log, "sk-second") || strings.Contains(log, "sk-third") {
		t.Error("a credential is in the log")
	}
}

// TestAuthorityFile holds the same of a file of the transport: a bad one keeps the running revision,
// and a good one in its place is taken.
func TestAuthorityFile(t *testing.T) {
	_, url := fake(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	tls := httptest.NewTLSServer(nil) // for its certificate
	tls.Close()
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	check(t, os.WriteFile(ca, good, 0o600))
	n := start(t, app.Options{Config: file(t, strings.Replace(config(url, "one"), "dialect: openai,", "dialect: openai, transport: {ca: "+ca+"},", 1))})
	check(t, os.WriteFile(ca, []byte("no certificate"), 0o600))
	n.app.Reload()
	harness.Until(t, "the bad file is refused", func() bool { return strings.Contains(n.state().Error, "certificate") })
	if s := n.state(); s.Revision != 1 {
		t.Errorf("state %+v", s)
	}
	check(t, os.WriteFile(ca, good, 0o600))
	n.app.Reload()
	harness.Until(t, "the good file is in force", func() bool { s := n.state(); return s.Revision == 1 && s.Error == "" })
}

// TestReload holds that a node may be asked to read its configuration again whether or not it has one.
func TestReload(t *testing.T) {
	n := start(t, app.Options{})
	for range 3 {
		n.app.Reload()
	}
	if s := n.state(); s.Revision != 0 || s.Error != "" {
		t.Errorf("state %+v", s)
	}
	if !strings.Contains(n.log.String(), "models=2 endpoints=2") {
		t.Error("the log counts an alias as a model, or leaves out a wildcard")
	}
}
