package anthropic_test

import (
	"encoding/json"
	"testing"

	"fairlead/dialect"
	"fairlead/dialect/dialecttest"
)

// TestContract runs the suite of all dialects; each exception is a rule of the package documentation.
func TestContract(t *testing.T) {
	refused := func(name, param, why string) dialecttest.Exception {
		return dialecttest.Exception{Case: "request/" + name, Refused: param, Why: why}
	}
	changed := func(name, why string, change func(r *dialect.Request)) dialecttest.Exception {
		return dialecttest.Exception{Case: "request/" + name, Request: change, Why: why}
	}
	dialecttest.Run(
		t, d,
		refused("temperature above 1", "temperature", "the API takes 0 to 1"),
		refused("stop, four", "stop", "one of the sequences is white space only"),
		refused("n", "n", "the API gives one answer"),
		refused("logprobs", "logprobs", "the API has none"),
		refused("logit_bias", "logit_bias", "the API has none"),
		refused("frequency_penalty", "frequency_penalty", "the API has none"),
		refused("presence_penalty", "presence_penalty", "the API has none"),
		refused("audio", "messages[].content[].input_audio", "the API takes none"),
		changed("seed", "dropped", func(r *dialect.Request) { r.Seed = "" }),
		changed("service_tier", "flex is OpenAI's", func(r *dialect.Request) { r.ServiceTier = "" }),
		changed("verbosity", "dropped", func(r *dialect.Request) { r.Verbosity = "" }),
		changed("metadata", "dropped", func(r *dialect.Request) { r.Metadata = nil }),
		changed("format with a name", "the API takes the schema alone", func(r *dialect.Request) {
			r.Format = &dialect.Format{Schema: r.Format.Schema}
		}),
		changed("format without a schema", "becomes system text", func(r *dialect.Request) {
			r.Format = nil
			r.System = []dialect.Part{textPart("Answer with one JSON object and nothing else: no code fence, no text before or after it.")}
		}),
		changed("tool without a schema", "the API demands one", func(r *dialect.Request) {
			r.Tools[0].Schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}),
		changed("image with detail", "dropped", func(r *dialect.Request) { r.Messages[0].Parts[1].Detail = "" }),
		changed("refusal in history", "becomes text", func(r *dialect.Request) {
			r.Messages[1].Parts[0].Kind = dialect.PartText
		}),
		changed("thinking effort", "becomes a budget of at most half of max_tokens", func(r *dialect.Request) {
			r.Thinking = &dialect.Thinking{Budget: 16000}
		}),
		changed("thinking in history, unsigned", "the API would refuse to think", func(r *dialect.Request) {
			r.Thinking = &dialect.Thinking{Off: true}
			r.Messages[1].Parts = r.Messages[1].Parts[1:]
		}),
		dialecttest.Exception{Case: "answer/without usage", Why: "usage is required", Answer: func(a *dialect.Answer) { a.HasUsage = true }},
		dialecttest.Exception{Case: "answer/created", Why: "the API has no time", Answer: func(a *dialect.Answer) { a.Created = 0 }},
		dialecttest.Exception{Case: "answer/refusal", Why: "becomes text", Answer: func(a *dialect.Answer) {
			a.Parts[0].Kind = dialect.PartText
		}},
		dialecttest.Exception{Case: "stream/refusal", Why: "becomes text", Events: func(events []dialect.Event) []dialect.Event {
			for i := range events {
				if events[i].Kind == dialect.EventRefusal {
					events[i].Kind = dialect.EventText
				}
			}
			return events
		}},
	)
}
