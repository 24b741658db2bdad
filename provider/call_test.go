package provider_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
	"fairlead/provider"
)

func ask(t *testing.T, op fairlead.Operation, caller dialect.Dialect, body string) *provider.Ask {
	t.Helper()
	a := &provider.Ask{Op: op, Caller: caller, Body: []byte(body), Top: new(jsonscan.Object)}
	if err := a.Top.Scan(a.Body); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.Facts, err = caller.Facts(op, a.Top); err != nil {
		t.Fatal(err)
	}
	return a
}

func step(d fairlead.Dialect, upstream string, q fairlead.Quirks) fairlead.Step {
	base, auth := &url.URL{Scheme: "https", Host: "p.example", Path: "/v1"}, fairlead.AuthBearer
	if d == fairlead.Anthropic {
		base, auth = &url.URL{Scheme: "https", Host: "p.example"}, fairlead.AuthXAPIKey
	}
	p := &fairlead.Provider{
		Name: "p", Dialect: d, BaseURL: base, Auth: auth, Quirks: q,
		Credentials: []fairlead.Credential{{Name: "unresolved"}, {Name: "main", Value: fairlead.NewSecret("s3cret")}},
	}
	m := &fairlead.Model{Name: "a/m", MaxOutput: 4096}
	return fairlead.Step{Endpoint: &fairlead.Endpoint{Model: m, Provider: p, Upstream: upstream}, Asked: "a/m"}
}

// newCall writes the call of one attempt.
func newCall(a *provider.Ask, s fairlead.Step, to dialect.Dialect) (c provider.Call, err error) {
	err = c.Write(wayTo(s.Endpoint.Provider, to), a, s)
	return c, err
}

// TestSplice holds that a body of the same dialect changes in nothing but what the endpoint needs.
func TestSplice(t *testing.T) {
	mistral := fairlead.Quirks{NoStreamOptions: true, Rename: [][2]string{{"max_completion_tokens", "max_tokens"}, {"seed", "random_seed"}}}
	msgs := `"messages":[{"role":"user","content":"x"}]`
	for _, c := range []struct {
		name, in, upstream string
		quirks             fairlead.Quirks
		want               string
	}{
		{"the same name changes nothing", `{"model":"a/m",` + msgs + `}`, "a/m", fairlead.Quirks{}, `{"model":"a/m",` + msgs + `}`},
		{"model, order and spaces kept", `{ ` + msgs + ` , "model" : "a/m" , "x":1.0e0 }`, "u\"1", fairlead.Quirks{}, `{ ` + msgs + ` , "model" : "u\"1" , "x":1.0e0 }`},
		{"a stream asks for usage", `{"model":"a/m","stream":true,` + msgs + ` }`, "u", fairlead.Quirks{}, `{"model":"u","stream":true,` + msgs + `,"stream_options":{"include_usage":true} }`},
		{"stream options are completed", `{"model":"a/m","stream":true,"stream_options":{"include_obfuscation":false},` + msgs + `}`, "u", fairlead.Quirks{}, `{"model":"u","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},` + msgs + `}`},
		{"a no is made a yes", `{"model":"a/m","stream":true,"stream_options":{"include_usage":false,"z":1},` + msgs + `}`, "u", fairlead.Quirks{}, `{"model":"u","stream":true,"stream_options":{"include_usage":true,"z":1},` + msgs + `}`},
		{"null options", `{"model":"a/m","stream":true,"stream_options":null,` + msgs + `}`, "u", fairlead.Quirks{}, `{"model":"u","stream":true,"stream_options":{"include_usage":true},` + msgs + `}`},
		{"a yes stays", `{"model":"a/m","stream":true,"stream_options":{"include_usage":true},` + msgs + `}`, "u", fairlead.Quirks{}, `{"model":"u","stream":true,"stream_options":{"include_usage":true},` + msgs + `}`},
		{"refused options are left out, first", `{"stream_options":{"include_usage":true},"model":"a/m","stream":true,` + msgs + `}`, "u", mistral, `{"model":"u","stream":true,` + msgs + `}`},
		{"refused options are left out, last", `{"model":"a/m","stream":true,` + msgs + `,"stream_options":{"include_usage":true}}`, "u", mistral, `{"model":"u","stream":true,` + msgs + `}`},
		{"refused options are not asked for", `{"model":"a/m","stream":true,` + msgs + `}`, "u", mistral, `{"model":"u","stream":true,` + msgs + `}`},
		{"fields are renamed", `{"model":"a/m","seed":1,"max_completion_tokens":7,` + msgs + `}`, "u", mistral, `{"model":"u",` + msgs + `,"max_tokens":7,"random_seed":1}`},
		{"a field under both names stays", `{"model":"a/m","max_tokens":1,"max_completion_tokens":7,` + msgs + `}`, "u", mistral, `{"model":"u","max_tokens":1,"max_completion_tokens":7,` + msgs + `}`},
		{"an escaped name is found", `{"mod\u0065l":"a/m",` + msgs + `}`, "u", fairlead.Quirks{}, `{"mod\u0065l":"u",` + msgs + `}`},
	} {
		a := ask(t, fairlead.OpChat, openai.New(), c.in)
		call, err := newCall(a, step(fairlead.OpenAI, c.upstream, c.quirks), openai.New())
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := string(call.Body); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if string(a.Body) != c.in {
			t.Errorf("%s: the caller's body was changed", c.name)
		}
	}
}

