package fakellm

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestClasses asserts status, type and code of every class in both shapes against the providers'
// own, plain and streamed alike.
func TestClasses(t *testing.T) {
	_, url := Start(t, Options{})
	want := map[string]struct {
		status     int
		kind, code any
		aStatus    int
		aKind      string
	}{
		"invalid_key":           {401, "invalid_request_error", "invalid_api_key", 401, "authentication_error"},
		"quota":                 {429, "insufficient_quota", "insufficient_quota", 400, "invalid_request_error"},
		"billing":               {402, "unknown_error", "invalid_request_error", 402, "billing_error"},
		"rate_limited":          {429, "tokens", "rate_limit_exceeded", 429, "rate_limit_error"},
		"slow_down":             {429, "rate_limit_error", "slow_down", 429, "rate_limit_error"},
		"too_large_for_tier":    {429, "tokens", "rate_limit_exceeded", 429, "rate_limit_error"},
		"context_length":        {400, "invalid_request_error", "context_length_exceeded", 400, "invalid_request_error"},
		"content_filter":        {400, "invalid_request_error", "content_policy_violation", 400, "invalid_request_error"},
		"model_not_found":       {404, "invalid_request_error", "model_not_found", 404, "not_found_error"},
		"overloaded":            {503, "service_unavailable_error", "server_is_overloaded", 529, "overloaded_error"},
		"server_error":          {500, "server_error", nil, 500, "api_error"},
		"timeout":               {408, "timeout", nil, 504, "timeout_error"},
		"bad_request":           {400, "invalid_request_error", "invalid_value", 400, "invalid_request_error"},
		"unsupported_parameter": {400, "invalid_request_error", "unsupported_parameter", 400, "invalid_request_error"},
		"payload_too_large":     {413, "invalid_request_error", nil, 413, "request_too_large"},
		"permission":            {403, "invalid_request_error", nil, 403, "permission_error"},
		"region_blocked":        {403, "request_forbidden", "unsupported_country_region_territory", 403, "forbidden"},
	}
	if got := slices.Sorted(maps.Keys(classes)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Fatalf("classes %v; the table has others", got)
	}
	for name, w := range want {
		for _, stream := range []bool{false, true} {
			res, body := post(t, url+"/v1/chat/completions", chatBody("x:fail="+name, stream))
			if res.StatusCode != w.status || value(t, body, "error.type") != w.kind || value(t, body, "error.code") != w.code {
				t.Errorf("%s: %d %s", name, res.StatusCode, body)
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("%s: content type %q", name, ct)
			}
			res, body = post(t, url+"/v1/messages", messageBody("x:fail="+name, stream))
			if res.StatusCode != w.aStatus || value(t, body, "error.type") != w.aKind {
				t.Errorf("%s to Anthropic: %d %s", name, res.StatusCode, body)
			}
			if blocked := name == "region_blocked"; blocked == (value(t, body, "type") == "error") || blocked == (res.Header.Get("Request-Id") != "") {
				t.Errorf("%s to Anthropic: envelope or request id is wrong: %s %v", name, body, res.Header)
			}
		}
	}
}

func TestErrorHeaders(t *testing.T) {
	_, url := Start(t, Options{})
	for _, c := range []struct{ path, spec, header, want string }{
		{"/v1/chat/completions", "fail=rate_limited", "Retry-After", "1"},
		{"/v1/chat/completions", "fail=rate_limited,retry_after=2500ms", "Retry-After", "3"},
		{"/v1/chat/completions", "fail=rate_limited,retry_after=2500ms", "Retry-After-Ms", "2500"},
		{"/v1/chat/completions", "fail=rate_limited", "X-Ratelimit-Remaining-Tokens", "0"},
		{"/v1/chat/completions", "fail=server_error", "Retry-After", ""},
		{"/v1/chat/completions", "fail=overloaded,retry_after=2s", "Retry-After", "2"},
		{"/v1/messages", "fail=rate_limited", "Retry-After", "1"},
		{"/v1/messages", "fail=rate_limited", "Retry-After-Ms", ""},
		{"/v1/messages", "fail=rate_limited", "Anthropic-Ratelimit-Input-Tokens-Remaining", "0"},
	} {
		res, _ := post(t, url+c.path, bodyFor(c.path, "x:"+c.spec, false))
		if got := res.Header.Get(c.header); got != c.want {
			t.Errorf("%s %s: %s is %q, want %q", c.path, c.spec, c.header, got, c.want)
		}
	}
}

func TestStatusAndShape(t *testing.T) {
	_, url := Start(t, Options{})
	for _, c := range []struct {
		path, spec string
		status     int
		body       string // a part of it
	}{
		{"/v1/chat/completions", "status=503", 503, `"type":"server_error"`},
		{"/v1/chat/completions", "fail=rate_limited", 429, `Please try again in 1s.`},
		{"/v1/chat/completions", "fail=rate_limited,retry_after=2500ms", 429, `Please try again in 2.5s.`},
		{"/v1/chat/completions", "status=418", 418, `I'm a teapot`},
		{"/v1/chat/completions", "status=529", 529, `server_is_overloaded`},
		{"/v1/chat/completions", "fail=overloaded,status=500", 500, `server_is_overloaded`},
		{"/v1/chat/completions", "fail=html,status=524", 524, `<html>`},
		{"/v1/messages", "status=503", 503, `"type":"api_error"`},
		{"/v1/messages", "status=529", 529, `"type":"overloaded_error"`},
		{"/v1/chat/completions", "fail=model_not_found,shape=vllm", 404, `"type":"NotFoundError","param":"model","code":404}`},
		{"/v1/chat/completions", "status=500,shape=string", 500, `{"error":"The server had an error`},
		{"/v1/chat/completions", "status=422,shape=detail", 422, `{"detail":"Unprocessable Entity"}`},
		{"/v1/chat/completions", "fail=context_length,shape=flat", 400, `{"object":"error","message":"This model's maximum context`},
		{"/v1/chat/completions", "status=503,shape=array", 503, `[{"error":{"code":503,`},
		{"/v1/embeddings", "fail=overloaded", 503, `server_is_overloaded`},
		{"/v1/moderations", "fail=rate_limited", 429, `rate_limit_exceeded`},
		{"/v1/messages/count_tokens", "fail=overloaded", 529, `overloaded_error`},
		{"/v1/responses", "fail=quota", 429, `insufficient_quota`},
		{"/v1/completions", "fail=server_error", 500, `server_error`},
	} {
		body := bodyFor(c.path, "x:"+c.spec, false)
		switch c.path {
		case "/v1/embeddings", "/v1/moderations":
			body = `{"model":"x:` + c.spec + `","input":"hi"}`
		case "/v1/messages/count_tokens":
			body = `{"model":"x:` + c.spec + `","messages":[{"role":"user","content":"hi"}]}`
		}
		res, got := post(t, url+c.path, body)
		if res.StatusCode != c.status || !strings.Contains(got, c.body) {
			t.Errorf("%s %s: %d %s", c.path, c.spec, res.StatusCode, got)
		}
	}
}
