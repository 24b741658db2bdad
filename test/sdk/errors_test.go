package sdk_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// seenError is what an SDK makes of an error, in either language.
type seenError struct {
	status      int
	code, param string
	kind        string
	header      http.Header
}

// openaiError reads an error of OpenAI's SDK.
func openaiError(t *testing.T, err error) seenError {
	t.Helper()
	var e *openai.Error
	if !errors.As(err, &e) {
		t.Errorf("no error of OpenAI's SDK: %v", err)
		return seenError{}
	}
	return seenError{e.StatusCode, e.Code, e.Param, e.Type, e.Response.Header}
}

// anthropicError reads an error of Anthropic's SDK; code and param are extra fields of ours.
func anthropicError(t *testing.T, err error) seenError {
	t.Helper()
	var e *anthropic.Error
	if !errors.As(err, &e) {
		t.Errorf("no error of Anthropic's SDK: %v", err)
		return seenError{}
	}
	var body struct{ Error struct{ Code, Param string } }
	if err := json.Unmarshal([]byte(e.RawJSON()), &body); err != nil {
		t.Errorf("the error is %s: %v", e.RawJSON(), err)
	}
	return seenError{e.StatusCode, body.Error.Code, body.Error.Param, string(e.Type()), e.Response.Header}
}

// errorKinds is how each SDK names a status of ours.
var errorKinds = map[int]struct{ openai, anthropic string }{
	400: {"invalid_request_error", "invalid_request_error"},
	401: {"authentication_error", "authentication_error"},
	403: {"permission_error", "permission_error"},
	404: {"not_found_error", "not_found_error"},
	413: {"invalid_request_error", "request_too_large"},
	429: {"rate_limit_error", "rate_limit_error"},
	502: {"server_error", "api_error"},
	504: {"server_error", "timeout_error"},
}

// TestProviderErrors holds what a caller sees of each way in which the only provider of a model fails:
// the caller's own faults with the provider's words, all else as fairlead's failure, and never as if
// the caller's key were wrong.
func TestProviderErrors(t *testing.T) {
	w := newWorld(t)
	cases := []struct {
		fail         string
		status       int
		openai, code string // at each family: OpenAI's wire has codes of its own, Anthropic's has none
	}{
		{"bad_request", 400, "invalid_value", "refused_by_provider"},
		{"unsupported_parameter", 400, "unsupported_parameter", "refused_by_provider"},
		{"context_length", 400, "context_length_exceeded", "context_length_exceeded"},
		{"content_filter", 400, "content_policy_violation", "refused_by_provider"},
		{"payload_too_large", 413, "body_too_large", "body_too_large"},
		{"model_not_found", 404, "model_not_found", "model_not_found"},
		{"rate_limited", 429, "rate_limited", "rate_limited"},
		{"slow_down", 429, "rate_limited", "rate_limited"},
		{"invalid_key", 502, "upstream_failed", "upstream_failed"},
		{"billing", 502, "upstream_failed", "upstream_failed"},
		{"permission", 502, "upstream_failed", "upstream_failed"},
		{"region_blocked", 403, "region_blocked", "region_blocked"},
		{"overloaded", 502, "upstream_failed", "upstream_failed"},
		{"server_error", 502, "upstream_failed", "upstream_failed"},
		{"timeout", 504, "upstream_timeout", "upstream_timeout"},
		{"html", 502, "upstream_failed", "upstream_failed"},
		{"wrong_type", 502, "upstream_failed", "upstream_failed"},
		{"malformed", 502, "upstream_failed", "upstream_failed"},
		{"error_in_200", 502, "upstream_failed", "upstream_failed"},
		{"error_first_frame", 502, "upstream_failed", "upstream_failed"},
		{"refused", 502, "upstream_failed", "upstream_failed"},
		{"reset", 502, "upstream_failed", "upstream_failed"},
		{"huge_headers", 502, "upstream_failed", "upstream_failed"},
	}
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, c := range cases {
			model, code := family+"/x:fail="+c.fail, c.openai
			if family == "claude" {
				code = c.code
			}
			before := w.seen()
			_, err := w.openai.Chat.Completions.New(t.Context(), ask(model, openai.UserMessage("hi")))
			stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(model, openai.UserMessage("hi")))
			for stream.Next() {
				t.Errorf("%s: a chunk before the error: %s", c.fail, stream.Current().RawJSON())
			}
			for kind, err := range map[string]error{"whole": err, "streamed": stream.Err()} {
				got := openaiError(t, err)
				if got.status != c.status || got.code != code || got.kind != errorKinds[c.status].openai {
					t.Errorf("%s, %s: OpenAI's SDK sees %+v, want %d %s %s", c.fail, kind, got, c.status, code, errorKinds[c.status].openai)
				}
				if retry := got.header.Get("Retry-After"); (retry != "") != (c.status == 429) {
					t.Errorf("%s, %s: Retry-After is %q", c.fail, kind, retry)
				}
			}
			_, err = w.claude.Messages.New(t.Context(), say(model, anthropic.NewTextBlock("hi")))
			events := w.claude.Messages.NewStreaming(t.Context(), say(model, anthropic.NewTextBlock("hi")))
			for events.Next() {
				t.Errorf("%s: an event before the error: %s", c.fail, events.Current().RawJSON())
			}
			for kind, err := range map[string]error{"whole": err, "streamed": events.Err()} {
				got := anthropicError(t, err)
				if got.status != c.status || got.code != code || got.kind != errorKinds[c.status].anthropic {
					t.Errorf("%s, %s: Anthropic's SDK sees %+v, want %d %s %s", c.fail, kind, got, c.status, code, errorKinds[c.status].anthropic)
				}
			}
			// A kept connection that closes without a byte says nothing of the provider: a new one is tried.
			if n := w.seen() - before; n != 4 && (c.fail != "refused" || n > 8) {
				t.Errorf("%s: four requests became %d attempts", c.fail, n)
			}
		}
	})
}

