package anthropic

import (
	"fairlead/dialect"
)

const (
	minBudget     = 1024 // the API refuses less
	defaultOutput = 4096 // max_tokens where nobody says: every model can write as much
	defaultBudget = 8192 // thinking asked for without saying how much
)

// budgets gives the thinking budget of each effort, in tokens; 0 = thinking off.
var budgets = map[string]int64{
	"none": 0, "minimal": 0, "low": minBudget, "medium": defaultBudget, "high": 16384, "xhigh": 32768, "max": 65536,
}

// thought is how the thinking of one request is written.
type thought struct {
	mode    string // "" = not asked for, "disabled", "enabled", "adaptive"
	budget  int64
	own     bool   // the budget is the caller's own
	effort  string // for output_config.effort
	display string
}

// on reports whether the request thinks.
func (t *thought) on() bool { return t.mode == "enabled" || t.mode == "adaptive" }

// wanted reads what the caller asked for, by the rules of the package documentation.
func wanted(r *dialect.Request) (thought, error) {
	ask := r.Thinking
	if ask == nil {
		return thought{}, nil
	}
	budget, known := budgets[ask.Effort]
	if ask.Effort != "" && !known {
		return thought{}, unsupported("reasoning_effort", "must be none, minimal, low, medium, high, xhigh or max")
	}
	t := thought{mode: "enabled", budget: budget, effort: ask.Effort, display: ask.Display}
	switch {
	case ask.Off, known && budget == 0:
		return thought{mode: "disabled"}, nil
	case ask.Adaptive:
		t.mode = "adaptive"
	case ask.Budget > 0:
		t.budget, t.own = ask.Budget, true
	case !known:
		t.budget = defaultBudget
	}
	if t.mode == "enabled" && !t.own {
		t.effort = "" // it has become the budget
	}
	return t, nil
}

// refusesThinking reports whether the API refuses thinking for what else the request holds. turns are
// as they are sent while thinking is on.
func refusesThinking(r *dialect.Request, turns []dialect.Message) bool {
	forced := r.ToolChoice.Mode == dialect.ToolAny || r.ToolChoice.Mode == dialect.ToolNamed
	prefill := turns[len(turns)-1].Role == dialect.Assistant
	return forced || prefill || unsignedToolTurn(shapes(turns))
}

// fit keeps the budget between the API's least and max_tokens, which it gives.
func (t *thought) fit(r *dialect.Request, target dialect.Target) int64 {
	t.budget = max(t.budget, minBudget)
	limit := r.MaxTokens
	if limit == 0 {
		limit = int64(target.MaxOutput)
	}
	switch {
	case limit == 0 && t.mode == "enabled":
		return defaultOutput + t.budget
	case limit == 0:
		return defaultOutput
	case t.mode != "enabled":
		return limit
	case !t.own || t.budget >= limit:
		t.budget = min(t.budget, max(minBudget, limit/2))
	}
	if t.budget >= limit {
		*t = thought{mode: "disabled"}
	}
	return limit
}
