//go:build linux

package fleet_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fairlead/client"
	"fairlead/test/harness"
)

// TestRefused writes what control can bring into force and one edge cannot: it lacks a file that all others have.
func TestRefused(t *testing.T) {
	f := begin(t)
	authority := harness.NewCertificate(t)
	pem, err := os.ReadFile(authority.File)
	check(t, err)
	lacking := f.node("e2")
	for _, n := range f.all() {
		if n != lacking {
			check(t, os.WriteFile(filepath.Join(n.data, "ca.pem"), pem, 0o600))
		}
	}
	f.scene("one edge cannot bring a configuration into force", func(t *testing.T) {
		before := strconv.FormatInt(f.revision(), 10)
		w, err := f.node("c1").api().PatchConfig(t.Context(),
			[]byte(`{"providers":{"private":{"dialect":"openai","base_url":"https://127.0.0.1:1/v1","transport":{"ca":"/proc/self/cwd/ca.pem"}}}}`), client.Write{WaitAll: true})
		check(t, err)
		if !slices.Equal(w.Behind, []string{"e2"}) {
			t.Errorf("behind are %v, not the one edge that could not bring it into force", w.Behind)
		}
		n := f.says(lacking, func(n client.Node) bool { return n.ConfigError != "" })
		if !strings.Contains(n.ConfigError, "ca.pem") || strconv.FormatInt(n.Revision, 10) != before {
			t.Errorf("%s says that it serves revision %d, for %q", n.Name, n.Revision, n.ConfigError)
		}
		a, err := f.ask(t.Context(), quick, lacking, f.key.Secret, true)
		if err != nil || a.revision != before {
			t.Errorf("%s serves revision %s: %v", n.Name, a.revision, err)
		}
		lacking.restart() // from what was good
		a, err = f.ask(t.Context(), quick, lacking, f.key.Secret, true)
		if err != nil || a.revision != before {
			t.Errorf("after a restart %s serves revision %s: %v", n.Name, a.revision, err)
		}
		key, err := f.node("c3").api().CreateKey(t.Context(), "meanwhile")
		check(t, err)
		f.admits(key.Secret, f.edges, 200) // the rest of the log goes on there
		check(t, os.WriteFile(filepath.Join(lacking.data, "ca.pem"), pem, 0o600))
		f.serves(w.Revision)
		f.says(lacking, func(n client.Node) bool { return n.ConfigError == "" && n.Revision == w.Revision })
	})
}

// says waits until a node says something of itself.
func (f *fleet) says(e *node, what func(client.Node) bool) (last client.Node) {
	f.t.Helper()
	harness.Until(f.t, e.name+" says so", func() bool {
		list, err := f.controls[2].api().Nodes(f.root.Context())
		at := slices.IndexFunc(list, func(n client.Node) bool { return n.Name == e.name })
		if err != nil || at < 0 {
			return false
		}
		last = list[at]
		return what(last)
	})
	return last
}
