package anthropic_test

import (
	"encoding/json"
	"testing"

	"fairlead/dialect"
)

// wire is what of a written request says how it thinks.
type wire struct {
	MaxTokens int64 `json:"max_tokens"`
	Thinking  *struct {
		Type    string `json:"type"`
		Budget  int64  `json:"budget_tokens"`
		Display string `json:"display"`
	} `json:"thinking"`
	OutputConfig struct {
		Effort string `json:"effort"`
	} `json:"output_config"`
	Temperature *float64 `json:"temperature"`
	TopP        *float64 `json:"top_p"`
	TopK        *int64   `json:"top_k"`
	Messages    []struct {
		Content []struct {
			Type string `json:"type"`
		} `json:"content"`
	} `json:"messages"`
}

func written(t *testing.T, r *dialect.Request, target dialect.Target) wire {
	t.Helper()
	body, err := d.WriteRequest(r, target)
	if err != nil {
		t.Fatal(err)
	}
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestThinkingBudget(t *testing.T) {
	cases := []struct {
		name      string
		think     *dialect.Thinking
		maxTokens int64
		target    int
		mode      string
		budget    int64
		limit     int64
		effort    string
	}{
		{"not asked for", nil, 5000, 0, "", 0, 5000, ""},
		{"off", &dialect.Thinking{Off: true, Effort: "high"}, 5000, 0, "disabled", 0, 5000, ""},
		{"none", &dialect.Thinking{Effort: "none"}, 5000, 0, "disabled", 0, 5000, ""},
		{"minimal", &dialect.Thinking{Effort: "minimal"}, 5000, 0, "disabled", 0, 5000, ""},
		{"low", &dialect.Thinking{Effort: "low"}, 64000, 0, "enabled", 1024, 64000, ""},
		{"medium", &dialect.Thinking{Effort: "medium"}, 64000, 0, "enabled", 8192, 64000, ""},
		{"high", &dialect.Thinking{Effort: "high"}, 64000, 0, "enabled", 16384, 64000, ""},
		{"xhigh", &dialect.Thinking{Effort: "xhigh"}, 128000, 0, "enabled", 32768, 128000, ""},
		{"max", &dialect.Thinking{Effort: "max"}, 200000, 0, "enabled", 65536, 200000, ""},
		{"unsaid", &dialect.Thinking{}, 64000, 0, "enabled", 8192, 64000, ""},
		{"half of the room", &dialect.Thinking{Effort: "high"}, 8000, 0, "enabled", 4000, 8000, ""},
		{"little room", &dialect.Thinking{Effort: "high"}, 1500, 0, "enabled", 1024, 1500, ""},
		{"no room", &dialect.Thinking{Effort: "low"}, 1024, 0, "disabled", 0, 1024, ""},
		{"the model's room", &dialect.Thinking{Effort: "max"}, 0, 32000, "enabled", 16000, 32000, ""},
		{"nobody knows the room", &dialect.Thinking{Effort: "high"}, 0, 0, "enabled", 16384, 20480, ""},
		{"own budget", &dialect.Thinking{Budget: 9000}, 10000, 0, "enabled", 9000, 10000, ""},
		{"own budget too large", &dialect.Thinking{Budget: 10000}, 10000, 0, "enabled", 5000, 10000, ""},
		{"own budget too small", &dialect.Thinking{Budget: 10}, 10000, 0, "enabled", 1024, 10000, ""},
		{"own budget and effort", &dialect.Thinking{Budget: 2000, Effort: "low"}, 10000, 0, "enabled", 2000, 10000, "low"},
		{"adaptive", &dialect.Thinking{Adaptive: true, Effort: "max"}, 100, 0, "adaptive", 0, 100, "max"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := asked(func(r *dialect.Request) { r.Thinking, r.MaxTokens = c.think, c.maxTokens })
			w := written(t, r, dialect.Target{Model: "up", MaxOutput: c.target})
			mode, budget := "", int64(0)
			if w.Thinking != nil {
				mode, budget = w.Thinking.Type, w.Thinking.Budget
			}
			if mode != c.mode || budget != c.budget || w.MaxTokens != c.limit || w.OutputConfig.Effort != c.effort {
				t.Errorf("got %q budget %d max_tokens %d effort %q", mode, budget, w.MaxTokens, w.OutputConfig.Effort)
			}
		})
	}
}