func TestAddressAndHeaders(t *testing.T) {
	for _, c := range []struct {
		name   string
		op     fairlead.Operation
		caller dialect.Dialect
		to     dialect.Dialect
		body   string
		url    string
		header string
	}{
		{
			"openai chat", fairlead.OpChat, openai.New(), openai.New(), `{"model":"a/m","messages":[{"role":"user","content":"x"}]}`,
			"https://p.example/v1/chat/completions",
			"Content-Type: application/json; Accept: application/json; Authorization: Bearer s3cret; OpenAI-Beta: ob; Traceparent: tp",
		},
		{
			"openai to anthropic, streamed", fairlead.OpChat, openai.New(), anthropic.New(), `{"model":"a/m","stream":true,"messages":[{"role":"user","content":"x"}]}`,
			"https://p.example/v1/messages",
			"Content-Type: application/json; Accept: text/event-stream; X-Api-Key: s3cret; Anthropic-Version: 2023-06-01; Anthropic-Beta: ab; Traceparent: tp",
		},
		{
			"embeddings", fairlead.OpEmbeddings, openai.New(), openai.New(), `{"model":"a/m","input":"x"}`,
			"https://p.example/v1/embeddings",
			"Content-Type: application/json; Accept: application/json; Authorization: Bearer s3cret; OpenAI-Beta: ob; Traceparent: tp",
		},
		{
			"count tokens", fairlead.OpCountTokens, anthropic.New(), anthropic.New(), `{"model":"a/m","messages":[{"role":"user","content":"x"}]}`,
			"https://p.example/v1/messages/count_tokens",
			"Content-Type: application/json; Accept: application/json; X-Api-Key: s3cret; Anthropic-Version: 2023-06-01; Anthropic-Beta: ab; Traceparent: tp",
		},
	} {
		a := ask(t, c.op, c.caller, c.body)
		a.Forward = provider.Forward{AnthropicBeta: "ab", OpenAIBeta: "ob", Traceparent: "tp"}
		call, err := newCall(a, step(c.to.Name(), "u", fairlead.Quirks{}), c.to)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var fields []string
		for _, f := range call.Header {
			fields = append(fields, f.Name+": "+f.Value)
		}
		if got := strings.Join(fields, "; "); call.URL.String() != c.url || got != c.header {
			t.Errorf("%s:\n got %s %s\nwant %s %s", c.name, call.URL, got, c.url, c.header)
		}
		if !call.Again {
			t.Errorf("%s: a stateless call may not be sent again", c.name)
		}
	}
}

// TestTranslatedFieldsAreRenamed holds that quirks apply to bodies that a dialect wrote, too.
func TestTranslatedFieldsAreRenamed(t *testing.T) {
	a := ask(t, fairlead.OpChat, anthropic.New(), `{"model":"a/m","max_tokens":7,"messages":[{"role":"user","content":"x"}]}`)
	s := step(fairlead.OpenAI, "u", fairlead.Quirks{Rename: [][2]string{{"max_completion_tokens", "max_tokens"}}})
	call, err := newCall(a, s, openai.New())
	if err != nil {
		t.Fatal(err)
	}
	if body := string(call.Body); !strings.Contains(body, `"max_tokens":7`) || strings.Contains(body, "max_completion_tokens") {
		t.Errorf("the body is %s", body)
	}
}

