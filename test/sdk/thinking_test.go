package sdk_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"
)

// thought is what an answer holds of reasoning beyond OpenAI's own wire.
type thought struct {
	Reasoning string          `json:"reasoning"`
	Details   json.RawMessage `json:"reasoning_details"`
}

// detail is one of reasoning_details.
type detail struct{ Type, Text, Signature string }

func thoughtOf(t *testing.T, raw string) (th thought, details []detail) {
	t.Helper()
	if err := json.Unmarshal([]byte(raw), &th); err != nil {
		t.Fatalf("read %s: %v", raw, err)
	}
	if len(th.Details) > 0 {
		if err := json.Unmarshal(th.Details, &details); err != nil {
			t.Fatalf("read %s: %v", th.Details, err)
		}
	}
	return th, details
}

// thinkingTurn asks Anthropic's models to think and to call two tools, in OpenAI's language.
func thinkingTurn() openai.ChatCompletionNewParams {
	params := ask("claude/helper:tools=2", openai.UserMessage("weather and time in Oslo?"))
	params.Tools = openaiTools()
	params.ReasoningEffort = "low"
	params.MaxCompletionTokens = openai.Int(4000)
	return params
}

// TestThinkingRoundTrip holds that Anthropic's signed thinking reaches a caller who speaks OpenAI as
// reasoning_details, whole and streamed, and reaches the model again in the next turn.
func TestThinkingRoundTrip(t *testing.T) {
	w := newWorld(t)
	params := thinkingTurn()
	whole, err := w.openai.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.sent(t, "claude")["thinking"]; !reflect.DeepEqual(got, map[string]any{"type": "enabled", "budget_tokens": 1024.0}) {
		t.Errorf("the effort became %v", got)
	}
	th, details := thoughtOf(t, whole.Choices[0].Message.RawJSON())
	if len(details) != 1 || details[0].Type != "reasoning.text" || details[0].Signature == "" || details[0].Text == "" || th.Reasoning != details[0].Text {
		t.Fatalf("the thinking came as %s", whole.Choices[0].Message.RawJSON())
	}
	if whole.Usage.CompletionTokens <= 4 {
		t.Errorf("usage is %s", whole.Usage.RawJSON())
	}
	streamed, chunks := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params))
	fragments := []json.RawMessage{}
	var said strings.Builder
	for _, c := range chunks {
		if len(c.Choices) == 0 {
			continue
		}
		piece, list := thoughtOf(t, c.Choices[0].Delta.RawJSON())
		said.WriteString(piece.Reasoning)
		if len(list) > 0 {
			var raw []json.RawMessage
			if err := json.Unmarshal(piece.Details, &raw); err != nil {
				t.Fatal(err)
			}
			fragments = append(fragments, raw...)
		}
	}
	if said.String() != details[0].Text {
		t.Errorf("the streamed reasoning is %q, want %q", said.String(), details[0].Text)
	}
	asStreamed, err := json.Marshal(fragments)
	if err != nil {
		t.Fatal(err)
	}
	replayThinking(t, w, whole.Choices[0].Message, th.Details, details[0])
	replayThinking(t, w, streamed.Choices[0].Message, asStreamed, details[0])
}

// replayThinking sends the results of the calls with the thinking as it came, and holds that the model
// gets its thinking back, signed, and goes on thinking.
func replayThinking(t *testing.T, w *world, m openai.ChatCompletionMessage, details json.RawMessage, want detail) {
	t.Helper()
	params := thinkingTurn()
	turn := m.ToParam()
	turn.OfAssistant.SetExtraFields(map[string]any{"reasoning_details": details})
	params.Messages = append(params.Messages, turn)
	for _, call := range m.ToolCalls {
		params.Messages = append(params.Messages, openai.ToolMessage("four degrees", call.ID))
	}
	a, err := w.openai.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatalf("the turn after the thinking: %v", err)
	}
	if !strings.HasPrefix(a.Choices[0].Message.Content, "Tool results:") {
		t.Errorf("the answer is %q", a.Choices[0].Message.Content)
	}
	var sent struct {
		Thinking struct{ Type string }
		Messages []struct {
			Content []struct{ Type, Thinking, Signature string }
		}
	}
	if err := json.Unmarshal([]byte(w.last(t, "claude").Body), &sent); err != nil {
		t.Fatal(err)
	}
	first := sent.Messages[1].Content[0]
	if sent.Thinking.Type != "enabled" || first.Type != "thinking" || first.Thinking != want.Text || first.Signature != want.Signature {
		t.Errorf("sent were thinking %q and the block %+v, want %+v", sent.Thinking.Type, first, want)
	}
}

// TestUnsignedToolTurn holds that a caller who lost the thinking of a tool turn gets an answer without
// thinking, and not the 400 that Anthropic would give.
func TestUnsignedToolTurn(t *testing.T) {
	w := newWorld(t)
	params := thinkingTurn()
	first, err := w.openai.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	params.Messages = append(params.Messages, first.Choices[0].Message.ToParam()) // which knows nothing of reasoning
	for _, call := range first.Choices[0].Message.ToolCalls {
		params.Messages = append(params.Messages, openai.ToolMessage("four degrees", call.ID))
	}
	a, err := w.openai.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.sent(t, "claude")["thinking"]; !reflect.DeepEqual(got, map[string]any{"type": "disabled"}) {
		t.Errorf("thinking was sent as %v", got)
	}
	if !strings.Contains(a.Choices[0].Message.Content, "four degrees") {
		t.Errorf("the answer is %q", a.Choices[0].Message.Content)
	}
	_, chunks := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params))
	if len(chunks) < 3 {
		t.Errorf("only %d chunks", len(chunks))
	}
}

