package sdk_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"fairlead/test/harness"
)

// ask is a chat request of OpenAI's SDK.
func ask(model string, messages ...openai.ChatCompletionMessageParamUnion) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: messages}
}

// drain reads a stream of OpenAI's SDK to its end with the SDK's own accumulator.
func drain(t *testing.T, s *ssestream.Stream[openai.ChatCompletionChunk]) (all openai.ChatCompletionAccumulator, chunks []openai.ChatCompletionChunk) {
	t.Helper()
	for s.Next() {
		chunk := s.Current()
		if !all.AddChunk(chunk) {
			t.Errorf("the accumulator refuses the chunk %s", chunk.RawJSON())
		}
		chunks = append(chunks, chunk)
	}
	if err := s.Err(); err != nil {
		t.Fatalf("stream: %v", err)
	}
	return all, chunks
}

func TestOpenAIChat(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		var resp *http.Response
		a, err := w.openai.Chat.Completions.New(t.Context(),
			ask(family+"/echo", openai.SystemMessage("Be brief"), openai.UserMessage("one two three")), option.WithResponseInto(&resp))
		if err != nil {
			t.Fatal(err)
		}
		if a.Object != "chat.completion" || a.ID == "" || a.Created == 0 || a.Model != "echo" || len(a.Choices) != 1 {
			t.Errorf("the answer is %s", a.RawJSON())
		}
		c := a.Choices[0]
		if c.Message.Role != "assistant" || c.Message.Content != "one two three" || c.FinishReason != "stop" || len(c.Message.ToolCalls) != 0 {
			t.Errorf("the choice is %s", c.RawJSON())
		}
		// 21 bytes of prompt and 13 of answer, at four bytes a token.
		if u := a.Usage; u.PromptTokens != 6 || u.CompletionTokens != 4 || u.TotalTokens != 10 {
			t.Errorf("usage is %s", u.RawJSON())
		}
		checkHeaders(t, resp.Header, endpointOf[family], "1")
		checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(6, 0, 4))
		checkSent(t, w, family)
	})
}

// checkSent holds that the provider was shown fairlead's credential, its own model name and the system
// prompt where its wire has it, and nothing of the caller's.
func checkSent(t *testing.T, w *world, family string) {
	t.Helper()
	attempt, body := w.last(t, family), w.sent(t, family)
	if body["model"] != "echo" {
		t.Errorf("the model sent is %v", body["model"])
	}
	var first any = map[string]any{"role": "system", "content": "Be brief"}
	place := body["messages"]
	if family == "claude" {
		first, place = map[string]any{"type": "text", "text": "Be brief"}, body["system"]
	}
	if list, ok := place.([]any); !ok || !reflect.DeepEqual(list[0], first) {
		t.Errorf("the system prompt is not where it belongs: %s", attempt.Body)
	}
	allowed := map[string]bool{
		"Content-Type": true, "Accept": true, "Content-Length": true, "Accept-Encoding": true,
		"Authorization": true, "X-Api-Key": true, "Anthropic-Version": true,
	}
	for name, values := range attempt.Headers {
		if !allowed[name] {
			t.Errorf("the header %s (%v) was sent to the provider", name, values)
		}
		if strings.Contains(strings.Join(values, " "), w.key[len(w.key)-4:]) {
			t.Errorf("the caller's key was sent in %s", name)
		}
	}
}

func TestOpenAIStream(t *testing.T) {
	w := newWorld(t)
	const text = "alpha beta gamma delta epsilon zeta eta theta iota"
	eachFamily(t, w, func(t *testing.T, family string) {
		params := ask(family+"/echo", openai.UserMessage(text))
		params.StreamOptions.IncludeUsage = openai.Bool(true)
		var resp *http.Response
		all, chunks := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params, option.WithResponseInto(&resp)))
		if len(all.Choices) != 1 || all.Choices[0].Message.Content != text || all.Choices[0].FinishReason != "stop" {
			t.Errorf("accumulated: %+v", all.ChatCompletion)
		}
		if u := all.Usage; u.PromptTokens != 13 || u.CompletionTokens != 13 || u.TotalTokens != 26 {
			t.Errorf("usage is %+v", u)
		}
		checkChunks(t, chunks)
		checkHeaders(t, resp.Header, endpointOf[family], "1")
		line := w.line(t, resp.Header.Get("X-Request-Id"))
		cost, _ := line["cost_usd"].(string)
		checkCost(t, cost, usd(13, 0, 13))
		if line["stream"] != true || line["tokens_out"] != 13.0 || line["code"] != nil {
			t.Errorf("the log says %v", line)
		}

		params.StreamOptions = openai.ChatCompletionStreamOptionsParam{}
		_, unasked := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params))
		for _, c := range unasked {
			if c.Usage.TotalTokens != 0 || len(c.Choices) != 1 {
				t.Errorf("a frame of usage that was not asked for: %s", c.RawJSON())
			}
		}
		if len(unasked) != len(chunks)-1 {
			t.Errorf("%d chunks without usage, %d with it", len(unasked), len(chunks))
		}
	})
}

