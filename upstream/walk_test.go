package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
	"fairlead/provider"
	"fairlead/upstream"
)

// The behaviours of a provider, by name.
var behaviours = map[string]http.HandlerFunc{
	"ok":     stream(chunk(`{"role":"assistant"}`, "null"), chunk(`{"content":"good"}`, "null"), chunk(`{}`, `"stop"`), usageFrame, "data: [DONE]\n\n"),
	"nodone": stream(chunk(`{"content":"good"}`, "null"), chunk(`{}`, `"stop"`)),
	"whole": func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, "application/json", `{"id":"1","object":"chat.completion","created":1,"model":"u","choices":[{"index":0,"message":{"role":"assistant","content":"good"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`)
	},
	"500":    status(500, `{"error":{"message":"boom"}}`),
	"503":    status(503, `oops`),
	"429":    status(429, `{"error":{"message":"slow down"}}`),
	"401":    status(401, `{"error":{"message":"Incorrect API key provided: sk-x"}}`),
	"404":    status(404, `{"error":{"message":"no such model"}}`),
	"400":    status(400, `{"error":{"message":"bad field","type":"invalid_request_error","param":"top_p","code":"bad_field"}}`),
	"unpaid": status(400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}`),
	"quoted": status(400, `{"error":{"type":"invalid_request_error","message":"bad prompt: Your credit balance is too low to access the Anthropic API"}}`),
	"quota":  status(429, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`),
	"nohttp": func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_, _ = c.Write([]byte("220 smtp.example ready\r\n\r\n"))
		c.Close()
	},
	"html":      func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "text/html", "<html>") },
	"teapot":    func(w http.ResponseWriter, _ *http.Request) { reply(w, 302, "text/plain", "") },
	"reset":     func(w http.ResponseWriter, _ *http.Request) { hijack(w).Close() },
	"errfirst":  stream(chunk(`{"role":"assistant"}`, "null"), "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"),
	"truncated": stream(chunk(`{"role":"assistant"}`, "null")),
	"empty":     stream(),
	"garbage":   stream("data: {\"choices\":[\n\n"),
	"cut":       stream(chunk(`{"content":"go"}`, "null")),
	"errlater":  stream(chunk(`{"content":"go"}`, "null"), "data: {\"error\":{\"message\":\"died\"}}\n\n", "data: [DONE]\n\n"),
	"donenofin": stream(chunk(`{"content":"go"}`, "null"), "data: [DONE]\n\n"),
	"notjson":   func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "application/json", `{"choices":[`) },
	"err200": func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, "application/json", `{"error":{"message":"no"}}`)
	},
	"blank": func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, "application/json", `{"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"stop"}]}`)
	},
	"claude": stream("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"c\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n",
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"good\"}}\n\n",
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n",
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
}

const usageFrame = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n"

func chunk(delta, finish string) string {
	return fmt.Sprintf("data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"u\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n", delta, finish)
}

func reply(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		reply(w, code, "application/json", body)
	}
}

func stream(frames ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, f := range frames {
			_, _ = w.Write([]byte(f))
			w.(http.Flusher).Flush()
		}
	}
}

func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	return c
}

// world serves behaviours and makes plans of them.
type world struct {
	t      *testing.T
	up     *upstream.Upstream
	extra  string                      // members of requests, each with its comma
	stored bool                        // requests ask the provider to store them
	text   string                      // of the prompt
	total  time.Duration               // of an exchange; 0 = no bound
	own    map[string]http.HandlerFunc // behaviours of this test alone
}

func newWorld(t *testing.T) *world {
	up := upstream.New(openai.New(), anthropic.New())
	t.Cleanup(up.Close)
	return &world{t: t, up: up, text: "hi"}
}

func (w *world) plan(names ...string) fairlead.Plan {
	w.t.Helper()
	var p fairlead.Plan
	for i, name := range names {
		e := w.endpoint(name)
		if slices.Contains(names[:i], name) {
			e.ID += fmt.Sprintf("~%d", i+1)
		}
		p.Steps = append(p.Steps, fairlead.Step{Endpoint: e, Asked: "a/m"})
	}
	return p
}

