package sdk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"

	"fairlead/internal/fakellm"
)

// seams are models whose answers break off at their first endpoint and are gone on with at the second: by
// which wire each speaks, and how the second is asked.
var seams = []struct{ model, from, to, method string }{
	{"cut/openai-openai", "first", "first", "prefill"},
	{"cut/openai-claude", "first", "second", "prefill"},
	{"cut/claude-openai", "second", "first", "anchor"},
	{"cut/claude-claude", "second", "second", "anchor"},
}

// Tokens of an answer of seams, and how many of them come before the break.
const (
	seamTokens = 60
	seamAt     = 40
)

// breaking adds the models of seams to the standard configuration.
func breaking(config string) string {
	var b strings.Builder
	b.WriteString("models:\n")
	for _, s := range seams {
		supports := "[chat]"
		if s.method == "prefill" {
			supports = "[chat, prefill]"
		}
		fmt.Fprintf(&b, `  %s:
    max_output: 4096
    endpoints:
      - {provider: %s, weight: 1000000, supports: %s, model: "x:vary,tokens=%d,size=4,ttft=300ms,then=truncate,at=%d"}
      - {provider: %s, name: next, weight: 1, supports: %[3]s, model: "x:vary,tokens=%[4]d,size=4,honour=%[7]s"}
`, s.model, s.from, supports, seamTokens, seamAt, s.to, s.method)
	}
	return strings.Replace(config, "models:\n", b.String(), 1)
}

// TestContinuedStreams holds that an answer which was put together of two providers' reads as one in either
// SDK: its text to the letter, one end, usage; and that neither minds the member, the trailer and the comments
// that come with it. (An SDK stops at the last frame, so that it may not see the trailer.)
func TestContinuedStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, breaking, func(config string) string {
		return strings.Replace(config, "settings:\n", "settings:\n  timeouts: {headers: 100ms}\n", 1)
	})
	for _, s := range seams {
		t.Run(s.model, func(t *testing.T) {
			mark := fmt.Sprintf(`"fairlead":{"continued":[{"endpoint":"%s@%s~next","method":"%s"}]}`, s.model, s.to, s.method)
			continuedChat(t, w, s.model, mark)
			continuedMessage(t, w, s.model, mark)
		})
	}
}

func continuedChat(t *testing.T, w *world, model, mark string) {
	t.Helper()
	params := ask(model, openai.UserMessage("hi"))
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	all, chunks := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params))
	ends, marked := 0, false
	for _, c := range chunks {
		if c.ID != chunks[0].ID || c.Model != chunks[0].Model || c.Created != chunks[0].Created {
			t.Errorf("a chunk of another answer: %s", c.RawJSON())
		}
		for _, choice := range c.Choices {
			if choice.FinishReason != "" {
				ends++
			}
		}
		marked = marked || strings.Contains(c.RawJSON(), mark)
	}
	if len(all.Choices) != 1 || ends != 1 || all.Choices[0].FinishReason != "stop" || !marked {
		t.Fatalf("%d ends, marked %v: %+v", ends, marked, all.ChatCompletion)
	}
	checkSeam(t, all.Choices[0].Message.Content, all.Usage.PromptTokens, all.Usage.CompletionTokens)
}

func continuedMessage(t *testing.T, w *world, model, mark string) {
	t.Helper()
	m, events := gather(t, w.claude.Messages.NewStreaming(t.Context(), say(model, anthropic.NewTextBlock("hi"))))
	ends, marked := 0, false
	for _, e := range events {
		if e.Type == "message_stop" {
			ends++
		}
		marked = marked || strings.Contains(e.RawJSON(), mark)
	}
	if len(m.Content) != 1 || ends != 1 || m.StopReason != "end_turn" || !marked {
		t.Fatalf("%d ends, marked %v: %+v", ends, marked, m)
	}
	checkSeam(t, m.Content[0].Text, m.Usage.InputTokens, m.Usage.OutputTokens)
}

// checkSeam holds that a text is one answer, whole and without a repetition, and that the tokens counted are
// about those of it: some are estimated.
func checkSeam(t *testing.T, text string, input, output int64) {
	t.Helper()
	if want, ok := fakellm.Take(text, seamTokens, 4); !ok || text != want {
		t.Errorf("the text is %q, want %q", text, want)
	}
	if input <= 0 || output < seamTokens/2 || output > 2*seamTokens {
		t.Errorf("the usage is %d and %d tokens", input, output)
	}
}
