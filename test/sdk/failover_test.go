package sdk_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// replaceable are the ways to fail that are not the caller's fault: another endpoint is asked.
var replaceable = []string{
	"fail=invalid_key", "fail=quota", "fail=billing", "fail=rate_limited", "fail=slow_down", "fail=model_not_found", "fail=overloaded",
	"fail=server_error", "fail=timeout", "fail=permission", "fail=region_blocked", "fail=html", "fail=wrong_type", "fail=malformed",
	"fail=error_in_200", "fail=error_first_frame", "fail=refused", "fail=reset", "fail=huge_headers",
	"status=500", "status=502", "status=504", "status=520", "status=529", "status=429",
	"at=0,then=truncate", "at=0,then=abort", "at=0,then=reset", "at=0,then=error_frame", "at=0,then=error_done", "at=0,then=bad_json",
}

// replaceableStreams are those that only a stream has, or that take a minute to notice without one.
var replaceableStreams = []string{"fail=hang", "fail=endless_line", "ttft=1h", "headers=1h", "at=0,then=no_finish", "at=0,then=stall", "at=0,then=llama_error"}

// replaceableWhole are those that show before the commit only where the answer is not streamed: the end
// of a stream commits it, although nothing was said.
var replaceableWhole = []string{"fail=empty"}

// hasty bounds the time to the first token, so that a silent endpoint is given up within a test.
func hasty(config string) string {
	return strings.Replace(config, "settings:\n", "settings:\n  timeouts: {first_token: 300ms}\n", 1)
}

// TestFailover holds that while the first endpoint of a model fails, each SDK sees only the good answer
// of the next, be it of the same wire or of the other.
func TestFailover(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hasty)
	for _, way := range []struct{ author, next string }{{"ha", endpointOf["claude"]}, {"hc", endpointOf["openai"]}} {
		t.Run(way.author, func(t *testing.T) {
			for _, spec := range replaceable {
				failoverWhole(t, w, way.author+"/x:"+spec, way.next)
				failoverStream(t, w, way.author+"/x:"+spec, way.next)
			}
			for _, spec := range replaceableWhole {
				failoverWhole(t, w, way.author+"/x:"+spec, way.next)
			}
			for _, spec := range replaceableStreams {
				failoverStream(t, w, way.author+"/x:"+spec, way.next)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		failoverWhole(t, w, "dead/echo", endpointOf["openai"])
		failoverStream(t, w, "dead/echo", endpointOf["openai"])
	})
}

func failoverWhole(t *testing.T, w *world, model, next string) {
	t.Helper()
	var resp *http.Response
	a, err := w.openai.Chat.Completions.New(t.Context(), ask(model, openai.UserMessage("one two")), option.WithResponseInto(&resp))
	if err != nil || len(a.Choices) != 1 || a.Choices[0].Message.Content != "one two" || a.Choices[0].FinishReason != "stop" {
		t.Errorf("%s, OpenAI's SDK: %v %+v", model, err, a)
	} else {
		checkHeaders(t, resp.Header, next, "2")
		checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(2, 0, 2))
	}
	m, err := w.claude.Messages.New(t.Context(), say(model, anthropic.NewTextBlock("one two")), anthropicoption.WithResponseInto(&resp))
	if err != nil || len(m.Content) != 1 || m.Content[0].Text != "one two" || m.StopReason != "end_turn" {
		t.Errorf("%s, Anthropic's SDK: %v %+v", model, err, m)
	} else {
		checkHeaders(t, resp.Header, next, "2")
	}
}

func failoverStream(t *testing.T, w *world, model, next string) {
	t.Helper()
	var resp *http.Response
	stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(model, openai.UserMessage("one two")), option.WithResponseInto(&resp))
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		all.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil || len(all.Choices) != 1 || all.Choices[0].Message.Content != "one two" || all.Choices[0].FinishReason != "stop" {
		t.Errorf("%s, OpenAI's SDK, streamed: %v %+v", model, err, all.ChatCompletion)
	} else {
		checkHeaders(t, resp.Header, next, "2")
	}
	events := w.claude.Messages.NewStreaming(t.Context(), say(model, anthropic.NewTextBlock("one two")), anthropicoption.WithResponseInto(&resp))
	var m anthropic.Message
	for events.Next() {
		if err := m.Accumulate(events.Current()); err != nil {
			t.Errorf("%s: %v", model, err)
		}
	}
	if err := events.Err(); err != nil || len(m.Content) != 1 || m.Content[0].Text != "one two" || m.StopReason != "end_turn" {
		t.Errorf("%s, Anthropic's SDK, streamed: %v %+v", model, err, m)
	} else {
		checkHeaders(t, resp.Header, next, "2")
	}
}

// TestCallersFaultsReturnAtOnce holds that what the caller must change is not tried elsewhere.
func TestCallersFaultsReturnAtOnce(t *testing.T) {
	w := newWorld(t)
	for _, author := range []string{"ha", "hc"} {
		for fail, status := range map[string]int{
			"bad_request": 400, "unsupported_parameter": 400, "context_length": 400, "content_filter": 400, "payload_too_large": 413,
		} {
			before := w.seen()
			_, err := w.openai.Chat.Completions.New(t.Context(), ask(author+"/x:fail="+fail, openai.UserMessage("hi")))
			if got := openaiError(t, err); got.status != status || got.header.Get("X-Fairlead-Attempts") != "1" {
				t.Errorf("%s at %s: status %d after %s attempts", fail, author, got.status, got.header.Get("X-Fairlead-Attempts"))
			}
			if n := w.seen() - before; n != 1 {
				t.Errorf("%s at %s: %d attempts", fail, author, n)
			}
		}
	}
}

// TestNothingLeftToTry holds that a caller is told of every attempt when all of them failed, and that
// no more than settings.attempts are made.
func TestNothingLeftToTry(t *testing.T) {
	w := newWorld(t, func(config string) string {
		config = strings.Replace(config, "fallbacks: [claude/echo]", "fallbacks: ['claude/x:fail=overloaded', 'openai/x:fail=html', fast]", 1)
		return strings.Replace(config, "settings:\n", "settings:\n  attempts: 3\n", 1)
	})
	_, err := w.openai.Chat.Completions.New(t.Context(), ask("ha/x:fail=server_error", openai.UserMessage("hi")))
	got := openaiError(t, err)
	if got.status != 502 || got.code != "upstream_failed" || got.header.Get("X-Fairlead-Attempts") != "3" {
		t.Errorf("OpenAI's SDK sees %+v", got)
	}
	if raw := errorText(err); !strings.Contains(raw, "ha/*@first: server_error (500)") || !strings.Contains(raw, "claude/*@second: overloaded (529)") || !strings.Contains(raw, "openai/*@first: ") {
		t.Errorf("the attempts are not told: %s", raw)
	}
	if n := w.seen(); n != 3 {
		t.Errorf("%d attempts were made", n)
	}
}
