package control_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"fairlead/compile"
	"fairlead/control"
	"fairlead/internal/seal"
)

// FuzzAPI holds that no request, whatever is in it, gets an answer that is not the API's own, or is a defect.
func FuzzAPI(f *testing.F) {
	for _, s := range [][4]string{
		{"GET", "/control/v1/config", "format=yaml", ""},
		{"PUT", "/control/v1/config", "dry_run=true&why=x", configuration},
		{"PUT", "/control/v1/config", "", "version: 1\nmodels: {a/b: {endpoints: [{provider: none}]}}"},
		{"PATCH", "/control/v1/config", "wait=all", `{"models":{"fake/plain":null},"settings":{"attempts":5}}`},
		{"GET", "/control/v1/revisions", "before=2&limit=1", ""},
		{"GET", "/control/v1/revisions/1/diff/1", "", ""},
		{"POST", "/control/v1/revisions/rollback", "", `{"why":"x"}`},
		{"PATCH", "/control/v1/endpoints/fake/echo@fake", "", `{"weight":5}`},
		{"PATCH", "/control/v1/endpoints/fake%2Fecho@other", "", `{"drain":false}`},
		{"PATCH", "/control/v1/endpoints/fake/echo@fake", "", `{"weight":5,"ramp":"10m","guard":"error_rate<2%"}`},
		{"PATCH", "/control/v1/config", "percent=5&hold=10m&guard=ttft_p95<1.5x", `{"settings":{"attempts":5}}`},
		{"GET", "/control/v1/ramps", "limit=1", ""},
		{"DELETE", "/control/v1/ramps/ramp_1", "", ""},
		{"POST", "/control/v1/trial/promote", "", `{"why":"x"}`},
		{"POST", "/control/v1/keys", "", `{"name":"a"}`},
		{"DELETE", "/control/v1/keys/key_aaaaaaaaaaaaaaaa", "why=%00", ""},
		{"PUT", "/control/v1/secrets/A", "", `{"value":"v"}`},
		{"DELETE", "/control/v1/secrets/A", "", ""},
		{"POST", "/control/v1/nodes", "", `{"name":"edge-1","role":"edge","region":"eu"}`},
		{"DELETE", "/control/v1/nodes/edge-1", "", ""},
		{"POST", "/control/v1/tokens", "", `{"name":"bot","level":"viewer"}`},
		{"GET", "/control/v1/audit", "action=config&by=admin&since=2026-01-02T15:04:05Z", ""},
		{"GET", "/control/v1/lost", "", ""},
		{"OPTIONS", "/control/v1/../v1/%2e%2e/config", "", ""},
		{"CONNECT", "//", "", "\xff"},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	key, _ := seal.NewKey()
	p := applied(f, joinable, sealing(key))
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		if !token7230(method) {
			return
		}
		u := &url.URL{Path: path, RawQuery: query}
		if unescaped, err := url.PathUnescape(path); err == nil {
			u.Path, u.RawPath = unescaped, path
		}
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(body))
		req.Method, req.URL = method, u
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		p.api.ServeHTTP(w, req)
		if w.Code >= 500 || (w.Code >= 300 && w.Code < 400) {
			t.Fatalf("%d %s\n%s", w.Code, w.Body, p.log)
		}
		var e struct {
			Error struct{ Code, Message string }
		}
		if w.Code >= 400 && method != http.MethodHead && (json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Error.Code == "" || e.Error.Message == "") {
			t.Fatalf("%d is not an error of the API: %s", w.Code, w.Body)
		}
	})
}

// token7230 reports whether a method can stand in a request.
func token7230(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) })
}

// FuzzYAML holds that a document means the same when it is shown as YAML.
func FuzzYAML(f *testing.F) {
	f.Add(configuration)
	f.Add(`{"version":1,"providers":{"yes":{"dialect":"openai","base_url":"http://h","region":"0x1f"},"null":{"dialect":"openai","base_url":"http://h"}},"models":{"on":{"aliases":["1e3","~","2026-01-02","=","a: b","- c","#d","\u00e9\u2028"],"endpoints":[{"provider":"yes","weight":0}]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, _, found := compile.Canonical([]byte(text), "")
		if found.Err() != nil {
			return
		}
		shown, err := control.YAML(doc)
		if err != nil {
			t.Fatal(err)
		}
		again, _, found := compile.Canonical(shown, "")
		if found.Err() != nil || !bytes.Equal(doc, again) {
			t.Fatalf("%s\nis shown as\n%s\nwhich is\n%s\n%s", doc, shown, again, found)
		}
	})
}
