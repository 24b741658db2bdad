package control_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"fairlead"
	"fairlead/control"
)

const place = "openapi.json"

// described is the OpenAPI document that the API serves, ready to judge by.
type described struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	mu       sync.Mutex
	ready    map[string]*jsonschema.Schema
}

var description = sync.OnceValue(func() *described {
	api := control.New(control.Options{Token: fairlead.NewSecret(token)})
	req := httptest.NewRequest("GET", "/control/v1/openapi.json", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, req)
	doc, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		panic(err)
	}
	d := &described{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler(), ready: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(place, doc); err != nil {
		panic(err)
	}
	return d
})

// schema gives what stands at a place of the document.
func (d *described) schema(t testing.TB, path ...string) *jsonschema.Schema {
	t.Helper()
	var at strings.Builder
	for _, p := range path {
		at.WriteString("/" + url.PathEscape(strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1")))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.ready[at.String()]; s != nil {
		return s
	}
	s, err := d.compiler.Compile(place + "#" + at.String())
	if err != nil {
		t.Fatalf("the schema at %s: %v", at.String(), err)
	}
	d.ready[at.String()] = s
	return s
}

// exchange is a request and its answer.
type exchange struct {
	method, path, sent string
	resp               *http.Response
	got                []byte
}

// judge holds an exchange against the document: an answer must be one that its operation gives, and what was
// taken as good must be what it takes.
func judge(t testing.TB, x exchange) {
	t.Helper()
	d := description()
	media, _, _ := strings.Cut(x.resp.Header.Get("Content-Type"), ";")
	template, op := d.operation(x.method, x.path)
	if x.method == http.MethodHead || x.resp.StatusCode == http.StatusNoContent || x.path == "/metrics" {
		return
	}
	if x.resp.StatusCode >= 400 || op == nil {
		if media != "application/json" {
			t.Errorf("%s %s: an error as %q", x.method, x.path, media)
		}
		valid(t, d.schema(t, "components", "schemas", "ErrorAnswer"), x, x.got)
		return
	}
	status := strconv.Itoa(x.resp.StatusCode)
	content, _ := op["responses"].(map[string]any)[status].(map[string]any)["content"].(map[string]any)
	if content[media] == nil {
		t.Errorf("%s %s: the document knows no answer %s as %q", x.method, x.path, status, media)
		return
	}
	at := []string{"paths", template, strings.ToLower(x.method)}
	if media == "application/json" {
		valid(t, d.schema(t, append(at, "responses", status, "content", media, "schema")...), x, x.got)
	}
	if body, _ := op["requestBody"].(map[string]any); body != nil && json.Valid([]byte(x.sent)) {
		for media := range body["content"].(map[string]any) {
			valid(t, d.schema(t, append(at, "requestBody", "content", media, "schema")...), x, []byte(x.sent))
		}
	} else if body == nil && x.sent != "" {
		t.Errorf("%s %s: the document knows no body", x.method, x.path)
	}
	d.judgeQuery(t, x, op)
}

// judgeQuery holds that each parameter that was taken is one that the document names.
func (d *described) judgeQuery(t testing.TB, x exchange, op map[string]any) {
	t.Helper()
	u, err := url.Parse(x.path)
	check(t, err)
	for name := range u.Query() {
		if !slices.ContainsFunc(op["parameters"].([]any), func(p any) bool { return p.(map[string]any)["name"] == name }) {
			t.Errorf("%s %s: the document knows no parameter %q", x.method, x.path, name)
		}
	}
}

func valid(t testing.TB, s *jsonschema.Schema, x exchange, text []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Errorf("%s %s: %.500s\nis not as the document says: %v", x.method, x.path, text, err)
	}
}

// operation finds what the document says of a request; nil = it knows none.
func (d *described) operation(method, path string) (template string, op map[string]any) {
	path, _, _ = strings.Cut(path, "?")
	best := ""
	for t := range d.doc["paths"].(map[string]any) {
		form := regexp.MustCompile(`\\\{([a-z]+)\\\}`).ReplaceAllString(regexp.QuoteMeta(t), `[^/]+`)
		if strings.Contains(t, "endpoints/{id}") {
			form = strings.ReplaceAll(form, `[^/]+`, `.+`)
		}
		if regexp.MustCompile("^"+form+"$").MatchString(path) && strings.Count(t, "{") <= strings.Count(best+"{{{{", "{") && (best == "" || strings.Count(t, "{") < strings.Count(best, "{")) {
			best = t
		}
	}
	if best == "" {
		return "", nil
	}
	op, _ = d.doc["paths"].(map[string]any)[best].(map[string]any)[strings.ToLower(method)].(map[string]any)
	return best, op
}

// TestOpenAPI holds that the document is whole: what it says of each path is true of the handler, and each path
// of the handler is in it.
func TestOpenAPI(t *testing.T) {
	d := description()
	p := newPlane(t)
	if d.doc["openapi"] != "3.1.0" {
		t.Errorf("openapi is %v", d.doc["openapi"])
	}
	ids := map[string]string{}
	for path, item := range d.doc["paths"].(map[string]any) {
		methods := []string{}
		for method, op := range item.(map[string]any) {
			methods = append(methods, strings.ToUpper(method))
			op := op.(map[string]any)
			id, _ := op["operationId"].(string)
			if id == "" || op["summary"] == "" || ids[id] != "" {
				t.Errorf("%s %s: operation id %q (also of %s), summary %q", method, path, id, ids[id], op["summary"])
			}
			ids[id] = path
			wantParameters(t, path, op)
		}
		slices.Sort(methods)
		concrete := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "1")
		resp := p.do(t, "OPTIONS", concrete, "")
		if got := resp.Header.Get("Allow"); resp.StatusCode != 204 || got != strings.Join(methods, ", ") {
			t.Errorf("%s: the document has %v, the handler %d %q", path, methods, resp.StatusCode, got)
		}
	}
	for name := range d.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		d.schema(t, "components", "schemas", name)
	}
}

func wantParameters(t *testing.T, path string, op map[string]any) {
	t.Helper()
	want := regexp.MustCompile(`\{([a-z]+)\}`).FindAllStringSubmatch(path, -1)
	got := []string{}
	for _, p := range op["parameters"].([]any) {
		if p := p.(map[string]any); p["in"] == "path" && p["required"] == true {
			got = append(got, p["name"].(string))
		}
	}
	for _, m := range want {
		if !slices.Contains(got, m[1]) {
			t.Errorf("%s: the parameter %s is not described", path, m[1])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d parameters are described", path, len(got))
	}
}

// TestPathsInSource holds that no path of the table is missing from the document: both are made from it, so this
// looks at the table's text.
func TestPathsInSource(t *testing.T) {
	source, err := os.ReadFile("routes.go")
	check(t, err)
	paths := description().doc["paths"].(map[string]any)
	rows := regexp.MustCompile(`method: "([A-Z]+)", path: v1 \+ "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(rows) < 25 {
		t.Fatalf("only %d rows were found: the test looks in the wrong place", len(rows))
	}
	for _, m := range rows {
		item, _ := paths["/control/v1/"+strings.ReplaceAll(m[2], "...", "")].(map[string]any)
		if item[strings.ToLower(m[1])] == nil {
			t.Errorf("%s %s is not in the document", m[1], m[2])
		}
	}
}
