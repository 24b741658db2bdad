package sdk_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

// TestEmbeddings holds that vectors come as numbers and as the base64 that SDKs ask for by themselves.
func TestEmbeddings(t *testing.T) {
	w := newWorld(t)
	params := openai.EmbeddingNewParams{
		Model: "openai/embed", Dimensions: openai.Int(8),
		Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one two", "three"}},
	}
	var resp *http.Response
	numbers, err := w.openai.Embeddings.New(t.Context(), params, option.WithResponseInto(&resp))
	if err != nil {
		t.Fatal(err)
	}
	if len(numbers.Data) != 2 || len(numbers.Data[0].Embedding) != 8 || numbers.Data[1].Index != 1 || numbers.Usage.PromptTokens != 3 {
		t.Errorf("the answer is %s", numbers.RawJSON())
	}
	checkHeaders(t, resp.Header, endpointOf["openai"], "1")
	checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(3, 0, 0))

	a := w.post(t, "/v1/embeddings", `{"model":"openai/embed","dimensions":8,"encoding_format":"base64","input":["one two","three"]}`)
	var packed struct{ Data []struct{ Embedding string } }
	if err := json.Unmarshal([]byte(a.body), &packed); err != nil || len(packed.Data) != 2 {
		t.Fatalf("the packed answer is %s: %v", a.body, err)
	}
	raw, err := base64.StdEncoding.DecodeString(packed.Data[1].Embedding)
	if err != nil || len(raw) != 32 {
		t.Fatalf("the packed vector has %d bytes: %v", len(raw), err)
	}
	for i, want := range numbers.Data[1].Embedding {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])); got != float32(want) {
			t.Errorf("component %d is %g packed and %g as a number", i, got, want)
		}
	}
}

func TestModerations(t *testing.T) {
	w := newWorld(t)
	m, err := w.openai.Moderations.New(t.Context(), openai.ModerationNewParams{
		Model: "openai/moderate", Input: openai.ModerationNewParamsInputUnion{OfStringArray: []string{"fine", "flagme"}},
	})
	if err != nil || len(m.Results) != 2 || m.Results[0].Flagged || !m.Results[1].Flagged || !m.Results[1].Categories.Violence {
		t.Errorf("the answer is %+v: %v", m, err)
	}
}

// TestResponses holds that OpenAI's responses pass, whole and event by event.
func TestResponses(t *testing.T) {
	w := newWorld(t)
	params := responses.ResponseNewParams{Model: "openai/echo", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello there")}}
	var resp *http.Response
	whole, err := w.openai.Responses.New(t.Context(), params, option.WithResponseInto(&resp))
	if err != nil {
		t.Fatal(err)
	}
	if whole.OutputText() != "hello there" || whole.Status != "completed" || whole.Usage.TotalTokens != 6 {
		t.Errorf("the response is %s", whole.RawJSON())
	}
	checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(3, 0, 3))
	stream := w.openai.Responses.NewStreaming(t.Context(), params, option.WithResponseInto(&resp))
	text, next, last := "", int64(0), ""
	for stream.Next() {
		e := stream.Current()
		if e.SequenceNumber != next {
			t.Errorf("event %s has the number %d, want %d", e.Type, e.SequenceNumber, next)
		}
		next, last = next+1, e.Type
		if e.Type == "response.output_text.delta" {
			text += e.Delta
		}
	}
	if err := stream.Err(); err != nil || text != "hello there" || last != "response.completed" {
		t.Errorf("streamed %q to %s: %v", text, last, err)
	}
	line := w.line(t, resp.Header.Get("X-Request-Id"))
	cost, _ := line["cost_usd"].(string)
	checkCost(t, cost, usd(3, 0, 3))
	if line["estimated"] != nil || line["op"] != "responses" {
		t.Errorf("the log says %v", line)
	}
}

