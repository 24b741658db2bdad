package openai_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/sse"
)

// announced is what is read of a body that a stream announces as an error.
func announced(t *testing.T, body string) *dialect.Fault {
	t.Helper()
	_, err := openai.New().NewWatcher(fairlead.OpChat).Watch(sse.Frame{Event: []byte("error"), Data: []byte(body)})
	var f *dialect.Fault
	if !errors.As(err, &f) {
		t.Fatalf("%q gives %v, want a fault", body, err)
	}
	return f
}

func TestReadFault(t *testing.T) {
	type fault = dialect.Fault
	for _, c := range []struct {
		name   string
		status int // that its words stand for
		body   string
		want   fault
	}{
		{"OpenAI", 401, `{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, fault{Type: "invalid_request_error", Code: "invalid_api_key", Message: "m"}},
		{"OpenAI, with param", 400, `{"error":{"message":"m","type":"invalid_request_error","param":"messages","code":null}}`, fault{Type: "invalid_request_error", Param: "messages", Message: "m"}},
		{"vLLM, integer code", 400, `{"error":{"message":"m","type":"BadRequestError","param":"input_tokens","code":400}}`, fault{Type: "BadRequestError", Code: "400", Param: "input_tokens", Message: "m"}},
		{"old vLLM, flat", 400, `{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}`, fault{Type: "BadRequestError", Code: "400", Message: "m"}},
		{"Mistral", 429, `{"object":"error","message":"m","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}`, fault{Type: "rate_limited", Code: "1300", Message: "m"}},
		{"message alone", 0, `{"message":"Unauthorized"}`, fault{Message: "Unauthorized"}},
		{"a string", 0, `{"error":"Unauthorized"}`, fault{Message: "Unauthorized"}},
		{"TGI", 0, `{"error":"m","error_type":"validation"}`, fault{Type: "validation", Message: "m"}},
		{"xAI", 0, `{"code":"c","error":"m"}`, fault{Code: "c", Message: "m"}},
		{"Google in an array", 400, `[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]`, fault{Type: "INVALID_ARGUMENT", Code: "400", Message: "m"}},
		{"FastAPI's list", 0, `{"detail":[{"loc":["body","max_tokens"],"msg":"too big","type":"value_error"},{"loc":["body","messages",0],"msg":"bad","type":"x"}]}`, fault{Type: "value_error", Param: "max_tokens", Message: "max_tokens: too big; messages.0: bad"}},
		{"FastAPI's string", 0, `{"detail":"Not Found"}`, fault{Message: "Not Found"}},
		{"Replicate", 401, `{"detail":"m","status":401,"title":"t"}`, fault{Code: "401", Message: "m"}},
		{"Workers AI", 0, `{"success":false,"errors":[{"code":3040,"message":"m"}],"result":null}`, fault{Code: "3040", Message: "m"}},
		{"old Fireworks", 0, `{"fault":{"faultstring":"m","detail":{"errorcode":"e"}}}`, fault{Code: "e", Message: "m"}},
		{"Anthropic", 529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}`, fault{Type: "overloaded_error", Message: "Overloaded"}},
		{"OpenRouter", 429, `{"error":{"code":429,"message":"m","metadata":{"error_type":"capacity_exhausted"}}}`, fault{Type: "capacity_exhausted", Code: "429", Message: "m"}},
		{"a responses event", 500, `{"type":"error","code":"server_error","message":"m","param":"p"}`, fault{Code: "server_error", Param: "p", Message: "m"}},
		{"HTML", 0, "\n<html><head><title> 502 Bad Gateway </title></head>", fault{Type: "html", Message: "502 Bad Gateway"}},
		{"plain text", 0, "upstream connect error", fault{Message: "upstream connect error"}},
		{"JSON cut short", 0, `{"error":{"message":"m`, fault{Message: `{"error":{"message":"m`}},
		{"nothing", 0, "", fault{}},
		{"bytes", 0, "\xff\xfe", fault{Message: "\uFFFD"}},
		{"a message twice", 0, `{"error":{"message":"a","message":"b"}}`, fault{Message: "b"}},
		{"types that are wrong", 0, `{"error":{"message":{"a":1},"type":[],"code":true,"param":{}}}`, fault{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Status = c.status
			if got := announced(t, c.body); *got != c.want {
				t.Errorf("got  %+v\nwant %+v", *got, c.want)
			}
		})
	}
}

// TestReadFaultBounds holds that a Fault keeps no more of a body than an error may be long, in whole letters.
func TestReadFaultBounds(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	for _, body := range []string{long, `{"error":{"message":"` + long + `","type":"` + long + `","code":"` + long + `","param":"` + long + `"}}`} {
		f := announced(t, body)
		if f.Message == "" || len(f.Message) > 4096 || len(f.Type) > 256 || len(f.Code) > 256 || len(f.Param) > 256 {
			t.Errorf("kept %d, %d, %d and %d bytes", len(f.Message), len(f.Type), len(f.Code), len(f.Param))
		}
		if strings.Trim(f.Message, "é") != "" {
			t.Errorf("cut within a letter: %q", f.Message[len(f.Message)-4:])
		}
	}
}

func TestWriteError(t *testing.T) {
	for code, want := range map[fairlead.Code]string{
		fairlead.CodeInvalidRequest:  "invalid_request_error",
		fairlead.CodeInvalidKey:      "authentication_error",
		fairlead.CodeNotAllowed:      "permission_error",
		fairlead.CodeModelNotFound:   "not_found_error",
		fairlead.CodeBodyTooLarge:    "invalid_request_error",
		fairlead.CodeRateLimited:     "rate_limit_error",
		fairlead.CodeInternal:        "server_error",
		fairlead.CodeUpstreamFailed:  "server_error",
		fairlead.CodeOverloaded:      "service_unavailable_error",
		fairlead.CodeUpstreamTimeout: "server_error",
	} {
		var got struct {
			Error struct {
				Message, Type, Code string
				Param               *string
			}
			RequestID string `json:"request_id"`
		}
		body := openai.New().WriteError(&fairlead.Error{Code: code, Message: "m"}, "req_1")
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if got.Error.Type != want || got.Error.Code != string(code) || got.Error.Message != "m" || got.Error.Param != nil || got.RequestID != "req_1" {
			t.Errorf("%s: got %s, want type %s", code, body, want)
		}
	}
	e := &fairlead.Error{Code: fairlead.CodeInvalidRequest, Status: 402, Message: "m", Param: "p"}
	want := `{"error":{"message":"m","type":"insufficient_quota","param":"p","code":"invalid_request"}}`
	if got := openai.New().WriteError(e, ""); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := openai.New().WriteStreamError(e, ""); string(got) != "data: "+want+"\n\n" {
		t.Errorf("got  %q", got)
	}
}