// FuzzSplice holds the body that is sent against a full parser: what is not routed is as the caller
// wrote it, and what is, is as the place wants it.
func FuzzSplice(f *testing.F) {
	for _, seed := range []string{
		`{"model":"a/m","messages":[{"role":"user","content":"x"}],"stream":true}`,
		`{"stream":true,"stream_options":{"a":[1,{"b":null}]},"model":"a/m","seed":3,"messages":[1]}`,
		`{ "mod\u0065l" : "a/m" , "stream":true , "stream_options" : null, "messages":[{}],"max_completion_tokens":9,"max_tokens":1}`,
		`{"model":"a/m","messages":[0],"stream_options":{"include_usage":false},"stream":true,"ü":"\ud83d\ude00"}`,
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	quirky := fairlead.Quirks{NoStreamOptions: true, Rename: [][2]string{{"max_completion_tokens", "max_tokens"}, {"seed", "random_seed"}}}
	f.Fuzz(func(t *testing.T, body string, quirks bool) {
		a := &provider.Ask{Op: fairlead.OpChat, Caller: openai.New(), Body: []byte(body), Top: new(jsonscan.Object)}
		if a.Top.Scan(a.Body) != nil {
			return
		}
		var err error
		if a.Facts, err = a.Caller.Facts(a.Op, a.Top); err != nil {
			return
		}
		var q fairlead.Quirks
		if quirks {
			q = quirky
		}
		call, err := newCall(a, step(fairlead.OpenAI, "up/name", q), openai.New())
		if err != nil {
			t.Fatal(err)
		}
		got, want := members(t, call.Body), members(t, []byte(body))
		want["model"] = "up/name"
		expectOptions(want, a.Facts.Stream, quirks)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("sent %s\n got %v\nwant %v", call.Body, got, want)
		}
	})
}

func members(t *testing.T, text []byte) map[string]any {
	t.Helper()
	m := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// expectOptions does to a parsed body what splice does to its text.
func expectOptions(m map[string]any, streamed, quirks bool) {
	options, _ := m["stream_options"].(map[string]any)
	switch {
	case !streamed:
	case quirks:
		delete(m, "stream_options")
	case options == nil:
		m["stream_options"] = map[string]any{"include_usage": true}
	default:
		options["include_usage"] = true
	}
	if !quirks {
		return
	}
	for from, to := range map[string]string{"max_completion_tokens": "max_tokens", "seed": "random_seed"} {
		v, ok := m[from]
		if _, both := m[to]; ok && !both {
			m[to] = v
			delete(m, from)
		}
	}
}

// TestPage holds where a page is asked for, and with what: the host's own paths, the credential, no body.
func TestPage(t *testing.T) {
	for _, c := range []struct {
		dialect    fairlead.Dialect
		path, want string // want "" = refused
		auth       string
	}{
		{fairlead.OpenAI, "/health", "https://p.example/health", "Authorization: Bearer s3cret"},
		{fairlead.Anthropic, "/health", "https://p.example/health", "X-Api-Key: s3cret"},
		{fairlead.OpenAI, "/v1/health?deep=1&x=%20", "https://p.example/v1/health?deep=1&x=%20", "Authorization: Bearer s3cret"},
		{fairlead.OpenAI, "/a%2Fb", "https://p.example/a%2Fb", "Authorization: Bearer s3cret"},
		{fairlead.OpenAI, "/a%", "", ""},
	} {
		var to dialect.Dialect = openai.New()
		if c.dialect == fairlead.Anthropic {
			to = anthropic.New()
		}
		call := provider.Call{Body: []byte("of another call")}
		err := call.Page(wayTo(step(c.dialect, "m", fairlead.Quirks{}).Endpoint.Provider, to), c.path)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s: not refused", c.path)
			}
			continue
		}
		var auth string
		for _, h := range call.Header {
			if h.Name != "Accept" {
				auth += h.Name + ": " + h.Value
			}
		}
		if err != nil || call.URL.String() != c.want || call.Method != "GET" || call.Body != nil || auth != c.auth {
			t.Errorf("%s: %s %s %q %q, %v", c.path, call.Method, call.URL, auth, call.Body, err)
		}
	}
}