func TestCompletions(t *testing.T) {
	w := newWorld(t)
	params := openai.CompletionNewParams{
		Model: "openai/fake:tokens=5,seed=1", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("once upon a time")},
	}
	var resp *http.Response
	whole, err := w.openai.Completions.New(t.Context(), params, option.WithResponseInto(&resp))
	if err != nil {
		t.Fatal(err)
	}
	if whole.Object != "text_completion" || whole.Choices[0].Text == "" || whole.Usage.CompletionTokens != 5 {
		t.Errorf("the completion is %s", whole.RawJSON())
	}
	checkCost(t, resp.Header.Get("X-Fairlead-Cost"), usd(4, 0, 5))
	stream := w.openai.Completions.NewStreaming(t.Context(), params)
	text, reason := "", openai.CompletionChoiceFinishReason("")
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			text += c.Text
			reason = c.FinishReason
		}
	}
	if stream.Err() != nil || text != whole.Choices[0].Text || reason != "stop" {
		t.Errorf("streamed %q because of %q: %v", text, reason, stream.Err())
	}
}

func TestCountTokens(t *testing.T) {
	w := newWorld(t)
	params := anthropic.MessageCountTokensParams{
		Model: "claude/echo", System: anthropic.MessageCountTokensParamsSystemUnion{OfString: anthropic.String("Be brief")},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("one two three"))},
	}
	var resp *http.Response
	n, err := w.claude.Messages.CountTokens(t.Context(), params)
	if err != nil || n.InputTokens != 6 {
		t.Errorf("counted %+v: %v (%v)", n, err, resp)
	}
}

// TestModels holds that both SDKs can list the models and look one up, by name and by alias, at both
// addresses.
func TestModels(t *testing.T) {
	w := newWorld(t)
	want := []string{"fast", "openai/quick"}
	page := w.openai.Models.ListAutoPaging(t.Context())
	var got []string
	for page.Next() {
		m := page.Current()
		got = append(got, m.ID)
		if m.Object != "model" || m.Created == 0 || m.OwnedBy != "openai" {
			t.Errorf("a model is %s", m.RawJSON())
		}
	}
	if slices.Sort(got); page.Err() != nil || !slices.Equal(got, want) {
		t.Errorf("OpenAI's SDK lists %v, want %v: %v", got, want, page.Err())
	}
	pages := w.claude.Models.ListAutoPaging(t.Context(), anthropic.ModelListParams{})
	got = nil
	for pages.Next() {
		got = append(got, pages.Current().ID)
		if pages.Current().CreatedAt.IsZero() || pages.Current().DisplayName == "" {
			t.Errorf("a model is %s", pages.Current().RawJSON())
		}
	}
	if slices.Sort(got); pages.Err() != nil || !slices.Equal(got, want) {
		t.Errorf("Anthropic's SDK lists %v, want %v: %v", got, want, pages.Err())
	}
	for _, id := range append(want, "openai/anything") {
		if m, err := w.openai.Models.Get(t.Context(), id); err != nil || m.ID != id {
			t.Errorf("OpenAI's SDK: model %s is %+v: %v", id, m, err)
		}
		if m, err := w.claude.Models.Get(t.Context(), id, anthropic.ModelGetParams{}); err != nil || m.ID != id {
			t.Errorf("Anthropic's SDK: model %s is %+v: %v", id, m, err)
		}
	}
}

// TestSecondAddress holds that /api/v1 serves what /v1 does.
func TestSecondAddress(t *testing.T) {
	w := newWorld(t)
	there := option.WithBaseURL(w.URL + "/api/v1")
	a, err := w.openai.Chat.Completions.New(t.Context(), ask("fast", openai.UserMessage("hi")), there)
	if err != nil || a.Choices[0].Message.Content != "hi" {
		t.Errorf("chat: %+v, %v", a, err)
	}
	if _, err := w.openai.Models.Get(t.Context(), "fast", there); err != nil {
		t.Errorf("models: %v", err)
	}
	m := w.post(t, "/api/v1/messages", `{"model":"claude/echo","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`)
	if m.status != 200 || !strings.Contains(m.body, `"text":"hi"`) {
		t.Errorf("messages: %d %s", m.status, m.body)
	}
}

