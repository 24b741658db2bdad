package anthropic_test

import (
	"errors"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
)

// announced is what is read of a body that a stream announces as an error.
func announced(t *testing.T, body []byte) *dialect.Fault {
	t.Helper()
	_, err := d.NewWatcher(fairlead.OpChat).Watch(sse.Frame{Event: []byte("error"), Data: body})
	var f *dialect.Fault
	if !errors.As(err, &f) {
		t.Fatalf("%q gives %v, want a fault", body, err)
	}
	return f
}

func TestReadFault(t *testing.T) {
	cases := []struct {
		body string
		want dialect.Fault
	}{
		{
			`{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"request_id":"req_1"}`,
			dialect.Fault{Status: 429, Type: "rate_limit_error", Message: "slow down"},
		},
		{`{"error":{"type":"forbidden","message":"Request not allowed"}}`, dialect.Fault{Type: "forbidden", Message: "Request not allowed"}},
		{
			`{"error":{"message":"bad","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
			dialect.Fault{Status: 400, Type: "invalid_request_error", Message: "bad", Param: "messages", Code: "context_length_exceeded"},
		},
		{`{"error":{"message":"too long","type":"BadRequestError","param":null,"code":400}}`, dialect.Fault{Status: 400, Type: "BadRequestError", Message: "too long", Code: "400"}},
		{`{"object":"error","message":"too long","type":"BadRequestError","code":400}`, dialect.Fault{Status: 400, Type: "BadRequestError", Message: "too long", Code: "400"}},
		{
			`[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]`,
			dialect.Fault{Status: 400, Type: "INVALID_ARGUMENT", Message: "API key not valid", Code: "400"},
		},
		{
			`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}`,
			dialect.Fault{Status: 400, Type: "invalid_request_error", Message: "prompt is too long: 210000 tokens > 200000 maximum", Code: "context_length_exceeded"},
		},
		{
			`{"type":"error","error":{"type":"invalid_request_error","message":"tool \"prompt is too long: 2\" is unknown"}}`,
			dialect.Fault{Status: 400, Type: "invalid_request_error", Message: `tool "prompt is too long: 2" is unknown`},
		},
		{
			`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: sorry"}}`,
			dialect.Fault{Status: 400, Type: "invalid_request_error", Message: "prompt is too long: sorry"},
		},
		{
			`{"type":"error","error":{"type":"api_error","message":"prompt is too long: 2 tokens"}}`,
			dialect.Fault{Status: 500, Type: "api_error", Message: "prompt is too long: 2 tokens"},
		},
		{`{"error":"Unauthorized"}`, dialect.Fault{Message: "Unauthorized"}},
		{`{"error":"Model is overloaded","error_type":"overloaded"}`, dialect.Fault{Type: "overloaded", Message: "Model is overloaded"}},
		{`{"code":"no credits","error":"Your team has none"}`, dialect.Fault{Code: "no credits", Message: "Your team has none"}},
		{`{"message":"no such model","id":"x"}`, dialect.Fault{Message: "no such model"}},
		{`{"detail":"Not Found"}`, dialect.Fault{Message: "Not Found"}},
		{`{"detail":[{"loc":["body"],"msg":"field required","type":"missing"}]}`, dialect.Fault{Message: "field required"}},
		{`{"detail":{"message":"gone"}}`, dialect.Fault{Message: "gone"}},
		{`{"success":false,"errors":[{"code":3040,"message":"no capacity"}],"result":null}`, dialect.Fault{Code: "3040", Message: "no capacity"}},
		{`{"errors":["plain"]}`, dialect.Fault{Message: "plain"}},
		{
			`{"fault":{"faultstring":"Rate limit","detail":{"errorcode":"policies.ratelimit"}}}`,
			dialect.Fault{Message: "Rate limit", Code: "policies.ratelimit"},
		},
		{`{"detail":"wrong token","status":401,"title":"Unauthenticated"}`, dialect.Fault{Message: "wrong token"}},
		{"<!DOCTYPE html>\n<html><head><title> 502 Bad Gateway </title></head></html>", dialect.Fault{Message: "502 Bad Gateway"}},
		{"<html>", dialect.Fault{}},
		{"upstream connect error\n", dialect.Fault{Message: "upstream connect error"}},
		{`"gone"`, dialect.Fault{Message: "gone"}},
		{"\xef\xbb\xbf{\"error\":\"bom\"}", dialect.Fault{Message: "bom"}},
		{`{"error":{"message":"cut`, dialect.Fault{Message: `{"error":{"message":"cut`}},
		{"bad \xff bytes", dialect.Fault{Message: "bad \ufffd bytes"}},
		{"", dialect.Fault{}},
		{"[]", dialect.Fault{Message: "[]"}},
		{"{}", dialect.Fault{}},
		{"null", dialect.Fault{Message: "null"}},
	}
	for _, c := range cases {
		if got := announced(t, []byte(c.body)); *got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.body, *got, c.want)
		}
	}
}

