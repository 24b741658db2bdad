package sdk_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"
)

// TestProvidersThatCloseConnections holds that a provider which closes kept connections, announced or
// not, at once or while they idle, gives no caller an error and no caller another's answer.
func TestProvidersThatCloseConnections(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		closing := []string{"close=silent", "close=header", "close=delimited", "close=idle:1ms", "keepalive=5ms,ttft=20ms", "split=1", "hints=2"}
		for i := range 40 {
			model := family + "/echo:" + closing[i%len(closing)]
			text := fmt.Sprintf("question %d", i)
			a, err := w.openai.Chat.Completions.New(t.Context(), ask(model, openai.UserMessage(text)))
			if err != nil || a.Choices[0].Message.Content != text {
				t.Errorf("%s: %v %+v", model, err, a)
			}
			stream := w.claude.Messages.NewStreaming(t.Context(), say(model, anthropic.NewTextBlock(text)))
			var m anthropic.Message
			for stream.Next() {
				if err := m.Accumulate(stream.Current()); err != nil {
					t.Error(err)
				}
			}
			if err := stream.Err(); err != nil || len(m.Content) != 1 || m.Content[0].Text != text {
				t.Errorf("%s, streamed: %v %+v", model, err, m.Content)
			}
		}
	})
}

// TestManyAtOnce holds that of many exchanges at once each gets its own answer, while others break.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for k := range 10 {
				family := families[(i+k)%2]
				text := fmt.Sprintf("caller %d asks question %d", i, k)
				switch (i + k) % 4 {
				case 0:
					stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(family+"/x:at=2,then=reset", openai.UserMessage(text)))
					for stream.Next() {
					}
					if stream.Err() == nil {
						t.Error("a broken stream reads as a clean end")
					}
				case 1:
					stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(family+"/echo:pace=1ms", openai.UserMessage(text)))
					var got openai.ChatCompletionAccumulator
					for stream.Next() {
						got.AddChunk(stream.Current())
					}
					if err := stream.Err(); err != nil || len(got.Choices) != 1 || got.Choices[0].Message.Content != text {
						t.Errorf("%q: %v %+v", text, err, got.Choices)
					}
				case 2:
					a, err := w.openai.Chat.Completions.New(t.Context(), ask(family+"/echo", openai.UserMessage(text)))
					if err != nil || a.Choices[0].Message.Content != text {
						t.Errorf("%q: %v %+v", text, err, a)
					}
				default:
					m, err := w.claude.Messages.New(t.Context(), say(family+"/echo:close=silent", anthropic.NewTextBlock(text)))
					if err != nil || m.Content[0].Text != text {
						t.Errorf("%q: %v %+v", text, err, m)
					}
				}
			}
		})
	}
	all.Wait()
}

// TestUsageOfSilentProviders holds that the answer of a provider that tells no usage reaches both SDKs,
// and that the log has an estimate and a cost, and calls it one.
func TestUsageOfSilentProviders(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		model := family + "/echo:usage=none"
		m, err := w.claude.Messages.New(t.Context(), say(model, anthropic.NewTextBlock("one two three")))
		if err != nil || m.Content[0].Text != "one two three" {
			t.Errorf("whole: %v %+v", err, m)
		}
		streamed, _ := gather(t, w.claude.Messages.NewStreaming(t.Context(), say(model, anthropic.NewTextBlock("one two three"))))
		if streamed.Content[0].Text != "one two three" {
			t.Errorf("streamed: %s", streamed.RawJSON())
		}
		a := w.post(t, "/v1/chat/completions", `{"model":"`+model+`","stream":true,"messages":[{"role":"user","content":"one two three"}]}`)
		line := w.line(t, a.header.Get("X-Request-Id"))
		if line["estimated"] != true || line["tokens_out"] != 4.0 || line["cost_usd"] == nil {
			t.Errorf("the log says %v", line)
		}
	})
}
