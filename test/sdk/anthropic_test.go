package sdk_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/ssestream"
)

// say is a message request of Anthropic's SDK.
func say(model string, blocks ...anthropic.ContentBlockParamUnion) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 3000, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(blocks...)},
	}
}

// gather reads a stream of Anthropic's SDK to its end with the SDK's own accumulator.
func gather(t *testing.T, s *ssestream.Stream[anthropic.MessageStreamEventUnion]) (all anthropic.Message, events []anthropic.MessageStreamEventUnion) {
	t.Helper()
	for s.Next() {
		e := s.Current()
		if err := all.Accumulate(e); err != nil {
			t.Errorf("the accumulator refuses the event %s: %v", e.RawJSON(), err)
		}
		events = append(events, e)
	}
	if err := s.Err(); err != nil {
		t.Fatalf("stream: %v", err)
	}
	return all, events
}

func TestAnthropicMessage(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		params := say(family+"/echo", anthropic.NewTextBlock("one two three"))
		params.System = []anthropic.TextBlockParam{{Text: "Be brief"}}
		var resp *http.Response
		m, err := w.claude.Messages.New(t.Context(), params, option.WithResponseInto(&resp))
		if err != nil {
			t.Fatal(err)
		}
		if m.Type != "message" || m.Role != "assistant" || !strings.HasPrefix(m.ID, "msg_") || m.Model != "echo" || m.StopReason != "end_turn" {
			t.Errorf("the message is %s", m.RawJSON())
		}
		if len(m.Content) != 1 || m.Content[0].Type != "text" || m.Content[0].Text != "one two three" {
			t.Errorf("the content is %+v", m.Content)
		}
		if m.Usage.InputTokens != 6 || m.Usage.OutputTokens != 4 {
			t.Errorf("usage is %s", m.Usage.RawJSON())
		}
		checkHeaders(t, resp.Header, endpointOf[family], "1")
		checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(6, 0, 4))
		checkSent(t, w, family)
	})
}

func TestAnthropicStream(t *testing.T) {
	w := newWorld(t)
	const text = "alpha beta gamma delta epsilon zeta eta theta iota"
	eachFamily(t, w, func(t *testing.T, family string) {
		var resp *http.Response
		all, events := gather(t, w.claude.Messages.NewStreaming(t.Context(), say(family+"/echo", anthropic.NewTextBlock(text)), option.WithResponseInto(&resp)))
		if len(all.Content) != 1 || all.Content[0].Text != text || all.StopReason != "end_turn" || all.Usage.OutputTokens != 13 || all.Usage.InputTokens != 13 {
			t.Errorf("accumulated: %+v", all)
		}
		checkEvents(t, events, "text")
		checkHeaders(t, resp.Header, endpointOf[family], "1")
		cost, _ := w.line(t, resp.Header.Get("X-Request-Id"))["cost_usd"].(string)
		checkCost(t, cost, usd(13, 0, 13))
	})
}

// checkEvents holds Anthropic's order: the start; blocks that never overlap, each with a start, deltas
// of its own kind and a stop; the delta with the reason; the stop.
func checkEvents(t *testing.T, events []anthropic.MessageStreamEventUnion, blocks ...string) {
	t.Helper()
	var kinds []string // of what is not a delta or a ping
	var opened []string
	open := int64(-1)
	for i, e := range events {
		if (e.Type == "message_start") != (i == 0) || (e.Type == "message_stop") != (i == len(events)-1) {
			t.Errorf("event %d of %d is %s", i, len(events), e.Type)
		}
		switch e.Type {
		case "content_block_start":
			if open >= 0 || e.Index != int64(len(opened)) {
				t.Errorf("block %d starts while %d is open", e.Index, open)
			}
			open = e.Index
			opened = append(opened, e.ContentBlock.Type)
		case "content_block_delta":
			if e.Index != open {
				t.Errorf("a delta of block %d while %d is open", e.Index, open)
			}
			continue
		case "content_block_stop":
			if e.Index != open {
				t.Errorf("block %d stops while %d is open", e.Index, open)
			}
			open = -1
		case "ping":
			continue
		}
		kinds = append(kinds, e.Type)
	}
	want := []string{"message_start"}
	for range blocks {
		want = append(want, "content_block_start", "content_block_stop")
	}
	want = append(want, "message_delta", "message_stop")
	if !slices.Equal(kinds, want) || !slices.Equal(opened, blocks) {
		t.Errorf("the events are %v with the blocks %v, want the blocks %v", kinds, opened, blocks)
	}
}

func TestAnthropicStop(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, c := range []struct {
			name, model              string
			edit                     func(*anthropic.MessageNewParams)
			reason, alternative, seq string
			text                     string
		}{
			{"length", "echo", func(p *anthropic.MessageNewParams) { p.MaxTokens = 2 }, "max_tokens", "", "", "one two "},
			// OpenAI's wire does not tell a stop sequence from the end of a turn.
			{"sequence", "echo", func(p *anthropic.MessageNewParams) { p.StopSequences = []string{"nowhere", " three"} }, "stop_sequence", "end_turn", " three", "one two"},
			{"refusal", "echo:finish=filter", func(*anthropic.MessageNewParams) {}, "refusal", "", "", "one two three"},
		} {
			params := say(family+"/"+c.model, anthropic.NewTextBlock("one two three"))
			c.edit(&params)
			want, seq := c.reason, c.seq
			if family == "openai" && c.alternative != "" {
				want, seq = c.alternative, ""
			}
			whole, err := w.claude.Messages.New(t.Context(), params)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			streamed, _ := gather(t, w.claude.Messages.NewStreaming(t.Context(), params))
			for kind, m := range map[string]*anthropic.Message{"whole": whole, "streamed": &streamed} {
				if string(m.StopReason) != want || m.StopSequence != seq || m.Content[0].Text != c.text {
					t.Errorf("%s, %s: %q because of %q %q, want %q because of %q %q", c.name, kind, m.Content[0].Text, m.StopReason, m.StopSequence, c.text, want, seq)
				}
			}
		}
	})
}

