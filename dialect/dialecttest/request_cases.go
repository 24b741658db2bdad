package dialecttest

import (
	"encoding/json"

	"fairlead"
	"fairlead/dialect"
)

// requestCase is a request that differs from a plain one in the thing it is named after.
type requestCase struct {
	name    string
	request *dialect.Request
	needs   fairlead.Abilities
}

// Parts of the cases.
var (
	yes, no = true, false
	schema  = json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`)
	cache   = json.RawMessage(`{"type":"ephemeral"}`)
	weather = dialect.Tool{Name: "weather", Description: "tells the weather", Schema: schema}
)

func said(s string) dialect.Part { return dialect.Part{Kind: dialect.PartText, Text: s} }

func use(id, input string) dialect.Part {
	return dialect.Part{Kind: dialect.PartToolUse, ID: id, Name: "weather", Input: json.RawMessage(input)}
}

func result(id string, parts ...dialect.Part) dialect.Part {
	return dialect.Part{Kind: dialect.PartToolResult, ID: id, Parts: parts}
}

func user(parts ...dialect.Part) dialect.Message {
	return dialect.Message{Role: dialect.User, Parts: parts}
}

func assistant(parts ...dialect.Part) dialect.Message {
	return dialect.Message{Role: dialect.Assistant, Parts: parts}
}

func requestCases() []requestCase {
	var cases []requestCase
	add := func(name string, needs fairlead.Abilities, change func(*dialect.Request)) {
		r := &dialect.Request{Model: "asked-model", MaxTokens: 512, Messages: []dialect.Message{user(said("Hello"))}}
		change(r)
		cases = append(cases, requestCase{name, r, needs})
	}
	addText(add)
	addOptions(add)
	addTools(add)
	addMedia(add)
	addThinking(add)
	return cases
}

type adder func(name string, needs fairlead.Abilities, change func(*dialect.Request))

func addText(add adder) {
	add("text", 0, func(*dialect.Request) {})
	add("text of every kind", 0, func(r *dialect.Request) {
		r.Messages = []dialect.Message{user(said("\"quotes\" \\ / \n\t\x01 \u2028 <&> é 漢字 \U0001F600 {\"json\":[1]}"))}
	})
	add("text in parts", 0, func(r *dialect.Request) { r.Messages = []dialect.Message{user(said("one"), said("two"))} })
	add("system", 0, func(r *dialect.Request) { r.System = []dialect.Part{said("Be brief.")} })
	add("system in parts", 0, func(r *dialect.Request) { r.System = []dialect.Part{said("Be brief."), said("Be kind.")} })
	add("conversation", 0, func(r *dialect.Request) {
		r.Messages = []dialect.Message{user(said("Hello")), assistant(said("Hi. How are you?")), user(said("Well."))}
	})
	add("prefill", 0, func(r *dialect.Request) { r.Messages = append(r.Messages, assistant(said("Dear"))) })
	add("refusal in history", 0, func(r *dialect.Request) {
		r.Messages = append(r.Messages, assistant(dialect.Part{Kind: dialect.PartRefusal, Text: "No."}), user(said("Why?")))
	})
	add("cache", 0, func(r *dialect.Request) { r.Messages[0].Parts[0].Cache = cache })
}

func addOptions(add adder) {
	set := func(name string, change func(*dialect.Request)) { add(name, 0, change) }
	set("temperature", func(r *dialect.Request) { r.Temperature = "0.5" })
	set("temperature above 1", func(r *dialect.Request) { r.Temperature = "1.5" })
	set("top_p", func(r *dialect.Request) { r.TopP = "0.9" })
	set("top_k", func(r *dialect.Request) { r.TopK = 40 })
	set("stop", func(r *dialect.Request) { r.Stop = []string{"END"} })
	set("stop, four", func(r *dialect.Request) { r.Stop = []string{"END", "\n\n", "3", "4"} })
	set("stop, five", func(r *dialect.Request) { r.Stop = []string{"END", "2", "3", "4", "5"} })
	set("stream", func(r *dialect.Request) { r.Stream = true })
	set("n", func(r *dialect.Request) { r.N = 2 })
	add("logprobs", fairlead.Logprobs, func(r *dialect.Request) { r.Logprobs, r.TopLogprobs = true, 3 })
	set("seed", func(r *dialect.Request) { r.Seed = "7" })
	set("logit_bias", func(r *dialect.Request) { r.LogitBias = json.RawMessage(`{"50256":-100}`) })
	set("frequency_penalty", func(r *dialect.Request) { r.FrequencyPenalty = "0.5" })
	set("presence_penalty", func(r *dialect.Request) { r.PresencePenalty = "-0.5" })
	set("user", func(r *dialect.Request) { r.User = "user-1" })
	set("service_tier", func(r *dialect.Request) { r.ServiceTier = "flex" })
	set("verbosity", func(r *dialect.Request) { r.Verbosity = "low" })
	set("metadata", func(r *dialect.Request) { r.Metadata = json.RawMessage(`{"k":"v"}`) })
	add("format", fairlead.JSONSchema, func(r *dialect.Request) { r.Format = &dialect.Format{Schema: schema} })
	add("format with a name", fairlead.JSONSchema, func(r *dialect.Request) {
		r.Format = &dialect.Format{Schema: schema, Name: "place", Description: "a place", Strict: &yes}
	})
	add("format without a schema", fairlead.JSONObject, func(r *dialect.Request) { r.Format = &dialect.Format{} })
}

func addTools(add adder) {
	with := func(name string, change func(*dialect.Request)) {
		add(name, fairlead.Tools, func(r *dialect.Request) {
			r.Tools = []dialect.Tool{weather}
			change(r)
		})
	}
	choose := func(name string, choice dialect.ToolChoice) {
		with("tool choice "+name, func(r *dialect.Request) { r.ToolChoice = choice })
	}
	turn := func(name string, assistantParts, userParts []dialect.Part) {
		with(name, func(r *dialect.Request) {
			r.Messages = append(r.Messages, assistant(assistantParts...), user(userParts...))
		})
	}
	with("tools", func(*dialect.Request) {})
	with("tools, two", func(r *dialect.Request) {
		r.Tools = append(r.Tools, dialect.Tool{Name: "time", Description: "tells the time", Schema: schema})
	})
	with("tool without a schema", func(r *dialect.Request) { r.Tools[0].Schema = nil })
	with("tool without a description", func(r *dialect.Request) { r.Tools[0].Description = "" })
	with("tool, strict", func(r *dialect.Request) { r.Tools[0].Strict = &yes })
	with("tool, cached", func(r *dialect.Request) { r.Tools[0].Cache = cache })
	choose("auto", dialect.ToolChoice{Mode: dialect.ToolAuto})
	choose("any", dialect.ToolChoice{Mode: dialect.ToolAny})
	choose("none", dialect.ToolChoice{Mode: dialect.ToolNone})
	choose("named", dialect.ToolChoice{Mode: dialect.ToolNamed, Name: "weather"})
	with("tools, not parallel", func(r *dialect.Request) {
		r.ToolChoice, r.Parallel = dialect.ToolChoice{Mode: dialect.ToolAuto}, &no
	})
	turn("tool use", []dialect.Part{use("call_1", `{"city":"Oslo"}`)}, []dialect.Part{result("call_1", said("4 C"))})
	turn("tool use after text", []dialect.Part{said("I will look."), use("call_1", `{}`)}, []dialect.Part{result("call_1", said("4 C"))})
	turn("tool use with a strange id", []dialect.Part{use("call:1/é", `{}`)}, []dialect.Part{result("call:1/é", said("4 C"))})
	turn(
		"tool uses, parallel",
		[]dialect.Part{use("call_1", `{"city":"Oslo"}`), use("call_2", `{"city":"Rom\u0061 \"x\"","n":[1,null]}`)},
		[]dialect.Part{result("call_1", said("4 C")), result("call_2", said("20 C")), said("And now?")},
	)
	turn("tool result in parts", []dialect.Part{use("call_1", `{}`)}, []dialect.Part{result("call_1", said("4 C"), said("dry"))})
	turn("tool result, empty", []dialect.Part{use("call_1", `{}`)}, []dialect.Part{result("call_1")})
	turn("tool result with an image", []dialect.Part{use("call_1", `{}`)}, []dialect.Part{result("call_1", said("4 C"), picture)})
	failed := result("call_1", said("no such city"))
	failed.IsError = true
	turn("tool result, failed", []dialect.Part{use("call_1", `{}`)}, []dialect.Part{failed})
}

var picture = dialect.Part{Kind: dialect.PartImage, MediaType: "image/png", Data: "iVBORw0KGgo="}

func addMedia(add adder) {
	shown := func(name string, needs fairlead.Abilities, p dialect.Part) {
		add(name, needs, func(r *dialect.Request) { r.Messages = []dialect.Message{user(said("What is it?"), p)} })
	}
	shown("image", fairlead.Vision, picture)
	shown("image by URL", fairlead.Vision, dialect.Part{Kind: dialect.PartImage, URL: "https://example.com/a.png"})
	shown("image with detail", fairlead.Vision, dialect.Part{Kind: dialect.PartImage, URL: "https://example.com/a.png", Detail: "low"})
	shown("file", fairlead.Files, dialect.Part{Kind: dialect.PartFile, MediaType: "application/pdf", Data: "JVBERi0=", Name: "a.pdf"})
	shown("file by URL", fairlead.Files, dialect.Part{Kind: dialect.PartFile, URL: "https://example.com/a.pdf"})
	shown("file of text", fairlead.Files, dialect.Part{Kind: dialect.PartFile, MediaType: "text/plain", Data: "aGVsbG8=", Name: "a.txt"})
	shown("audio", fairlead.Audio, dialect.Part{Kind: dialect.PartAudio, MediaType: "audio/wav", Data: "UklGRg=="})
}

func addThinking(add adder) {
	thinks := func(name string, needs fairlead.Abilities, th dialect.Thinking) {
		add(name, needs, func(r *dialect.Request) { r.MaxTokens, r.Thinking = 32000, &th })
	}
	thinks("thinking effort", fairlead.Reasoning, dialect.Thinking{Effort: "high"})
	thinks("thinking budget", fairlead.Reasoning, dialect.Thinking{Budget: 8192})
	thinks("thinking adaptive", fairlead.Reasoning, dialect.Thinking{Adaptive: true})
	thinks("thinking off", 0, dialect.Thinking{Off: true})
	thought := func(name string, p dialect.Part) {
		add(name, fairlead.Reasoning|fairlead.Tools, func(r *dialect.Request) {
			r.MaxTokens, r.Thinking = 32000, &dialect.Thinking{Budget: 8192}
			r.Tools = []dialect.Tool{weather}
			r.Messages = append(r.Messages, assistant(p, said("I will look."), use("call_1", `{}`)), user(result("call_1", said("4 C"))))
		})
	}
	thought("thinking in history", dialect.Part{Kind: dialect.PartThinking, Text: "hm", Signature: "c2ln"})
	thought("thinking in history, unsigned", dialect.Part{Kind: dialect.PartThinking, Text: "hm"})
	thought("thinking in history, redacted", dialect.Part{Kind: dialect.PartRedacted, Data: "b3BhcXVl"})
}