func (w *world) endpoint(name string) *fairlead.Endpoint {
	w.t.Helper()
	d := fairlead.OpenAI
	if name == "claude" {
		d = fairlead.Anthropic
	}
	addr := "http://127.0.0.1:1" // nobody listens on port 1
	h := w.own[name]
	if h == nil {
		h = behaviours[name]
	}
	if h != nil {
		s := httptest.NewServer(h)
		w.t.Cleanup(s.Close)
		addr = s.URL
	} else if name != "refused" {
		w.t.Fatalf("no behaviour %q", name)
	}
	base, err := url.Parse(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	return &fairlead.Endpoint{
		ID: "a/m@" + name, Model: &fairlead.Model{Name: "a/m"}, Upstream: "u",
		Provider: &fairlead.Provider{
			Name: name, Dialect: d, BaseURL: base, Quirks: fairlead.Quirks{NeedsNoKey: true},
			Timeouts: fairlead.Timeouts{Connect: 5 * time.Second, FirstToken: time.Duration(fairlead.Auto), Idle: time.Duration(fairlead.Auto)},
		},
	}
}

func (w *world) ask(streamed bool) *provider.Ask {
	w.t.Helper()
	extra := w.extra
	if streamed {
		extra += `"stream":true,`
	}
	if w.stored {
		extra += `"store":true,`
	}
	body := `{"model":"a/m",` + extra + `"messages":[{"role":"user","content":"` + w.text + `"}]}`
	a := &provider.Ask{Op: fairlead.OpChat, Caller: openai.New(), Body: []byte(body), Top: new(jsonscan.Object)}
	if err := a.Top.Scan(a.Body); err != nil {
		w.t.Fatal(err)
	}
	var err error
	if a.Facts, err = a.Caller.Facts(a.Op, a.Top); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// walk goes the whole way and tells it: the outcomes, then what the caller got.
func (w *world) walk(ctx context.Context, streamed bool, plan fairlead.Plan) (told string, walk *upstream.Walk, err error) {
	walk = new(upstream.Walk)
	j := upstream.Journey{Ask: w.ask(streamed), Plan: plan, Most: 3, Start: time.Now(), Encode: dialect.EncodeOptions{RequestID: "req_1"}}
	if w.total > 0 {
		j.Until = j.Start.Add(w.total)
	}
	w.up.Walk(ctx, walk, j)
	defer walk.Close()
	answer, err := walk.Commit(time.Time{})
	if err == nil {
		defer answer.Close()
		told, err = drink(answer)
		if err != nil {
			walk.Interrupted(fairlead.OutcomeInterrupted, upstream.Detail(err))
		}
	}
	var outcomes []string
	for _, a := range walk.Attempts {
		outcomes = append(outcomes, string(a.Outcome))
	}
	return strings.Join(outcomes, " ") + " -> " + told, walk, err
}

// drink takes a whole answer and tells its text, and whether it ended properly.
func drink(a *upstream.Answer) (string, error) {
	if a.Stream == nil {
		return content(string(a.Body)), nil
	}
	all, err := collect(a.Stream)
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return content(all), err
}

// collect pulls a stream to whatever ends it.
func collect(s *upstream.Stream) (all string, end error) {
	var text strings.Builder
	for {
		b, err := s.Next(time.Minute)
		text.Write(b)
		if err != nil {
			return text.String(), err
		}
	}
}

// serveFirst lets a server of the test's own serve the first endpoint of a plan.
func (w *world) serveFirst(plan fairlead.Plan, address string) {
	w.t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	plan.Steps[0].Endpoint.Provider.BaseURL = base
}

func content(s string) string {
	var b strings.Builder
	for _, part := range strings.Split(s, `"content":"`)[1:] {
		text, _, _ := strings.Cut(part, `"`)
		b.WriteString(text)
	}
	return b.String()
}

func TestWalk(t *testing.T) {
	for _, c := range []struct {
		plan   string
		stream bool
		want   string // outcomes -> text
		code   fairlead.Code
	}{
		{"ok", true, "ok -> good", ""},
		{"nodone", true, "ok -> good", ""},
		{"whole", false, "ok -> good", ""},
		{"claude", true, "ok -> good", ""},
		{"refused ok", true, "connect ok -> good", ""},
		{"reset ok", true, "connect ok -> good", ""},
		{"500 503 ok", true, "server_error server_error ok -> good", ""},
		{"429 ok", true, "rate_limited ok -> good", ""},
		{"401 ok", true, "credential ok -> good", ""},
		{"unpaid ok", true, "quota ok -> good", ""},
		{"unpaid", true, "quota -> ", fairlead.CodeUpstreamFailed},
		{"quota", true, "quota -> ", fairlead.CodeUpstreamFailed},
		{"quoted ok", true, "caller_fault -> ", fairlead.CodeRefusedByProvider},
		{"404 ok", true, "model ok -> good", ""},
		{"html ok", true, "malformed ok -> good", ""},
		{"nohttp ok", true, "malformed ok -> good", ""},
		{"teapot ok", true, "malformed ok -> good", ""},
		{"errfirst ok", true, "server_error ok -> good", ""},
		{"truncated ok", true, "malformed ok -> good", ""},
		{"empty ok", true, "malformed ok -> good", ""},
		{"garbage ok", true, "malformed ok -> good", ""},
		{"whole ok", true, "malformed ok -> good", ""},
		{"ok whole", false, "malformed ok -> good", ""},
		{"notjson whole", false, "malformed ok -> good", ""},
		{"err200 whole", false, "server_error ok -> good", ""},
		{"blank whole", false, "malformed ok -> good", ""},
		{"blank", false, "ok -> ", ""},
		{"400 ok", true, "caller_fault -> ", "bad_field"},
		{"500 400 ok", true, "server_error caller_fault -> ", "bad_field"},
		{"500 500 500 ok", true, "server_error server_error server_error -> ", fairlead.CodeUpstreamFailed},
		{"429 429", true, "rate_limited -> ", fairlead.CodeRateLimited},
		{"429 500", true, "rate_limited server_error -> ", fairlead.CodeUpstreamFailed},
		{"404", true, "model -> ", fairlead.CodeModelNotFound},
		{"401", true, "credential -> ", fairlead.CodeUpstreamFailed},
		{"", true, " -> ", fairlead.CodeNoEndpoint},
		{"cut ok", true, "interrupted -> go", "broken"},
		{"errlater ok", true, "interrupted -> go", "broken"},
		{"donenofin ok", true, "interrupted -> go", "broken"},
	} {
		w := newWorld(t)
		got, _, err := w.walk(t.Context(), c.stream, w.plan(strings.Fields(c.plan)...))
		var code fairlead.Code
		if err != nil {
			if code = fairlead.AsError(err).Code; code == fairlead.CodeInternal {
				code = "broken"
			}
		}
		if got != c.want || code != c.code {
			t.Errorf("%s: got %q, code %q; want %q, %q (%v)", c.plan, got, code, c.want, c.code, err)
		}
	}
}

// TestStoredCallsAreSentOnce holds promise 1: a call that the provider would store goes to another
// endpoint only where nothing of it can have reached the first.
func TestStoredCallsAreSentOnce(t *testing.T) {
	for _, c := range []struct {
		plan, want string
		code       fairlead.Code
	}{
		{"refused ok", "connect ok -> good", ""},
		{"reset ok", "connect -> ", fairlead.CodeUpstreamFailed},
		{"500 ok", "server_error -> ", fairlead.CodeUpstreamFailed},
		{"429 ok", "rate_limited -> ", fairlead.CodeRateLimited},
		{"html ok", "malformed -> ", fairlead.CodeUpstreamFailed},
		{"truncated ok", "malformed -> ", fairlead.CodeUpstreamFailed},
		{"ok", "ok -> good", ""},
	} {
		w := newWorld(t)
		w.stored = true
		got, _, err := w.walk(t.Context(), true, w.plan(strings.Fields(c.plan)...))
		var code fairlead.Code
		if err != nil {
			code = fairlead.AsError(err).Code
			if fairlead.AsError(err).Final {
				t.Errorf("%s: the caller is told not to try again", c.plan)
			}
		}
		if got != c.want || code != c.code {
			t.Errorf("%s: got %q, code %q; want %q, %q", c.plan, got, code, c.want, c.code)
		}
	}
}

// TestLastFrameIsCompleted holds that what follows a last frame without its blank line, such as an error
// of ours, cannot run into it.
func TestLastFrameIsCompleted(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n", "\n\n"} {
		frame := strings.TrimSuffix(chunk(`{"content":"go"}`, "null"), "\n\n") + end
		half := httptest.NewServer(stream(chunk(`{"content":"a "}`, "null"), frame))
		w := newWorld(t)
		plan := w.plan("ok")
		w.serveFirst(plan, half.URL)
		var walk upstream.Walk
		w.up.Walk(t.Context(), &walk, upstream.Journey{Ask: w.ask(true), Plan: plan, Most: 3, Start: time.Now()})
		answer, err := walk.Commit(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		all, _ := collect(answer.Stream) // how it ends is not the point here
		answer.Close()
		half.Close()
		if content(all) != "a go" || !strings.HasSuffix(all, "\n\n") {
			t.Errorf("after an end of %q the caller has %q", end, all)
		}
	}
}

func TestFailuresSayNoSecrets(t *testing.T) {
	w := newWorld(t)
	_, walk, err := w.walk(t.Context(), true, w.plan("401", "500"))
	all := fmt.Sprint(err, walk.Attempts)
	for _, hush := range []string{"sk-x", "boom", "Incorrect"} {
		if strings.Contains(all, hush) {
			t.Errorf("%q shows in %s", hush, all)
		}
	}
	if e := fairlead.AsError(err); !e.Final || !strings.Contains(e.Message, "a/m@401: credential (401)") {
		t.Errorf("the error is %+v", e)
	}
}

// TestInexpressible holds that an endpoint that cannot be asked is no attempt: it neither uses one up nor
// hides what the others said, and where there is no other the caller learns the field.
func TestInexpressible(t *testing.T) {
	for _, c := range []struct {
		plan, want string
		code       fairlead.Code
	}{
		{"claude claude claude ok", "not_sent not_sent not_sent ok -> good", ""},
		{"claude 429", "not_sent rate_limited -> ", fairlead.CodeRateLimited},
		{"claude", "not_sent -> ", fairlead.CodeUnsupportedParameter},
	} {
		w := newWorld(t)
		w.extra = `"n":2,`
		got, walk, err := w.walk(t.Context(), true, w.plan(strings.Fields(c.plan)...))
		var code fairlead.Code
		if err != nil {
			code = fairlead.AsError(err).Code
		}
		if got != c.want || code != c.code || walk.Made() != strings.Count(c.plan, "429")+strings.Count(c.plan, "ok") {
			t.Errorf("%s: got %q, code %q, %d attempts; want %q, %q", c.plan, got, code, walk.Made(), c.want, c.code)
		}
	}
}

func TestRetryAfterOfTheSoonest(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.walk(t.Context(), true, w.plan("429", "429"))
	if e := fairlead.AsError(err); e.RetryAfter != 7*time.Second || e.HTTPStatus() != 429 {
		t.Errorf("the error is %+v", e)
	}
}

// TestUsageIsWithheldUnlessAskedFor holds that the frame that fairlead asked for stays here.
func TestUsageIsWithheldUnlessAskedFor(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		w := newWorld(t)
		ask := w.ask(true)
		ask.Facts.StreamUsage = wanted
		walk := new(upstream.Walk)
		w.up.Walk(t.Context(), walk, upstream.Journey{Ask: ask, Plan: w.plan("ok"), Most: 3, Start: time.Now()})
		answer, err := walk.Commit(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		all, _ := collect(answer.Stream) // how it ends is not the point here
		answer.Close()
		if got := strings.Contains(all, `"usage"`); got != wanted {
			t.Errorf("wanted %v, got %v: %s", wanted, got, all)
		}
		if !strings.HasSuffix(all, "data: [DONE]\n\n") {
			t.Errorf("the end is missing: %s", all)
		}
		if u, ok := answer.Stream.Usage(); !ok || u.Input != 5 || u.Output != 2 {
			t.Errorf("usage %+v, %v", u, ok)
		}
	}
}