func TestAnthropicUsageOfCaches(t *testing.T) {
	w := newWorld(t)
	text := strings.Repeat("four", 100)
	eachFamily(t, w, func(t *testing.T, family string) {
		params := say(family+"/echo:cached=60", anthropic.NewTextBlock(text))
		var resp *http.Response
		m, err := w.claude.Messages.New(t.Context(), params, option.WithResponseInto(&resp))
		if err != nil {
			t.Fatal(err)
		}
		if u := m.Usage; u.InputTokens != 40 || u.CacheReadInputTokens != 60 || u.OutputTokens != 100 {
			t.Errorf("usage is %s", u.RawJSON())
		}
		checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(40, 60, 100))
		all, _ := gather(t, w.claude.Messages.NewStreaming(t.Context(), params, option.WithResponseInto(&resp)))
		if u := all.Usage; u.InputTokens != 40 || u.CacheReadInputTokens != 60 || u.OutputTokens != 100 {
			t.Errorf("streamed usage is %+v", u)
		}
		cost, _ := w.line(t, resp.Header.Get("X-Request-Id"))["cost_usd"].(string)
		checkCost(t, cost, usd(40, 60, 100))
	})
}

func anthropicTools() []anthropic.ToolUnionParam {
	var list []anthropic.ToolUnionParam
	for _, name := range []string{"weather", "time"} {
		list = append(list, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
			Name: name, Description: anthropic.String("tells the " + name),
			InputSchema: anthropic.ToolInputSchemaParam{Properties: citySchema["properties"], Required: []string{"city"}},
		}})
	}
	return list
}

func TestAnthropicTools(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		params := say(family+"/helper:tools=2", anthropic.NewTextBlock("weather and time in Oslo?"))
		params.Tools = anthropicTools()
		whole, err := w.claude.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		streamed, events := gather(t, w.claude.Messages.NewStreaming(t.Context(), params))
		checkEvents(t, events, "tool_use", "tool_use")
		for kind, m := range map[string]*anthropic.Message{"whole": whole, "streamed": &streamed} {
			if m.StopReason != "tool_use" || len(m.Content) != 2 {
				t.Fatalf("%s: %s", kind, m.RawJSON())
			}
			want := "Tool results:"
			var results []anthropic.ContentBlockParamUnion
			for i, b := range m.Content {
				input := `{"city":"city ` + string(rune('1'+i)) + `"}`
				if b.Type != "tool_use" || string(b.Input) != input || b.Name != []string{"weather", "time"}[i] {
					t.Errorf("%s: block %d is %s with the input %s", kind, i, b.Name, b.Input)
				}
				results = append(results, anthropic.NewToolResultBlock(b.ID, "result of "+b.Name, false))
				want += " [" + b.ID + "] result of " + b.Name
			}
			round := params
			round.Messages = append(round.Messages[:1:1], m.ToParam(), anthropic.NewUserMessage(results...))
			after, err := w.claude.Messages.New(t.Context(), round)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if after.Content[0].Text != want || after.StopReason != "end_turn" {
				t.Errorf("%s: the answer to the results is %q, want %q", kind, after.Content[0].Text, want)
			}
			again, _ := gather(t, w.claude.Messages.NewStreaming(t.Context(), round))
			if again.Content[0].Text != want {
				t.Errorf("%s: the streamed answer to the results is %q, want %q", kind, again.Content[0].Text, want)
			}
		}
	})
}

func TestAnthropicToolChoice(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, c := range []struct {
			name, model string
			choice      anthropic.ToolChoiceUnionParam
			want        []string
		}{
			{"any", "fake", anthropic.ToolChoiceUnionParam{OfAny: &anthropic.ToolChoiceAnyParam{}}, []string{"weather"}},
			{"none", "helper:tools=2", anthropic.ToolChoiceUnionParam{OfNone: &anthropic.ToolChoiceNoneParam{}}, nil},
			{"one of them", "fake", anthropic.ToolChoiceParamOfTool("time"), []string{"time"}},
			{"one at a time", "helper:tools=2", anthropic.ToolChoiceUnionParam{OfAuto: &anthropic.ToolChoiceAutoParam{DisableParallelToolUse: anthropic.Bool(true)}}, []string{"weather"}},
		} {
			params := say(family+"/"+c.model, anthropic.NewTextBlock("hi"))
			params.Tools, params.ToolChoice = anthropicTools(), c.choice
			m, err := w.claude.Messages.New(t.Context(), params)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			var got []string
			for _, b := range m.Content {
				if b.Type == "tool_use" {
					got = append(got, b.Name)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: called %v, want %v", c.name, got, c.want)
			}
		}
	})
}

func TestAnthropicImages(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		m, err := w.claude.Messages.New(t.Context(), say(family+"/echo",
			anthropic.NewImageBlockBase64("image/png", png),
			anthropic.NewImageBlock(anthropic.URLImageSourceParam{URL: "https://example.com/a.jpg"}),
			anthropic.NewTextBlock("what is this")))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Content[0].Text; got != "what is this [2 images: https, image/png]" {
			t.Errorf("the model saw %q", got)
		}
	})
}
