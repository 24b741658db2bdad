package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/compile"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/gateway"
	"fairlead/internal/fakellm"
	"fairlead/replica"
	"fairlead/test/changelog"
	"fairlead/test/harness"
	"fairlead/upstream"
)

// rig is a data plane on a loopback port, in front of one fake provider in both dialects.
type rig struct {
	t       *testing.T
	gateway *gateway.Gateway
	up      *upstream.Upstream
	fake    *fakellm.Server
	fakeURL string
	addr    string // host:port of the data plane
	key     string
	revoked string
	served  chan error
	records records
}

// standard is the configuration of a rig; %s are the fake's address without a scheme, and settings.
const standard = `version: 1
providers:
  first: {dialect: openai, base_url: "http://%[1]s/v1"}
  second: {dialect: anthropic, base_url: "http://%[1]s"}
models:
  openai/*: {max_output: 4096, endpoints: [{provider: first}]}
  claude/*: {max_output: 4096, endpoints: [{provider: second}]}
  openai/gpt-4o-mini: {aliases: [fast], endpoints: [{provider: first, model: echo}]}
  two/*:
    endpoints: [{provider: first, name: a, model: "bad/*", weight: 100}]
    route: {fallbacks: [openai/echo]}
settings: {%[2]s}
`

// tune changes how a gateway is set up before it serves.
type tune func(*gateway.Gateway)

// newRig starts a rig. settings go into the configuration: "max_body: 1MiB, attempts: 2".
func newRig(t *testing.T, settings string, tunes ...tune) *rig {
	t.Helper()
	r := &rig{t: t, served: make(chan error, 1)}
	r.fake, r.fakeURL = fakellm.Start(t, fakellm.Options{KeepBodies: true})
	languages := []dialect.Dialect{openai.New(), anthropic.New()}
	keys, err := replica.Open(t.Context(), t.TempDir())
	check(t, err)
	t.Cleanup(func() { check(t, keys.Close()) })
	r.key, r.revoked = addKeys(t, keys)
	r.up = upstream.New(languages...)
	t.Cleanup(r.up.Close)
	r.gateway = gateway.New(gateway.Options{
		Door: admit.NewDoor(keys, false), Upstream: r.up, Dialects: languages, Observer: &r.records, Log: slog.New(slog.DiscardHandler),
	})
	for _, f := range tunes {
		f(r.gateway)
	}
	r.swap(1, fmt.Sprintf(standard, strings.TrimPrefix(r.fakeURL, "http://"), settings))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r.addr = l.Addr().String()
	go func() { r.served <- r.gateway.Serve(l, "", "") }()
	t.Cleanup(r.stop)
	return r
}

// addKeys makes a good and a revoked key and gives their secrets.
func addKeys(t *testing.T, to *replica.Replica) (good, revoked string) {
	t.Helper()
	a, secretA := fairlead.NewKey("good", time.Now())
	b, secretB := fairlead.NewKey("revoked", time.Now())
	b.Revoked = time.Now()
	check(t, to.Apply(t.Context(), "test", []fairlead.Change{changelog.New("test").Keys(a, b)}))
	return secretA.Reveal(), secretB.Reveal()
}

func (r *rig) swap(revision int64, config string) {
	r.t.Helper()
	_, s, found := compile.Load([]byte(config), "test.yaml", revision, compile.Local(func(string) (string, bool) { return "", false }))
	check(r.t, found.Err())
	check(r.t, r.up.Prepare(s))
	r.gateway.Swap(s)
}

func (r *rig) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.gateway.Shutdown(ctx); err != nil {
		r.t.Errorf("shutdown: %v", err)
	}
	if err := <-r.served; err != nil {
		r.t.Errorf("serve: %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// post sends a body with the good key.
// post asks while nothing is held against any endpoint.
func (r *rig) post(ctx context.Context, path, body string) *http.Response {
	r.t.Helper()
	r.up.Forget()
	resp, err := r.try(ctx, path, body)
	check(r.t, err)
	return resp
}

func (r *rig) try(ctx context.Context, path, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	return http.DefaultClient.Do(req)
}

// asking is the body of a chat at a model.
func asking(model string, stream bool) string {
	return fmt.Sprintf(`{"model":%q,"stream":%v,"max_tokens":64,"messages":[{"role":"user","content":"hello"}]}`, model, stream)
}

// last gives the fake's entry of its latest request.
func (r *rig) last() fakellm.Attempt {
	log := r.fake.Log()
	if len(log) == 0 {
		return fakellm.Attempt{}
	}
	return log[len(log)-1]
}

// callers are the paths of a chat with the dialect that is spoken there.
var callers = []struct {
	dialect fairlead.Dialect
	path    string
}{
	{fairlead.OpenAI, "/v1/chat/completions"},
	{fairlead.Anthropic, "/v1/messages"},
}

// refusal is an error answer in either dialect's envelope.
type refusal struct {
	Type  string
	Error struct {
		Type, Message, Code string
		Param               *string
	}
	RequestID string `json:"request_id"`
}

// readRefusal reads an error answer and holds that it is in the envelope of a dialect.
func readRefusal(d fairlead.Dialect, body []byte) (refusal, error) {
	var e refusal
	switch err := json.Unmarshal(body, &e); {
	case err != nil:
		return e, fmt.Errorf("the answer is no JSON: %.200q", body)
	case e.Error.Type == "" || e.Error.Message == "" || e.Error.Code == "" || e.RequestID == "":
		return e, fmt.Errorf("the envelope lacks something: %s", body)
	case (e.Type == "error") != (d == fairlead.Anthropic):
		return e, fmt.Errorf("the envelope is not that of %s: %s", d, body)
	}
	return e, nil
}

// records keeps what exchanges did.
type records struct {
	mu      sync.Mutex
	entered int
	left    []fairlead.Record
}

// Entered counts.
func (o *records) Entered(*fairlead.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.entered++
}

// Left keeps.
func (o *records) Left(r *fairlead.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := *r
	kept.Attempts, kept.Withheld = slices.Clone(r.Attempts), slices.Clone(r.Withheld)
	o.left = append(o.left, kept)
}

func (o *records) all() []fairlead.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.left)
}

// of gives the record of an answer, which may come behind it.
func (o *records) of(t *testing.T, resp *http.Response) (found fairlead.Record) {
	t.Helper()
	id := resp.Header.Get("X-Request-Id")
	harness.Until(t, "the exchange "+id+" is recorded", func() bool {
		all := o.all()
		i := slices.IndexFunc(all, func(r fairlead.Record) bool { return r.ID == id })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0
	})
	return found
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// text reads a body whole and closes it.
func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	check(t, err)
	return string(b)
}
