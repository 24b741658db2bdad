package fakellm_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"fairlead/internal/fakellm"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// The vendors' own clients are the judges of our reading of their wires.

func openaiClient(t *testing.T) openai.Client {
	_, url := fakellm.Start(t, fakellm.Options{Keys: []string{"sk-test-0001"}})
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return openai.NewClient(openaioption.WithBaseURL(url+"/v1"), openaioption.WithAPIKey("sk-test-0001"),
		openaioption.WithMaxRetries(0), openaioption.WithHTTPClient(&http.Client{Transport: tr}))
}

func anthropicClient(t *testing.T) anthropic.Client {
	_, url := fakellm.Start(t, fakellm.Options{Keys: []string{"sk-test-0001"}})
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return anthropic.NewClient(anthropicoption.WithBaseURL(url), anthropicoption.WithAPIKey("sk-test-0001"),
		anthropicoption.WithMaxRetries(0), anthropicoption.WithHTTPClient(&http.Client{Transport: tr}))
}

// failures are what the clients must read from each class: status and code, status and type.
var failures = []struct {
	name      string
	openai    int
	code      string
	anthropic int
	kind      string
}{
	{"invalid_key", 401, "invalid_api_key", 401, "authentication_error"},
	{"quota", 429, "insufficient_quota", 400, "credit balance is too low"},
	{"billing", 402, "invalid_request_error", 402, "billing_error"},
	{"rate_limited", 429, "rate_limit_exceeded", 429, "rate_limit_error"},
	{"too_large_for_tier", 429, "rate_limit_exceeded", 429, "rate_limit_error"},
	{"context_length", 400, "context_length_exceeded", 400, "prompt is too long"},
	{"content_filter", 400, "content_policy_violation", 400, "content filtering policy"},
	{"model_not_found", 404, "model_not_found", 404, "not_found_error"},
	{"overloaded", 503, "server_is_overloaded", 529, "overloaded_error"},
	{"server_error", 500, "", 500, "api_error"},
	{"bad_request", 400, "invalid_value", 400, "invalid_request_error"},
	{"payload_too_large", 413, "", 413, "request_too_large"},
	{"region_blocked", 403, "unsupported_country_region_territory", 403, "forbidden"},
}