// TestKeysInEveryHeader holds that each vendor's way to show a key is taken, and that one is demanded.
func TestKeysInEveryHeader(t *testing.T) {
	w := newWorld(t)
	const body = `{"model":"fast","messages":[{"role":"user","content":"hi"}]}`
	for _, c := range []struct {
		header, value string
		want          int
		code          string
	}{
		{"Authorization", "Bearer " + w.key, 200, ""},
		{"X-Api-Key", w.key, 200, ""},
		{"Api-Key", w.key, 200, ""},
		{"X-Goog-Api-Key", w.key, 200, ""},
		{"Authorization", "Basic " + w.key, 401, "missing_key"},
		{"Cookie", "key=" + w.key, 401, "missing_key"},
		{"X-Api-Key", "sk-fl-unknown", 401, "invalid_key"},
	} {
		a := send(t, w.http, http.MethodPost, w.URL+"/v1/chat/completions", body, c.header, c.value)
		if a.status != c.want || !strings.Contains(a.body, c.code) {
			t.Errorf("%s: status %d, want %d with %q: %s", c.header, a.status, c.want, c.code, a.body)
		}
	}
	id, secret := w.Key("short-lived")
	w.CLI("key", "revoke", id)
	if a := send(t, w.http, http.MethodPost, w.URL+"/v1/chat/completions", body, "X-Api-Key", secret); a.status != 401 || !strings.Contains(a.body, "revoked_key") {
		t.Errorf("a revoked key: %d %s", a.status, a.body)
	}
}

// TestSameDialectPassesBytes holds that between two of one language nothing is rewritten: the answer is
// the provider's, byte by byte.
func TestSameDialectPassesBytes(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ family, path, body string }{
		{"openai", "/chat/completions", `{"model":"%echo","messages":[{"role":"user","content":"one \u00e9 \ud83d\ude00 two"}]}`},
		{"openai", "/chat/completions", `{"model":"%helper:tools=3","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}]}`},
		{"openai", "/chat/completions", `{"model":"%echo:think=4","n":3,"logprobs":true,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`},
		{"openai", "/responses", `{"model":"%echo","stream":true,"input":"hi there"}`},
		{"openai", "/embeddings", `{"model":"%embed","input":["a","b"]}`},
		{"openai", "/moderations", `{"model":"%m","input":"a"}`},
		{"openai", "/completions", `{"model":"%fake","prompt":"a","stream":true,"stream_options":{"include_usage":true}}`},
		{"claude", "/messages", `{"model":"%echo","max_tokens":50,"messages":[{"role":"user","content":"one \u00e9 two"}]}`},
		{"claude", "/messages", `{"model":"%helper:tools=2,think=5","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"hi"}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`},
		{"claude", "/messages/count_tokens", `{"model":"%echo","messages":[{"role":"user","content":"hi"}]}`},
	} {
		through := w.post(t, "/v1"+c.path, strings.Replace(c.body, "%", c.family+"/", 1), "Anthropic-Version", "2023-06-01")
		direct := send(t, w.http, http.MethodPost, w.urls[c.family]+"/v1"+c.path, strings.Replace(c.body, "%", "", 1),
			"Authorization", "Bearer sk-upstream-credential-of-the-harness", "Anthropic-Version", "2023-06-01")
		if through.status != 200 || direct.status != 200 || through.err != nil || direct.err != nil {
			t.Errorf("%s: status %d through fairlead, %d directly: %s %s", c.body, through.status, direct.status, through.body, direct.body)
			continue
		}
		if through.body != direct.body {
			t.Errorf("%s:\nthrough fairlead %s\ndirectly         %s", c.body, through.body, direct.body)
		}
	}
}