func TestThinkingDropsSampling(t *testing.T) {
	r := asked(func(r *dialect.Request) {
		r.MaxTokens, r.Thinking = 9000, &dialect.Thinking{Adaptive: true, Display: "omitted"}
		r.Temperature, r.TopP, r.TopK = "0.5", "0.5", 5
	})
	w := written(t, r, target)
	if w.Temperature != nil || w.TopP != nil || w.TopK != nil || w.Thinking.Display != "omitted" {
		t.Errorf("got %+v", w)
	}
	r.Thinking = &dialect.Thinking{Off: true}
	if w := written(t, r, target); w.Temperature == nil || w.TopP == nil || w.TopK == nil {
		t.Errorf("thinking is off, but sampling is dropped: %+v", w)
	}
}

// TestThinkingSwitchedOff has a line for each conversation with which the API takes or refuses thinking.
// want is the mode, then the types of all blocks.
func TestThinkingSwitchedOff(t *testing.T) {
	signed := dialect.Part{Kind: dialect.PartThinking, Text: "hm", Signature: "Ep"}
	unsigned := dialect.Part{Kind: dialect.PartThinking, Text: "hm"}
	redacted := dialect.Part{Kind: dialect.PartRedacted, Data: "x"}
	call := dialect.Part{Kind: dialect.PartToolUse, ID: "a", Name: "f"}
	result := dialect.Part{Kind: dialect.PartToolResult, ID: "a"}
	say := textPart("x")
	cases := []struct {
		name  string
		turns [][]dialect.Part // user and assistant in turn
		mode  dialect.ToolMode
		want  string
	}{
		{"a question", [][]dialect.Part{{say}}, "", "enabled text"},
		{"an unsigned earlier turn", [][]dialect.Part{{say}, {unsigned, say}, {say}}, "", "enabled text text text"},
		{"a signed earlier turn", [][]dialect.Part{{say}, {signed, say}, {say}}, "", "enabled text thinking text text"},
		{"signed call", [][]dialect.Part{{say}, {signed, call}, {result}}, "", "enabled text thinking tool_use tool_result"},
		{"redacted call", [][]dialect.Part{{say}, {redacted, call}, {result, say}}, "", "enabled text redacted_thinking tool_use tool_result text"},
		{"unsigned call", [][]dialect.Part{{say}, {unsigned, call}, {result}}, "", "disabled text tool_use tool_result"},
		{"call without thinking", [][]dialect.Part{{say}, {say, call}, {say, result}}, "", "disabled text text tool_use tool_result text"},
		{"thinking after the text", [][]dialect.Part{{say}, {say, signed, call}, {result}}, "", "disabled text text tool_use tool_result"},
		{
			"unsigned call, answered before the question",
			[][]dialect.Part{{say}, {call}, {result}, {say}, {say}},
			"",
			"enabled text tool_use tool_result text text",
		},
		{
			"second round of a signed turn",
			[][]dialect.Part{{say}, {signed, call}, {result}, {call}, {result}},
			"",
			"enabled text thinking tool_use tool_result tool_use tool_result",
		},
		{
			"second round of an unsigned turn",
			[][]dialect.Part{{say}, {call}, {result}, {unsigned, call}, {result}},
			"",
			"disabled text tool_use tool_result tool_use tool_result",
		},
		{
			"a question between the rounds",
			[][]dialect.Part{{say}, {signed, call}, {result, say}, {call}, {result}},
			"",
			"disabled text tool_use tool_result text tool_use tool_result",
		},
		{"prefill", [][]dialect.Part{{say}, {signed, say}}, "", "disabled text text"},
		{"forced", [][]dialect.Part{{say}, {signed, say}, {say}}, dialect.ToolAny, "disabled text text text"},
		{"named", [][]dialect.Part{{say}}, dialect.ToolNamed, "disabled text"},
		{"auto", [][]dialect.Part{{say}}, dialect.ToolAuto, "enabled text"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &dialect.Request{
				MaxTokens: 5000, Thinking: &dialect.Thinking{Effort: "low"}, Tools: []dialect.Tool{{Name: "f"}},
				ToolChoice: dialect.ToolChoice{Mode: c.mode, Name: "f"},
			}
			for i, parts := range c.turns {
				role := []dialect.Role{dialect.User, dialect.Assistant}[i%2]
				r.Messages = append(r.Messages, dialect.Message{Role: role, Parts: parts})
			}
			w := written(t, r, target)
			got := w.Thinking.Type
			for _, m := range w.Messages {
				for _, b := range m.Content {
					got += " " + b.Type
				}
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