// TestOurErrors holds what both SDKs see of what fairlead itself refuses, before anything is sent.
func TestOurErrors(t *testing.T) {
	w := newWorld(t)
	other := option.WithAPIKey("sk-fl-unknown")
	otherClaude := anthropicoption.WithAPIKey("sk-fl-unknown")
	long := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name, model, text string
		stranger          bool
		status            int
		code, param       string
	}{
		{"unknown key", "fast", "hi", true, 401, "invalid_key", ""},
		{"unknown model", "fastt", "hi", false, 404, "model_not_found", "model"},
		{"a body too large", "fast", long, false, 413, "body_too_large", ""},
	} {
		var openaiOptions []option.RequestOption
		var claudeOptions []anthropicoption.RequestOption
		if c.stranger {
			openaiOptions, claudeOptions = append(openaiOptions, other), append(claudeOptions, otherClaude)
		}
		_, err := w.openai.Chat.Completions.New(t.Context(), ask(c.model, openai.UserMessage(c.text)), openaiOptions...)
		got := openaiError(t, err)
		if got.status != c.status || got.code != c.code || got.param != c.param || got.kind != errorKinds[c.status].openai {
			t.Errorf("%s: OpenAI's SDK sees %+v", c.name, got)
		}
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no x-request-id", c.name)
		}
		_, err = w.claude.Messages.New(t.Context(), say(c.model, anthropic.NewTextBlock(c.text)), claudeOptions...)
		got = anthropicError(t, err)
		if got.status != c.status || got.code != c.code || got.param != c.param || got.kind != errorKinds[c.status].anthropic {
			t.Errorf("%s: Anthropic's SDK sees %+v", c.name, got)
		}
	}
	_, err := w.openai.Chat.Completions.New(t.Context(), ask("openai/quic", openai.UserMessage("hi")))
	if err != nil {
		t.Errorf("a name that a wildcard covers: %v", err)
	}
	_, err = w.openai.Chat.Completions.New(t.Context(), ask("fastt", openai.UserMessage("hi")))
	var e *openai.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, "near: fast") {
		t.Errorf("near names are not told: %v", e.Message)
	}
	if _, err := w.openai.Models.Get(t.Context(), "fastt"); openaiError(t, err).code != "model_not_found" {
		t.Errorf("an unknown model of the list: %v", err)
	}
	_, err = w.openai.Files.List(t.Context(), openai.FileListParams{})
	if got := openaiError(t, err); got.status != 404 || got.code != "not_found" {
		t.Errorf("a path that is not served: %+v", got)
	}
	if n := w.seen(); n != 1 {
		t.Errorf("%d requests were sent upstream, want the one that was right", n)
	}
}

// TestRetriesDoNotMultiply holds that the SDKs, which retry by default, do not multiply the attempts of
// fairlead where it tried several endpoints; where there is only one, their retries are all there is.
func TestRetriesDoNotMultiply(t *testing.T) {
	w := newWorld(t)
	if err := w.fakes["claude"].Set("echo", "fail=server_error"); err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]int{"ha/x:fail=server_error": 2, "openai/x:fail=server_error": 3} {
		for name, call := range map[string]func() error{
			"OpenAI": func() error {
				_, err := w.openai.Chat.Completions.New(t.Context(), ask(model, openai.UserMessage("hi")), option.WithMaxRetries(2))
				return err
			},
			"Anthropic": func() error {
				_, err := w.claude.Messages.New(t.Context(), say(model, anthropic.NewTextBlock("hi")), anthropicoption.WithMaxRetries(2))
				return err
			},
		} {
			w.fakes["openai"].ResetLog()
			w.fakes["claude"].ResetLog()
			if err := call(); err == nil {
				t.Errorf("%s's SDK sees an answer", name)
			}
			if n := len(w.fakes["openai"].Log()) + len(w.fakes["claude"].Log()); n != want {
				t.Errorf("%s's SDK, %s: %d attempts, want %d", name, model, n, want)
			}
		}
	}
}

// TestErrorsHoldNoSecrets holds that neither errors nor logs nor metrics repeat prompts or secrets.
func TestErrorsHoldNoSecrets(t *testing.T) {
	w := newWorld(t)
	const prompt = "a-prompt-that-nobody-may-see"
	for _, model := range []string{"openai/x:fail=server_error", "claude/x:fail=bad_request", "no/such", "openai/x:then=truncate,at=2", "ha/x:fail=html"} {
		for _, body := range []string{
			`{"model":"` + model + `","stream":true,"messages":[{"role":"user","content":"` + prompt + `"}]}`,
			`{"model":"` + model + `","messages":[{"role":"user","content":"` + prompt + `"}]`,
			`{"model":"` + model + `","` + prompt + `":1,"` + prompt + `":2}`,
		} {
			w.post(t, "/v1/chat/completions", body)
			w.post(t, "/v1/messages", body)
		}
	}
	shown := w.Metrics()
	w.Stop()
	shown += w.Log()
	for _, secret := range []string{prompt, w.key, "sk-upstream-credential-of-the-harness", w.Token} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in the log or the metrics", secret)
		}
	}
}
