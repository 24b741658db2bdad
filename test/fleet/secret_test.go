//go:build linux

package fleet_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead"
	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// demanding is a provider that wants a credential, which can be changed.
type demanding struct {
	http.Handler
	wants atomic.Pointer[string]
}

func (d *demanding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+*d.wants.Load() {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"who are you?"}}`) // the caller may have left
		return
	}
	d.Handler.ServeHTTP(w, r)
}

// taps keeps what passes on links.
type taps struct {
	mu   sync.Mutex
	text map[*harness.Proxy]*bytes.Buffer
}

func (f *fleet) tap() *taps {
	list := &taps{text: map[*harness.Proxy]*bytes.Buffer{}}
	for _, c := range f.controls {
		links := []*harness.Proxy{f.storeLink[c.name]}
		for _, n := range f.edges {
			links = append(links, f.bus[c.name].link(n.name))
		}
		for _, o := range f.controls {
			links = append(links, f.cluster[c.name].link(o.name))
		}
		for _, l := range links {
			kept := &bytes.Buffer{} // both ways in one: what is looked for goes one way, in one piece
			list.text[l] = kept
			l.Tap(func(b []byte) {
				list.mu.Lock()
				defer list.mu.Unlock()
				kept.Write(b)
			})
			f.t.(*testing.T).Cleanup(func() { l.Tap(nil) })
		}
	}
	return list
}

// TestSecrets adds a provider with its credential to a fleet that runs, by API alone, and rotates the credential. Nobody sees it in
// the clear but the provider.
func TestSecrets(t *testing.T) {
	f := begin(t)
	const first, second, model = "sk-later-zebra-the-first", "sk-later-zebra-the-second", "later/echo"
	upstream := &demanding{Handler: fakellm.New(fakellm.Options{MaxLog: -1})}
	upstream.wants.Store(new(string(first)))
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	f.scene("a provider is added with its credential, which is then rotated", func(t *testing.T) {
		seen := f.tap()
		serve := func(want bool) {
			t.Helper()
			for _, n := range f.edges {
				harness.UntilWithin(t, soon, fmt.Sprintf("%s is served by the new provider: %v", n.name, want), func() bool {
					a, err := f.askFor(t.Context(), quick, n, f.key.Secret, model, true)
					return (err == nil) == want && a.status != 0 && a.status != http.StatusNotFound
				})
			}
		}
		before := f.tallies()
		_, err := f.node("c1").api().SetSecret(t.Context(), "LATER", fairlead.NewSecret(first))
		check(t, err)
		_, err = f.node("c2").api().PatchConfig(t.Context(), fmt.Appendf(nil, `{
			"providers":{"later":{"dialect":"openai","base_url":"%s/v1","credentials":[{"name":"main","value":"${secret:LATER}"}]}},
			"models":{%q:{"endpoints":[{"provider":"later","model":"echo"}]}}}`, server.URL, model), write)
		check(t, err)
		serve(true)
		upstream.wants.Store(new(string(second)))
		serve(false) // the old one is refused
		_, err = f.node("c3").api().SetSecret(t.Context(), "LATER", fairlead.NewSecret(second))
		check(t, err)
		serve(true)
		for n, was := range before {
			if n.pid() != was.pid {
				t.Errorf("%s was restarted", n.name)
			}
		}
		f.nowhere(t, seen, "sk-later-zebra")
	})
}

// nowhere holds that a text stands in no file of any node, in no log, in no answer of the API and in nothing that passed on a link; nor
// in the database, of which a backup has everything.
func (f *fleet) nowhere(t *testing.T, seen *taps, mark string) {
	t.Helper()
	for _, n := range f.all() {
		if strings.Contains(n.log.String(), mark) {
			t.Errorf("the log of %s shows it", n.name)
		}
		check(t, filepath.WalkDir(n.data, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // it went meanwhile
			}
			if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(mark)) {
				t.Errorf("%s shows it", path)
			}
			return nil
		}))
	}
	for _, path := range []string{"config", "secrets", "revisions", "revisions/1/diff/2", "revisions/2", "audit", "nodes", "endpoints", "records", "backup"} {
		text := f.answer(t, path)
		if len(text) == 0 || bytes.Contains(text, []byte(mark)) {
			t.Errorf("%s shows it, or nothing: %.200s", path, text)
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for _, text := range seen.text {
		if bytes.Contains(text.Bytes(), []byte(mark)) {
			t.Error("it passed on a link in the clear")
		}
	}
	for _, n := range f.edges {
		passed := 0
		for _, l := range f.busLinks(n) {
			passed += seen.text[l].Len()
		}
		if passed == 0 {
			t.Errorf("nothing was seen to pass to %s", n.name)
		}
	}
	sql := 0
	for _, l := range f.storeLink { // they are in the clear
		sql += bytes.Count(seen.text[l].Bytes(), []byte("LATER"))
	}
	if sql == 0 {
		t.Error("the secret was not seen to pass to the database, sealed")
	}
}

// answer is what the API answers to its admin.
func (f *fleet) answer(t *testing.T, path string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.controls[0].at+"/control/v1/"+path, nil)
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+tokenText)
	resp, err := quick.Do(req)
	check(t, err)
	defer resp.Body.Close()
	body := io.Reader(resp.Body)
	if path == "backup" {
		body, err = gzip.NewReader(resp.Body)
		check(t, err)
	}
	text, err := io.ReadAll(body)
	check(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %d %s", path, resp.StatusCode, text)
	}
	return text
}