func TestOpenAISDK(t *testing.T) {
	c, ctx := openaiClient(t), context.Background()
	params := openai.ChatCompletionNewParams{
		Model: "echo", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello there")},
	}
	plain, err := c.Chat.Completions.New(ctx, params)
	if err != nil || plain.Choices[0].Message.Content != "hello there" || plain.Usage.TotalTokens != 6 || plain.Choices[0].FinishReason != "stop" {
		t.Errorf("plain: %v %+v", err, plain)
	}
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream := c.Chat.Completions.NewStreaming(ctx, params)
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			t.Errorf("chunk refused: %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil || all.Choices[0].Message.Content != "hello there" || all.Usage.CompletionTokens != 3 {
		t.Errorf("stream: %v %+v", err, all)
	}
	models, err := c.Models.List(ctx)
	if err != nil || len(models.Data) != 5 {
		t.Errorf("models: %v %+v", err, models)
	}
	vector, err := c.Embeddings.New(ctx, openai.EmbeddingNewParams{Model: "x", Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("hi")}, Dimensions: openai.Int(8)})
	if err != nil || len(vector.Data[0].Embedding) != 8 {
		t.Errorf("embeddings: %v %+v", err, vector)
	}
	moderation, err := c.Moderations.New(ctx, openai.ModerationNewParams{Input: openai.ModerationNewParamsInputUnion{OfString: openai.String("flagme")}})
	if err != nil || !moderation.Results[0].Flagged || !moderation.Results[0].Categories.Hate {
		t.Errorf("moderations: %v %+v", err, moderation)
	}
	response, err := c.Responses.New(ctx, responses.ResponseNewParams{Model: "echo", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello there")}})
	if err != nil || response.OutputText() != "hello there" || response.Status != "completed" {
		t.Errorf("responses: %v %+v", err, response)
	}
	events := c.Responses.NewStreaming(ctx, responses.ResponseNewParams{Model: "echo", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello there")}})
	text, sequence := "", int64(0)
	for events.Next() {
		e := events.Current()
		if e.SequenceNumber != sequence {
			t.Errorf("event %s has number %d, want %d", e.Type, e.SequenceNumber, sequence)
		}
		sequence++
		if e.Type == "response.output_text.delta" {
			text += e.Delta
		}
	}
	if events.Err() != nil || text != "hello there" {
		t.Errorf("streamed response: %v %q", events.Err(), text)
	}
}

func TestOpenAISDKTools(t *testing.T) {
	c, ctx := openaiClient(t), context.Background()
	tool := openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "wx", Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
	})
	params := openai.ChatCompletionNewParams{
		Model: "x:tools=2", Tools: []openai.ChatCompletionToolUnionParam{tool},
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("weather?")},
	}
	stream := c.Chat.Completions.NewStreaming(ctx, params)
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		all.AddChunk(stream.Current())
	}
	if stream.Err() != nil || len(all.Choices) != 1 || len(all.Choices[0].Message.ToolCalls) != 2 {
		t.Fatalf("stream: %v %+v", stream.Err(), all)
	}
	params.Messages = append(params.Messages, all.Choices[0].Message.ToParam())
	want := "Tool results:"
	for i, call := range all.Choices[0].Message.ToolCalls {
		var args struct{ City string }
		if err := json.Unmarshal([]byte(call.Function.Arguments), &args); err != nil || args.City == "" {
			t.Errorf("call %d: %v %s", i, err, call.Function.Arguments)
		}
		params.Messages = append(params.Messages, openai.ToolMessage("sunny in "+args.City, call.ID))
		want += " [" + call.ID + "] sunny in " + args.City
	}
	answer, err := c.Chat.Completions.New(ctx, params)
	if err != nil || answer.Choices[0].Message.Content != want {
		t.Errorf("answer: %v %+v, want %q", err, answer, want)
	}
}

func TestOpenAISDKErrors(t *testing.T) {
	c, ctx := openaiClient(t), context.Background()
	ask := func(model string) openai.ChatCompletionNewParams {
		return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}}
	}
	for _, f := range failures {
		_, err := c.Chat.Completions.New(ctx, ask("x:fail="+f.name))
		var e *openai.Error
		if !errors.As(err, &e) || e.StatusCode != f.openai || e.Code != f.code {
			t.Errorf("%s: %v", f.name, err)
		}
	}
	for _, spec := range []string{"then=error_frame", "then=abort", "then=reset", "then=bad_json", "fail=malformed", "fail=error_first_frame"} {
		stream := c.Chat.Completions.NewStreaming(ctx, ask("x:"+spec))
		for stream.Next() {
		}
		if stream.Err() == nil {
			t.Errorf("%s: read as a clean end", spec)
		}
		_ = stream.Close()
	}
}

func TestAnthropicSDK(t *testing.T) {
	c, ctx := anthropicClient(t), context.Background()
	params := anthropic.MessageNewParams{
		Model: "echo", MaxTokens: 100, System: []anthropic.TextBlockParam{{Text: "be brief"}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("hello there"), anthropic.NewImageBlockBase64("image/png", "AAAA"))},
	}
	const want = "hello there [1 image: image/png]"
	plain, err := c.Messages.New(ctx, params)
	if err != nil || plain.Content[0].Text != want || plain.StopReason != "end_turn" || plain.Usage.InputTokens != 90 {
		t.Errorf("plain: %v %+v", err, plain)
	}
	stream := c.Messages.NewStreaming(ctx, params)
	var all anthropic.Message
	for stream.Next() {
		if err := all.Accumulate(stream.Current()); err != nil {
			t.Error(err)
		}
	}
	if stream.Err() != nil || all.Content[0].Text != want || all.StopReason != "end_turn" || all.Usage.OutputTokens != plain.Usage.OutputTokens {
		t.Errorf("stream: %v %+v", stream.Err(), all)
	}
	n, err := c.Messages.CountTokens(ctx, anthropic.MessageCountTokensParams{Model: "x", Messages: params.Messages})
	if err != nil || n.InputTokens != 88 {
		t.Errorf("count: %v %+v", err, n)
	}
	models, err := c.Models.List(ctx, anthropic.ModelListParams{})
	if err != nil || len(models.Data) != 5 {
		t.Errorf("models: %v %+v", err, models)
	}
}

