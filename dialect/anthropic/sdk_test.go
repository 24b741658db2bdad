package anthropic_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"fairlead"
	"fairlead/dialect"
)

// ask is what the official SDK is told to send.
var ask = sdk.MessageNewParams{
	Model: "claude-x", MaxTokens: 3000,
	System:   []sdk.TextBlockParam{{Text: "Be brief."}},
	Thinking: sdk.ThinkingConfigParamOfEnabled(2000),
	Messages: []sdk.MessageParam{
		sdk.NewUserMessage(sdk.NewTextBlock("weather in Oslo?"), sdk.NewImageBlockBase64("image/png", "aW1n")),
		sdk.NewAssistantMessage(sdk.NewThinkingBlock("Ep", "hm"), sdk.NewToolUseBlock("toolu_1", map[string]any{"city": "Oslo"}, "wx")),
		sdk.NewUserMessage(sdk.NewToolResultBlock("toolu_1", "4 C", false)),
	},
	Tools: []sdk.ToolUnionParam{{OfTool: &sdk.ToolParam{
		Name: "wx", InputSchema: sdk.ToolInputSchemaParam{Properties: map[string]any{"city": map[string]any{"type": "string"}}},
	}}},
}

// serve answers the official SDK and reads its request.
func serve(t *testing.T, status int, contentType string, answer []byte) (client sdk.Client, seen **dialect.Request) {
	t.Helper()
	seen = new(*dialect.Request)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if *seen, err = d.ReadRequest(body); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(server.Close)
	return sdk.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey("k"), option.WithMaxRetries(0)), seen
}

func TestSDKReadsAnswers(t *testing.T) {
	client, seen := serve(t, 200, "application/json", d.WriteAnswer(&dialect.Answer{
		ID: "chatcmpl-1", Model: "up", Finish: dialect.FinishTools, HasUsage: true,
		Usage: fairlead.Usage{Input: 10, CacheRead: 20, CacheWrite: 30, Output: 40},
		Parts: []dialect.Part{
			{Kind: dialect.PartThinking, Text: "hm", Signature: "Ep"},
			textPart("I look."),
			{Kind: dialect.PartToolUse, ID: "call:1", Name: "wx", Input: []byte(`{"city":"Oslo"}`)},
		},
	}))
	m, err := client.Messages.New(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	checkMessage(t, m)
	if r := *seen; r.Model != "claude-x" || len(r.Messages) != 3 || r.Thinking.Budget != 2000 || r.Tools[0].Name != "wx" ||
		r.Messages[1].Parts[0].Signature != "Ep" || r.Messages[2].Parts[0].Parts[0].Text != "4 C" {
		t.Errorf("read %+v of the SDK's request", r)
	}
}

// TestSDKReadsStreams has interleaved calls, which the SDK could not put together as they are.
func TestSDKReadsStreams(t *testing.T) {
	u := fairlead.Usage{Input: 10, CacheRead: 20, CacheWrite: 30, Output: 40}
	client, seen := serve(t, 200, "text/event-stream", []byte(encodeAll(
		start("chatcmpl-1"), think("h"), think("m"), sign("Ep"), say("I "), say("look."),
		dialect.Event{Kind: dialect.EventToolStart, Tool: 0, ID: "call:1", Name: "wx"}, tool(1, "call_2"),
		input(1, `{"b`), input(0, `{"city":`), input(1, `":1}`), input(0, `"Oslo"}`), finish(dialect.FinishTools), used(u), end,
	)))
	stream := client.Messages.NewStreaming(t.Context(), ask)
	var m sdk.Message
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if len(m.Content) != 4 || string(m.Content[3].Input) != `{"b":1}` {
		t.Fatalf("got %d blocks: %+v", len(m.Content), m.Content)
	}
	checkMessage(t, &m)
	if !(*seen).Stream {
		t.Error("the SDK's request does not stream")
	}
}

// checkMessage looks at the message that both ways deliver.
func checkMessage(t *testing.T, m *sdk.Message) {
	t.Helper()
	if m.ID != "msg_chatcmpl-1" || m.Model != "up" || m.StopReason != sdk.StopReasonToolUse {
		t.Errorf("got id %q, model %q, reason %q", m.ID, m.Model, m.StopReason)
	}
	thought, text, call := m.Content[0], m.Content[1], m.Content[2]
	if thought.Thinking != "hm" || thought.Signature != "Ep" || text.Text != "I look." {
		t.Errorf("got thinking %+v and text %+v", thought, text)
	}
	if call.ID != dialect.EncodeToolID("call:1") || call.Name != "wx" || string(call.Input) != `{"city":"Oslo"}` {
		t.Errorf("got call %+v", call)
	}
	if m.Usage.InputTokens != 10 || m.Usage.CacheReadInputTokens != 20 || m.Usage.CacheCreationInputTokens != 30 || m.Usage.OutputTokens != 40 {
		t.Errorf("got usage %+v", m.Usage)
	}
}

func TestSDKReadsErrors(t *testing.T) {
	e := &fairlead.Error{Code: fairlead.CodeRateLimited, Message: "too fast"}
	client, _ := serve(t, 429, "application/json", d.WriteError(e, "req_1"))
	_, err := client.Messages.New(t.Context(), ask)
	var got *sdk.Error
	if !errors.As(err, &got) || got.StatusCode != 429 || !strings.Contains(got.RawJSON(), "rate_limited") {
		t.Errorf("got %v", err)
	}
}

// TestSDKReadsStreamErrors breaks a stream after its first words.
func TestSDKReadsStreamErrors(t *testing.T) {
	broken := append([]byte(encodeAll(start("msg_1"), say("I "))), d.WriteStreamError(fairlead.Errorf(fairlead.CodeStreamInterrupted, "it broke"), "req_1")...)
	client, _ := serve(t, 200, "text/event-stream", broken)
	stream := client.Messages.NewStreaming(t.Context(), ask)
	words := ""
	for stream.Next() {
		words += stream.Current().Delta.Text
	}
	if err := stream.Err(); words != "I " || err == nil || !strings.Contains(err.Error(), "it broke") {
		t.Errorf("got %q, then %v", words, err)
	}
}
