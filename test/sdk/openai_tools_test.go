package sdk_test

import (
	"encoding/json"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
)

// png is an image of one pixel.
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// citySchema is the schema of every tool here.
var citySchema = map[string]any{
	"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []any{"city"},
}

func openaiTools() []openai.ChatCompletionToolUnionParam {
	var list []openai.ChatCompletionToolUnionParam
	for _, name := range []string{"weather", "time"} {
		list = append(list, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: name, Description: openai.String("tells the " + name), Parameters: shared.FunctionParameters(citySchema),
		}))
	}
	return list
}

// TestOpenAITools goes the whole round: parallel calls, whole and streamed, then their results.
func TestOpenAITools(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		params := ask(family+"/helper:tools=2", openai.UserMessage("weather and time in Oslo?"))
		params.Tools = openaiTools()
		whole, err := w.openai.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		streamed, _ := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params))
		for kind, c := range map[string]openai.ChatCompletionChoice{"whole": whole.Choices[0], "streamed": streamed.Choices[0]} {
			if c.FinishReason != "tool_calls" || c.Message.Content != "" || len(c.Message.ToolCalls) != 2 {
				t.Fatalf("%s: %+v", kind, c)
			}
			checkCalls(t, kind, c.Message.ToolCalls)
			round := params
			round.Messages = append(round.Messages[:1:1], c.Message.ToParam())
			want := "Tool results:"
			for _, call := range c.Message.ToolCalls {
				round.Messages = append(round.Messages, openai.ToolMessage("result of "+call.Function.Name, call.ID))
				want += " [" + call.ID + "] result of " + call.Function.Name
			}
			after, err := w.openai.Chat.Completions.New(t.Context(), round)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if got := after.Choices[0]; got.Message.Content != want || got.FinishReason != "stop" {
				t.Errorf("%s: the answer to the results is %q, want %q", kind, got.Message.Content, want)
			}
			again, _ := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), round))
			if got := again.Choices[0].Message.Content; got != want {
				t.Errorf("%s: the streamed answer to the results is %q, want %q", kind, got, want)
			}
		}
	})
}

// checkCalls holds that two parallel calls came apart again.
func checkCalls(t *testing.T, kind string, calls []openai.ChatCompletionMessageToolCallUnion) {
	t.Helper()
	for i, want := range []struct{ name, city string }{{"weather", "city 1"}, {"time", "city 2"}} {
		var args struct{ City string }
		call := calls[i]
		if err := json.Unmarshal([]byte(call.Function.Arguments), &args); err != nil {
			t.Errorf("%s: the arguments of call %d are %q: %v", kind, i, call.Function.Arguments, err)
		}
		if call.Type != "function" || call.ID == "" || call.Function.Name != want.name || args.City != want.city {
			t.Errorf("%s: call %d is %+v", kind, i, call)
		}
	}
	if calls[0].ID == calls[1].ID {
		t.Errorf("%s: both calls have the id %s", kind, calls[0].ID)
	}
}

// TestOpenAIToolChoice holds that what is said of the choice of tools is meant the same at both providers.
func TestOpenAIToolChoice(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		for _, c := range []struct {
			name, model string
			edit        func(*openai.ChatCompletionNewParams)
			want        []string // names of the tools called
		}{
			{"left to the model", "fake", func(*openai.ChatCompletionNewParams) {}, nil},
			{"required", "fake", func(p *openai.ChatCompletionNewParams) {
				p.ToolChoice.OfAuto = openai.String("required")
			}, []string{"weather"}},
			{"none", "helper:tools=2", func(p *openai.ChatCompletionNewParams) {
				p.ToolChoice.OfAuto = openai.String("none")
			}, nil},
			{"one of them", "fake", func(p *openai.ChatCompletionNewParams) {
				p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "time"})
			}, []string{"time"}},
			{"one at a time", "helper:tools=2", func(p *openai.ChatCompletionNewParams) {
				p.ParallelToolCalls = openai.Bool(false)
			}, []string{"weather"}},
		} {
			params := ask(family+"/"+c.model, openai.UserMessage("hi"))
			params.Tools = openaiTools()
			c.edit(&params)
			a, err := w.openai.Chat.Completions.New(t.Context(), params)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			calls := a.Choices[0].Message.ToolCalls
			if len(calls) != len(c.want) || (len(calls) > 0 && calls[0].Function.Name != c.want[0]) {
				t.Errorf("%s: the calls are %+v, want %v", c.name, calls, c.want)
			}
		}
	})
}

// TestOpenAIImages holds that images reach both providers as images, by data and by address.
func TestOpenAIImages(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		a, err := w.openai.Chat.Completions.New(t.Context(), ask(family+"/echo", openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
			openai.TextContentPart("what is this"),
			openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64," + png, Detail: "low"}),
			openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: "https://example.com/a.jpg"}),
		})))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Choices[0].Message.Content; got != "what is this [2 images: https, image/png]" {
			t.Errorf("the model saw %q", got)
		}
	})
}

// TestOpenAIFormat holds that a demanded schema reaches both providers.
func TestOpenAIFormat(t *testing.T) {
	w := newWorld(t)
	eachFamily(t, w, func(t *testing.T, family string) {
		params := ask(family+"/fake", openai.UserMessage("hi"))
		params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "place", Schema: citySchema, Strict: openai.Bool(true)},
		}
		a, err := w.openai.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Choices[0].Message.Content; got != `{"city":"city 1"}` {
			t.Errorf("the answer is %q", got)
		}
	})
}
