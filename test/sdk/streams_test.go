package sdk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"

	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// breaks are the ways in which a provider's stream ends badly after a part of it was delivered.
var breaks = []string{
	"truncate", "abort", "reset", "stall", "error_frame", "error_done", "llama_error", "no_finish", "bad_json", "finish_error",
}

// impatient bounds the silence of streams, so that a stalled one ends within a test.
func impatient(config string) string {
	return strings.Replace(config, "settings:\n", "settings:\n  timeouts: {idle: 700ms}\n", 1)
}

// TestBrokenStreams holds that no broken stream reads as a clean end in either SDK: what was delivered
// is a part of the answer, then comes an error with our code.
func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impatient)
	eachFamily(t, w, func(t *testing.T, family string) {
		healthy, err := w.openai.Chat.Completions.New(t.Context(), ask(family+"/x:tokens=20,seed=7", openai.UserMessage("hi")))
		if err != nil {
			t.Fatal(err)
		}
		want := healthy.Choices[0].Message.Content
		for _, then := range breaks {
			model := fmt.Sprintf("%s/x:tokens=20,seed=7,then=%s,at=3", family, then)
			text, finish := "", ""
			stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(model, openai.UserMessage("hi")))
			for stream.Next() {
				for _, c := range stream.Current().Choices {
					text += c.Delta.Content
					finish += c.FinishReason
				}
			}
			checkBroken(t, "OpenAI's SDK, "+then, stream.Err(), text, want)
			if finish != "" {
				t.Errorf("OpenAI's SDK, %s: a finish reason %q in spite of all", then, finish)
			}
			text = ""
			events := w.claude.Messages.NewStreaming(t.Context(), say(model, anthropic.NewTextBlock("hi")))
			for events.Next() {
				e := events.Current()
				text += e.Delta.Text
				if e.Type == "message_stop" || e.Delta.StopReason != "" {
					t.Errorf("Anthropic's SDK, %s: %s in spite of all", then, e.RawJSON())
				}
			}
			checkBroken(t, "Anthropic's SDK, "+then, events.Err(), text, want)
		}
	})
}

func checkBroken(t *testing.T, what string, err error, text, want string) {
	t.Helper()
	if err == nil || !strings.Contains(errorText(err), "stream_interrupted") {
		t.Errorf("%s: the end reads as %v", what, err)
	}
	if text == "" || text == want || !strings.HasPrefix(want, text) {
		t.Errorf("%s: delivered was %q of %q", what, text, want)
	}
}

// errorText is all that an SDK's error tells: that of Anthropic's keeps the body apart.
func errorText(err error) string {
	if raw, ok := err.(interface{ RawJSON() string }); ok { //nolint:errorlint // of the SDK's own type, unwrapped
		return err.Error() + raw.RawJSON()
	}
	return err.Error()
}

// TestBrokenStreamsOnTheWire holds the same without an SDK: the last frame is an error, and no end of
// the dialect's is to be seen.
func TestBrokenStreamsOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impatient)
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, then := range breaks {
			body := fmt.Sprintf(`{"model":"%s/x:tokens=20,then=%s,at=3","stream":true,"max_tokens":99,"messages":[{"role":"user","content":"hi"}]}`, family, then)
			for path, last := range map[string]string{"/v1/chat/completions": "data: {\"error\":", "/v1/messages": "event: error\n"} {
				a := w.post(t, path, body)
				frames := strings.Split(strings.TrimSuffix(a.body, "\n\n"), "\n\n")
				if a.status != 200 || a.err != nil || !strings.HasPrefix(frames[len(frames)-1], last) {
					t.Errorf("%s, %s: status %d, %v, the last frame is %q", path, then, a.status, a.err, frames[len(frames)-1])
				}
				for _, end := range []string{"[DONE]", "message_stop", `"finish_reason":"stop"`, `"end_turn"`} {
					if strings.Contains(a.body, end) {
						t.Errorf("%s, %s: a clean end by %s", path, then, end)
					}
				}
			}
		}
	})
}

// TestBrokenBeforeTheCommit holds that a stream which breaks before it said anything is an error with a
// status, and that the same break in an answer that is not streamed is one, too.
func TestBrokenBeforeTheCommit(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, then := range []string{"truncate", "abort", "reset", "error_frame", "error_done", "llama_error", "bad_json"} {
			model := family + "/x:at=0,then=" + then
			_, whole := w.openai.Chat.Completions.New(t.Context(), ask(model, openai.UserMessage("hi")))
			stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(model, openai.UserMessage("hi")))
			for stream.Next() {
				t.Errorf("%s: a chunk before the error: %s", then, stream.Current().RawJSON())
			}
			for kind, err := range map[string]error{"whole": whole, "streamed": stream.Err()} {
				if got := openaiError(t, err); got.status != 502 || got.code != "upstream_failed" {
					t.Errorf("%s, %s: OpenAI's SDK sees %+v", then, kind, got)
				}
			}
			_, whole = w.claude.Messages.New(t.Context(), say(model, anthropic.NewTextBlock("hi")))
			events := w.claude.Messages.NewStreaming(t.Context(), say(model, anthropic.NewTextBlock("hi")))
			for events.Next() {
				t.Errorf("%s: an event before the error: %s", then, events.Current().RawJSON())
			}
			for kind, err := range map[string]error{"whole": whole, "streamed": events.Err()} {
				if got := anthropicError(t, err); got.status != 502 || got.code != "upstream_failed" {
					t.Errorf("%s, %s: Anthropic's SDK sees %+v", then, kind, got)
				}
			}
		}
	})
}