func TestReadFaultIsBounded(t *testing.T) {
	long := strings.Repeat("\u00e9", 1<<20)
	for _, body := range []string{long, `{"error":{"message":"` + long + `","type":"` + long + `","code":"` + long + `"}}`} {
		f := announced(t, []byte(body))
		if len(f.Message) > 4096 || len(f.Type) > 256 || len(f.Code) > 256 {
			t.Errorf("kept %d, %d and %d bytes", len(f.Message), len(f.Type), len(f.Code))
		}
		if strings.Contains(f.Message, "\ufffd") {
			t.Error("the message was cut inside of a letter")
		}
	}
}

func TestWriteError(t *testing.T) {
	types := map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
		404: "not_found_error", 405: "invalid_request_error", 408: "timeout_error", 409: "conflict", 413: "request_too_large",
		415: "invalid_request_error", 429: "rate_limit_error", 431: "invalid_request_error", 499: "invalid_request_error",
		500: "api_error", 502: "api_error", 503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
	}
	for status, typ := range types {
		e := &fairlead.Error{Code: fairlead.CodeUpstreamFailed, Message: "it \"failed\"", Status: status}
		sameJSON(t, d.WriteError(e, "req_1"), `{"type":"error","error":{"type":"`+typ+`","message":"it \"failed\"","code":"upstream_failed"},"request_id":"req_1"}`)
	}
}

func TestWriteErrorNamesTheField(t *testing.T) {
	e := &fairlead.Error{Code: fairlead.CodeInvalidRequest, Message: "must be a string", Param: "model"}
	sameJSON(t, d.WriteError(e, ""), `{"type":"error","error":{"type":"invalid_request_error","message":"must be a string",
		"code":"invalid_request","param":"model"},"request_id":null}`)
}

func TestWriteErrorHidesTheCause(t *testing.T) {
	e := &fairlead.Error{Code: fairlead.CodeInternal, Message: "internal error", Hint: "look at the disk", Err: &dialect.Fault{Message: "secret"}}
	if got := string(d.WriteError(e, "r")); strings.Contains(got, "secret") || strings.Contains(got, "disk") {
		t.Errorf("the caller sees the cause or the hint: %s", got)
	}
}

func TestWriteStreamError(t *testing.T) {
	e := fairlead.Errorf(fairlead.CodeStreamInterrupted, "the provider's stream broke")
	got := string(d.WriteStreamError(e, "req_1"))
	list := frames(t, got)
	if len(list) != 1 || string(list[0].Event) != "error" {
		t.Fatalf("got %q", got)
	}
	sameJSON(t, list[0].Data, `{"type":"error","error":{"type":"api_error","message":"the provider's stream broke","code":"stream_interrupted"},"request_id":"req_1"}`)
	_, complete, err := decodeAll(t, fullStream[:0]+got)
	if err == nil || complete {
		t.Error("the frame does not end a stream in an error")
	}
}
