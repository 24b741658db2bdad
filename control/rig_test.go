package control_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fairlead"
	"fairlead/client"
	"fairlead/compile"
	"fairlead/control"
	"fairlead/store"
	"fairlead/store/sqlite"
)

const token = "fl-admin-token-of-the-tests"

// plane is a control plane over a real store, on a loopback port.
type plane struct {
	store *store.Store
	api   *control.Control
	fleet *control.Fleet
	url   string
	log   *lockedBuffer
	sent  *sent
	slow  chan struct{} // has one for each request that trickles, once control waits for its body or has answered
}

// sent is what was published.
type sent struct {
	mu      sync.Mutex
	changes []fairlead.Change
}

func (s *sent) publish(c fairlead.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
}

func (s *sent) all() []fairlead.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]fairlead.Change{}, s.changes...)
}

func newPlane(t testing.TB, change ...func(*control.Options)) *plane {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "fairlead.db"))
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	p := &plane{store: store, log: &lockedBuffer{}, sent: &sent{}, slow: make(chan struct{}, 1000)}
	o := control.Options{
		Store: store, Token: fairlead.NewSecret(token), Publish: p.sent.publish,
		Log: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&o)
	}
	if o.Fleet == nil {
		o.Fleet = control.NewFleet(now(o))
	}
	p.fleet = o.Fleet
	p.api = control.New(o)
	srv := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

// configuration is a document with some models of one endpoint each, and one with two.
const configuration = `
version: 1
providers:
  fake: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}
  other: {dialect: openai, base_url: "http://127.0.0.1:9/v2", credentials: [{value: "${secret:OTHER}"}]}
models:
  fake/echo:
    endpoints:
      - {provider: fake, model: echo, weight: 70, price: {input: "0.15", output: "0.60"}}
      - {provider: other, model: echo}
  fake/plain:
    aliases: [plain]
    endpoints: [{provider: fake}]
`

// echo and echoOther are the endpoints of the first model.
const (
	echo      = "fake/echo@fake"
	echoOther = "fake/echo@other"
)

// applied gives a plane at revision 1.
func applied(t testing.TB, change ...func(*control.Options)) *plane {
	t.Helper()
	p := newPlane(t, change...)
	p.json(t, "PUT", "/control/v1/config?why=first", configuration, 200)
	return p
}

// ask sends a request with the admin token unless the headers say otherwise, and holds the answer against the
// OpenAPI document.
func (p *plane) ask(t testing.TB, method, path, body string, headers ...string) (status int, answer string) {
	t.Helper()
	resp := p.do(t, method, path, body, headers...)
	b, err := io.ReadAll(resp.Body)
	check(t, err)
	judge(t, exchange{method: method, path: path, sent: body, resp: resp, got: b})
	return resp.StatusCode, string(b)
}

// do sends a request; the answer's body is closed at the test's end.
func (p *plane) do(t testing.TB, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if method == http.MethodPatch && strings.Contains(path, "/config") {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	check(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// answer is an answer of the API.
type answer map[string]any

// json reads the answer, which must have the status.
func (p *plane) json(t testing.TB, method, path, body string, want int, headers ...string) answer {
	t.Helper()
	status, text := p.ask(t, method, path, body, headers...)
	if status != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, text)
	}
	a := answer{}
	check(t, json.Unmarshal([]byte(text), &a))
	return a
}

// data is the list of an answer.
func (a answer) data() []answer {
	list := []answer{}
	for _, e := range a["data"].([]any) {
		list = append(list, e.(map[string]any))
	}
	return list
}

// code is the code of an error.
func (a answer) code() string {
	e, _ := a["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// text is the answer as it stands, for looking whether something is in it.
func (a answer) text() string {
	b, _ := json.Marshal(a)
	return string(b)
}

// revision is the number of the revision in force.
func (p *plane) revision(t testing.TB) int64 {
	t.Helper()
	s, _, err := p.store.State(t.Context())
	check(t, err)
	return s.Revision
}

// weight is the weight that the document in force gives an endpoint.
func (p *plane) weight(t testing.TB, id string) int {
	t.Helper()
	s, _, err := p.store.State(t.Context())
	check(t, err)
	snapshot, found := compile.FromState(compile.StateInput{Document: s.Document, Weights: s.Weights, Revision: s.Revision})
	check(t, found.Err())
	for _, e := range snapshot.Endpoints {
		if e.ID == id {
			return e.Weight
		}
	}
	t.Fatalf("no endpoint %s", id)
	return 0
}

// audit lists the actions in the audit, the oldest first.
func (p *plane) audit(t testing.TB) []string {
	t.Helper()
	entries, err := p.store.Audit(t.Context(), 0, 1000)
	check(t, err)
	actions := make([]string, len(entries))
	for i, e := range entries {
		actions[len(entries)-1-i] = e.Action
	}
	return actions
}

func (p *plane) client(t testing.TB) *client.Client {
	t.Helper()
	c, err := client.New(p.url, fairlead.NewSecret(token))
	check(t, err)
	return c
}

// token makes an admin token of a level.
func (p *plane) token(t testing.TB, name, level string) (secret, id string) {
	t.Helper()
	a := p.json(t, "POST", "/control/v1/tokens", `{"name":"`+name+`","level":"`+level+`"}`, 201)
	return a["secret"].(string), a["id"].(string)
}

// broken is an edge that does not take what it is sent.
func broken(err error) func(*control.Options) {
	return func(o *control.Options) {
		o.Applied = func(context.Context, int64) error { return err }
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer holds a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func sum(doc []byte) fairlead.Hash { return sha256.Sum256(doc) }