// TestAnthropicSDKThinksAndCalls goes once round: thinking with tools, the calls answered with the
// thinking replayed, and without it refused.
func TestAnthropicSDKThinksAndCalls(t *testing.T) {
	c, ctx := anthropicClient(t), context.Background()
	params := anthropic.MessageNewParams{
		Model: "x:tools=2", MaxTokens: 4000, Thinking: anthropic.ThinkingConfigParamOfEnabled(2000),
		Tools:    []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "wx", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{"city": map[string]any{"type": "string"}}}}}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("weather?"))},
	}
	stream := c.Messages.NewStreaming(ctx, params)
	var all anthropic.Message
	for stream.Next() {
		if err := all.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if stream.Err() != nil || len(all.Content) != 3 || all.Content[0].Type != "thinking" || all.StopReason != "tool_use" {
		t.Fatalf("stream: %v %+v", stream.Err(), all)
	}
	var results []anthropic.ContentBlockParamUnion
	want := "Tool results:"
	for _, b := range all.Content[1:] {
		if string(b.Input) != `{"city":"city 1"}` && string(b.Input) != `{"city":"city 2"}` {
			t.Errorf("input %s", b.Input)
		}
		results = append(results, anthropic.NewToolResultBlock(b.ID, "sunny", false))
		want += " [" + b.ID + "] sunny"
	}
	question := params.Messages
	params.Messages = append(question, all.ToParam(), anthropic.NewUserMessage(results...))
	answer, err := c.Messages.New(ctx, params)
	if err != nil || answer.Content[len(answer.Content)-1].Text != want {
		t.Errorf("answer: %v %+v", err, answer)
	}
	unsigned := all.ToParam()
	unsigned.Content = unsigned.Content[1:]
	params.Messages = append(question[:1:1], unsigned, anthropic.NewUserMessage(results...))
	var e *anthropic.Error
	if _, err := c.Messages.New(ctx, params); !errors.As(err, &e) || e.StatusCode != 400 || !strings.Contains(err.Error(), "Expected `thinking`") {
		t.Errorf("calls without their thinking: %v", err)
	}
}

func TestAnthropicSDKErrors(t *testing.T) {
	c, ctx := anthropicClient(t), context.Background()
	ask := func(model string) anthropic.MessageNewParams {
		return anthropic.MessageNewParams{Model: anthropic.Model(model), MaxTokens: 100, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("hi"))}}
	}
	for _, f := range failures {
		_, err := c.Messages.New(ctx, ask("x:fail="+f.name))
		var e *anthropic.Error
		if !errors.As(err, &e) || e.StatusCode != f.anthropic || !strings.Contains(err.Error(), f.kind) {
			t.Errorf("%s: %v", f.name, err)
		}
	}
	for _, spec := range []string{"then=error_frame", "then=abort", "then=reset", "then=bad_json", "fail=error_first_frame"} {
		stream := c.Messages.NewStreaming(ctx, ask("x:"+spec))
		for stream.Next() {
		}
		if stream.Err() == nil {
			t.Errorf("%s: read as a clean end", spec)
		}
		_ = stream.Close()
	}
}