// TestAbort holds that a caller who leaves takes the provider's work with it, wherever the exchange is.
func TestAbort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, c := range []struct{ name, model string }{
			{"in the stream", family + "/slow:tokens=10000,pace=10ms"},
			{"before the first token", family + "/slow:ttft=1h"},
			{"before the headers", family + "/slow:headers=1h"},
		} {
			w.fakes[family].ResetLog()
			ctx, leave := context.WithCancel(t.Context())
			ended := make(chan error, 2)
			go func() {
				stream := w.openai.Chat.Completions.NewStreaming(ctx, ask(c.model, openai.UserMessage("go on")))
				for stream.Next() {
				}
				ended <- stream.Err()
			}()
			go func() {
				stream := w.claude.Messages.NewStreaming(ctx, say(c.model, anthropic.NewTextBlock("go on")))
				for stream.Next() {
				}
				ended <- stream.Err()
			}()
			harness.Until(t, "both requests are under way", func() bool { return len(w.fakes[family].Log()) == 2 })
			leave()
			for range 2 {
				if err := <-ended; err == nil {
					t.Errorf("%s: an abandoned stream reads as a clean end", c.name)
				}
			}
			awaitLeft(t, w.fakes[family], c.name)
		}
		w.fakes[family].ResetLog()
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := w.openai.Chat.Completions.New(ctx, ask(family+"/slow:ttft=1h", openai.UserMessage("go on")))
			ended <- err
		}()
		harness.Until(t, "the request is under way", func() bool { return len(w.fakes[family].Log()) == 1 })
		leave()
		if err := <-ended; err == nil {
			t.Error("an answer that never came")
		}
		awaitLeft(t, w.fakes[family], "unstreamed")
	})
	harness.Until(t, "no exchange is under way", func() bool { return strings.Contains(w.Metrics(), "fairlead_in_flight 0") })
}

// awaitLeft waits until a fake saw that each of its clients is gone.
func awaitLeft(t *testing.T, f *fakellm.Server, what string) {
	t.Helper()
	harness.Until(t, what+": the provider sees that the caller left", func() bool {
		for _, a := range f.Log() {
			if !a.Left {
				return false
			}
		}
		return true
	})
}

// TestLateHeaders holds that a stream which thinks for long is kept alive with comments that no SDK
// sees, and then comes whole.
func TestLateHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(config string) string {
		return strings.Replace(config, "settings:\n", "settings:\n  timeouts: {headers: 100ms}\n", 1)
	})
	eachFamily(t, w, func(t *testing.T, family string) {
		all, _ := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), ask(family+"/echo:ttft=500ms", openai.UserMessage("hi"))))
		if all.Choices[0].Message.Content != "hi" {
			t.Errorf("OpenAI's SDK reads %q", all.Choices[0].Message.Content)
		}
		m, _ := gather(t, w.claude.Messages.NewStreaming(t.Context(), say(family+"/echo:ttft=500ms", anthropic.NewTextBlock("hi"))))
		if m.Content[0].Text != "hi" {
			t.Errorf("Anthropic's SDK reads %q", m.Content[0].Text)
		}
		// What fails after the headers went out fails inside the stream.
		stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(family+"/x:headers=500ms,fail=server_error", openai.UserMessage("hi")))
		for stream.Next() {
			t.Errorf("a chunk before the error: %s", stream.Current().RawJSON())
		}
		if err := stream.Err(); err == nil || !strings.Contains(err.Error(), "upstream_failed") {
			t.Errorf("OpenAI's SDK: %v", err)
		}
		events := w.claude.Messages.NewStreaming(t.Context(), say(family+"/x:headers=500ms,fail=server_error", anthropic.NewTextBlock("hi")))
		for events.Next() {
			t.Errorf("an event before the error: %s", events.Current().RawJSON())
		}
		if err := events.Err(); err == nil || !strings.Contains(errorText(err), "upstream_failed") {
			t.Errorf("Anthropic's SDK: %v", err)
		}
	})
	body := `{"model":"openai/echo:ttft=500ms","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	if a := w.post(t, "/v1/chat/completions", body); !strings.HasPrefix(a.body, ":") || !strings.HasSuffix(a.body, "data: [DONE]\n\n") {
		t.Errorf("the stream is %q", a.body)
	}
}