// checkChunks holds the order of a stream: the role, at least one piece of text each, the reason, and
// usage behind it; one id and one model all the way.
func checkChunks(t *testing.T, chunks []openai.ChatCompletionChunk) {
	t.Helper()
	if len(chunks) < 6 {
		t.Fatalf("only %d chunks", len(chunks))
	}
	if chunks[0].Choices[0].Delta.Role != "assistant" {
		t.Errorf("the first chunk is %s", chunks[0].RawJSON())
	}
	for i, c := range chunks {
		if c.ID == "" || c.ID != chunks[0].ID || c.Model != "echo" || c.Object != "chat.completion.chunk" || c.Created != chunks[0].Created {
			t.Errorf("chunk %d is %s", i, c.RawJSON())
		}
		reason := ""
		if len(c.Choices) > 0 {
			reason = c.Choices[0].FinishReason
		}
		switch i {
		case len(chunks) - 1:
			if len(c.Choices) != 0 || !c.JSON.Usage.Valid() {
				t.Errorf("the last chunk is not that of usage: %s", c.RawJSON())
			}
		case len(chunks) - 2:
			if reason != "stop" {
				t.Errorf("the last chunk but one has no reason: %s", c.RawJSON())
			}
		default:
			if reason != "" {
				t.Errorf("a reason in chunk %d of %d", i, len(chunks))
			}
		}
	}
}

// TestOpenAIStop holds why an answer ended: the caller's bound, a stop sequence, a filter.
func TestOpenAIStop(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, c := range []struct {
			name, model  string
			edit         func(*openai.ChatCompletionNewParams)
			reason, text string
		}{
			{"length", "echo", func(p *openai.ChatCompletionNewParams) { p.MaxCompletionTokens = openai.Int(2) }, "length", "one two "},
			{"old length", "echo", func(p *openai.ChatCompletionNewParams) { p.MaxTokens = openai.Int(2) }, "length", "one two "},
			{"sequence", "echo", func(p *openai.ChatCompletionNewParams) {
				p.Stop = openai.ChatCompletionNewParamsStopUnion{OfStringArray: []string{"nowhere", " three"}}
			}, "stop", "one two"},
			{"one sequence", "echo", func(p *openai.ChatCompletionNewParams) {
				p.Stop = openai.ChatCompletionNewParamsStopUnion{OfString: openai.String(" two")}
			}, "stop", "one"},
			{"filter", "echo:finish=filter", func(*openai.ChatCompletionNewParams) {}, "content_filter", "one two three"},
		} {
			params := ask(family+"/"+c.model, openai.UserMessage("one two three"))
			c.edit(&params)
			whole, err := w.openai.Chat.Completions.New(t.Context(), params)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			streamed, _ := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params))
			for kind, choice := range map[string]openai.ChatCompletionChoice{"whole": whole.Choices[0], "streamed": streamed.Choices[0]} {
				if choice.FinishReason != c.reason || choice.Message.Content != c.text {
					t.Errorf("%s, %s: %q because of %q, want %q because of %q", c.name, kind, choice.Message.Content, choice.FinishReason, c.text, c.reason)
				}
			}
		}
	})
}

// TestMaxTokensTowardsAnthropic holds that Anthropic's mandatory bound is the model's where the caller
// gave none.
func TestMaxTokensTowardsAnthropic(t *testing.T) {
	w := newWorld(t)
	if _, err := w.openai.Chat.Completions.New(t.Context(), ask("claude/echo", openai.UserMessage("hi"))); err != nil {
		t.Fatal(err)
	}
	if got := w.sent(t, "claude")["max_tokens"]; got != 4096.0 {
		t.Errorf("max_tokens is %v", got)
	}
}

// TestUsageOfCaches holds that cached tokens are counted in both languages as each counts them, and
// priced as cached.
func TestUsageOfCaches(t *testing.T) {
	w := newWorld(t)
	text := strings.Repeat("four", 100)
	eachFamily(t, w, func(t *testing.T, family string) {
		params := ask(family+"/echo:cached=60", openai.UserMessage(text))
		var resp *http.Response
		a, err := w.openai.Chat.Completions.New(t.Context(), params, option.WithResponseInto(&resp))
		if err != nil {
			t.Fatal(err)
		}
		if u := a.Usage; u.PromptTokens != 100 || u.PromptTokensDetails.CachedTokens != 60 || u.CompletionTokens != 100 {
			t.Errorf("usage is %s", u.RawJSON())
		}
		checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(40, 60, 100))
		params.StreamOptions.IncludeUsage = openai.Bool(true)
		all, _ := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params, option.WithResponseInto(&resp)))
		if u := all.Usage; u.PromptTokens != 100 || u.PromptTokensDetails.CachedTokens != 60 || u.CompletionTokens != 100 {
			t.Errorf("streamed usage is %+v", u)
		}
		cost, _ := w.line(t, resp.Header.Get("X-Request-Id"))["cost_usd"].(string)
		checkCost(t, cost, usd(40, 60, 100))
	})
	// An endpoint without a price has no cost: neither 0 nor anything else.
	a := w.post(t, "/v1/chat/completions", `{"model":"free/echo","messages":[{"role":"user","content":"hi"}]}`)
	if _, stated := a.header["X-Fairlead-Cost"]; stated || a.status != 200 {
		t.Errorf("an unpriced answer has status %d and the cost %q", a.status, a.header.Get("X-Fairlead-Cost"))
	}
	harness.Until(t, "the unpriced exchange is counted", func() bool {
		return strings.Contains(w.Metrics(), `fairlead_unpriced_exchanges_total{endpoint="free/*@first"`)
	})
}
