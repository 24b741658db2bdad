package openai_test

import (
	"testing"

	"fairlead/dialect"
	"fairlead/dialect/dialecttest"
	"fairlead/dialect/openai"
)

// TestContract holds the dialect to the contract but for the rules of the package documentation.
func TestContract(t *testing.T) {
	type request = dialect.Request
	lost := func(name, why string, change func(*request)) dialecttest.Exception {
		return dialecttest.Exception{Case: "request/" + name, Why: why, Request: change}
	}
	refused := func(name, why, param string) dialecttest.Exception {
		return dialecttest.Exception{Case: "request/" + name, Why: why, Refused: param}
	}
	forget := func(r *request) {
		turn := &r.Messages[1]
		turn.Parts = turn.Parts[1:]
		r.Thinking = &dialect.Thinking{Effort: "medium"}
	}
	dialecttest.Run(
		t, openai.New(),
		refused("n", "an answer in the neutral form is one choice", "n"),
		refused("stop, five", "the wire has four", "stop"),
		refused("file by URL", "the wire has data only", "messages[0].file"),
		lost("cache", "dropped", func(r *request) { r.Messages[0].Parts[0].Cache = nil }),
		lost("tool, cached", "dropped", func(r *request) { r.Tools[0].Cache = nil }),
		lost("top_k", "dropped", func(r *request) { r.TopK = 0 }),
		lost("format", "the wire demands a name", func(r *request) { r.Format.Name = "response" }),
		lost("file of text", "written as text", func(r *request) {
			r.Messages[0].Parts[1] = dialect.Part{Kind: dialect.PartText, Text: "hello"}
		}),
		lost("tool result with an image", "images follow the results", func(r *request) {
			parts := r.Messages[2].Parts
			image := parts[0].Parts[1]
			parts[0].Parts = parts[0].Parts[:1]
			r.Messages[2].Parts = append(parts, image)
		}),
		lost("tool result, failed", "the text has to say it", func(r *request) { r.Messages[2].Parts[0].IsError = false }),
		lost("thinking budget", "an effort", func(r *request) { r.Thinking = &dialect.Thinking{Effort: "medium"} }),
		lost("thinking adaptive", "the default", func(r *request) { r.Thinking = nil }),
		lost("thinking off", "models that do not think refuse the word", func(r *request) { r.Thinking = nil }),
		lost("thinking in history", "another provider's", forget),
		lost("thinking in history, unsigned", "another provider's", forget),
		lost("thinking in history, redacted", "another provider's", forget),
		dialecttest.Exception{
			Case: "answer/stop sequence", Why: "the wire does not say which matched",
			Answer: func(a *dialect.Answer) { a.StopSequence = "" },
		},
		dialecttest.Exception{
			Case: "answer/text in parts", Why: "the wire has one text",
			Answer: func(a *dialect.Answer) {
				a.Parts = []dialect.Part{{Kind: dialect.PartText, Text: a.Parts[0].Text + a.Parts[1].Text}}
			},
		},
	)
}