// TestReasoningOfOpenAI holds that plain reasoning passes to a caller of the same wire as it is, and
// comes to an Anthropic-speaking one as a block of thinking, which that caller can send back.
func TestReasoningOfOpenAI(t *testing.T) {
	w := newWorld(t)
	a, err := w.openai.Chat.Completions.New(t.Context(), ask("openai/echo:think=3", openai.UserMessage("hi")))
	if err != nil {
		t.Fatal(err)
	}
	var passed struct {
		Text string `json:"reasoning_content"`
	}
	if err := json.Unmarshal([]byte(a.Choices[0].Message.RawJSON()), &passed); err != nil || passed.Text == "" {
		t.Errorf("the reasoning passed as %s", a.Choices[0].Message.RawJSON())
	}
	for _, as := range []string{"reasoning_content", "reasoning"} {
		params := say("openai/echo:think=3,think_as="+as, anthropic.NewTextBlock("hi"))
		params.Thinking = anthropic.ThinkingConfigParamOfEnabled(2000)
		whole, err := w.claude.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.sent(t, "openai")["reasoning_effort"]; got != "low" {
			t.Errorf("a budget of 2000 became the effort %v", got)
		}
		streamed, events := gather(t, w.claude.Messages.NewStreaming(t.Context(), params))
		checkEvents(t, events, "thinking", "text")
		for kind, m := range map[string]*anthropic.Message{"whole": whole, "streamed": &streamed} {
			if len(m.Content) != 2 || m.Content[0].Type != "thinking" || m.Content[0].Thinking == "" || m.Content[1].Text != "hi" {
				t.Fatalf("%s: %s", kind, m.RawJSON())
			}
			round := params
			round.Messages = append(round.Messages[:1:1], m.ToParam(), anthropic.NewUserMessage(anthropic.NewTextBlock("and now")))
			for _, family := range families { // the conversation may go on anywhere
				round.Model = anthropic.Model(family + "/echo")
				after, err := w.claude.Messages.New(t.Context(), round)
				if err != nil {
					t.Fatalf("%s at %s: %v", kind, family, err)
				}
				if got := after.Content[len(after.Content)-1].Text; got != "and now" {
					t.Errorf("%s at %s: the answer is %q", kind, family, got)
				}
			}
		}
	}
}

// TestAnthropicThinking holds that Anthropic's thinking passes to Anthropic's SDK with its signature,
// and back.
func TestAnthropicThinking(t *testing.T) {
	w := newWorld(t)
	params := say("claude/helper:tools=2", anthropic.NewTextBlock("weather?"))
	params.Tools = anthropicTools()
	params.Thinking = anthropic.ThinkingConfigParamOfEnabled(2000)
	m, events := gather(t, w.claude.Messages.NewStreaming(t.Context(), params))
	checkEvents(t, events, "thinking", "tool_use", "tool_use")
	if m.Content[0].Signature == "" {
		t.Error("the signature is lost")
	}
	params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(
		anthropic.NewToolResultBlock(m.Content[1].ID, "four degrees", false), anthropic.NewToolResultBlock(m.Content[2].ID, "nine", false)))
	after, err := w.claude.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if got := after.Content[len(after.Content)-1].Text; !strings.Contains(got, "four degrees") || after.Content[0].Type != "thinking" {
		t.Errorf("the answer is %s", after.RawJSON())
	}
}

// TestConversationMoves holds that a turn of tools begun at one provider can be ended at the other,
// with thinking asked for in both: what one of them did not sign is never shown to it as thinking.
func TestConversationMoves(t *testing.T) {
	w := newWorld(t)
	for _, way := range [][2]string{{"openai", "claude"}, {"claude", "openai"}} {
		params := say(way[0]+"/helper:tools=2,think=3", anthropic.NewTextBlock("weather?"))
		params.Tools = anthropicTools()
		params.Thinking = anthropic.ThinkingConfigParamOfEnabled(2000)
		m, _ := gather(t, w.claude.Messages.NewStreaming(t.Context(), params))
		if len(m.Content) != 3 || m.Content[0].Type != "thinking" {
			t.Fatalf("%s: %s", way[0], m.RawJSON())
		}
		params.Model = anthropic.Model(way[1] + "/helper:tools=2")
		params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(
			anthropic.NewToolResultBlock(m.Content[1].ID, "four degrees", false), anthropic.NewToolResultBlock(m.Content[2].ID, "nine", false)))
		after, err := w.claude.Messages.New(t.Context(), params)
		if err != nil {
			t.Errorf("from %s to %s: %v", way[0], way[1], err)
			continue
		}
		if got := after.Content[len(after.Content)-1].Text; !strings.Contains(got, "four degrees") || !strings.Contains(got, "nine") {
			t.Errorf("from %s to %s: the answer is %q", way[0], way[1], got)
		}
	}
}
