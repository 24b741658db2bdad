package upstream

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
)

// TestLegsTotal tables what a caller is told and charged of an answer that several attempts gave: the prompt
// once, and the output that it was given.
func TestLegsTotal(t *testing.T) {
	type usage = fairlead.Usage
	said := strings.Repeat("abcdefg ", 50) // 100 tokens
	for _, c := range []struct {
		name             string
		method           method
		prompt, reported usage
		skipped, thought int
		want             usage
	}{
		{"prefill, the prompt known", methodPrefill, usage{Input: 7}, usage{Input: 108, Output: 20}, 0, 0, usage{Input: 7, Output: 120}},
		{"prefill, the prompt not known", methodPrefill, usage{}, usage{Input: 107, Output: 20}, 0, 0, usage{Input: 7, Output: 120}},
		{"final, the prompt not known", methodFinal, usage{}, usage{Input: 107, Output: 20}, 0, 0, usage{Input: 7, Output: 120}},
		{"made again", methodRegenerate, usage{}, usage{Input: 7, Output: 120}, 400, 0, usage{Input: 7, Output: 120}},
		{"made again, the prompt known", methodRegenerate, usage{Input: 8}, usage{Input: 7, Output: 120}, 400, 0, usage{Input: 8, Output: 120}},
		{"repeated", methodAnchor, usage{Input: 7}, usage{Input: 200, Output: 30}, 40, 0, usage{Input: 7, Output: 120}},
		{"repeated, the prompt not known", methodAnchor, usage{}, usage{Input: 107 + (int64(len(instruction))+40)/4, Output: 30}, 40, 0, usage{Input: 7, Output: 120}},
		{"the prompt cached at the first", methodPrefill, usage{Input: 2, CacheRead: 5, CacheWrite: 3}, usage{Input: 110, Output: 20}, 0, 0, usage{Input: 2, CacheRead: 5, CacheWrite: 3, Output: 120}},
		{"the prompt cached at the second", methodPrefill, usage{}, usage{Input: 40, CacheRead: 67, Output: 20}, 0, 0, usage{CacheRead: 7, Output: 120}},
		{"less than was added", methodPrefill, usage{}, usage{Input: 40, CacheRead: 10, Output: 20}, 0, 0, usage{Input: 3, Output: 120}},
		{"reasoned again, and counted it", methodRegenerate, usage{Input: 7}, usage{Input: 7, Output: 150, Reasoning: 30}, 400, 99, usage{Input: 7, Output: 120}},
		{"reasoned again, and did not count it", methodRegenerate, usage{Input: 7}, usage{Input: 7, Output: 150}, 400, 120, usage{Input: 7, Output: 120}},
		{"what of it was sound", methodPrefill, usage{Input: 7, AudioInput: 5}, usage{Input: 108, Output: 20, AudioInput: 9, AudioOutput: 4}, 0, 0, usage{Input: 7, AudioInput: 5, Output: 120}},
		{"nothing was added", methodRegenerate, usage{Input: 7}, usage{Input: 7, Output: 90}, 400, 0, usage{Input: 7, Output: 100}},
	} {
		l := &legs{told: &dialect.Told{Text: []byte(said)}, delivered: int64(len(said)), method: c.method, prompt: c.prompt, hasPrompt: c.prompt != usage{}, least: 3}
		l.base, l.words = said, strings.Repeat("x", 40)
		c.want.Estimated = true
		if got := l.total(c.reported, c.skipped, c.thought); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestBarred(t *testing.T) {
	type request = dialect.Request
	for _, c := range []struct {
		name    string
		request request
		told    dialect.Told
		want    dialect.Bar
	}{
		{"text", request{}, dialect.Told{Text: []byte("a")}, ""},
		{"reasoning that is not signed", request{}, dialect.Told{Reasoning: true}, ""},
		{"what the stream told", request{}, dialect.Told{Barred: dialect.BarTool}, dialect.BarTool},
		{"its end", request{}, dialect.Told{Finished: true}, barDone},
		{"a format", request{Format: &dialect.Format{}}, dialect.Told{}, barFormat},
		{"one answer", request{N: 1}, dialect.Told{}, ""},
		{"two answers", request{N: 2}, dialect.Told{}, dialect.BarChoices},
		{"logprobs", request{Logprobs: true}, dialect.Told{}, barLogprobs},
		{"the user spoke last", request{Messages: []dialect.Message{{Role: dialect.Assistant}, {Role: dialect.User}}}, dialect.Told{}, ""},
		{"the assistant spoke last", request{Messages: []dialect.Message{{Role: dialect.User}, {Role: dialect.Assistant}}}, dialect.Told{}, barPrefill},
		{"tools that may be called", request{Tools: []dialect.Tool{{Name: "f"}}}, dialect.Told{}, ""},
		{"half a stop sequence", request{Stop: []string{"b", "a\n"}}, dialect.Told{Text: []byte("ba")}, barStop},
	} {
		if got := barred(&c.request, &c.told); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHalfStopped(t *testing.T) {
	for _, c := range []struct {
		text  string
		stops []string
		want  bool
	}{
		{"", []string{"END"}, false},
		{"It is the E", []string{"END"}, true},
		{"It is the EN", []string{"END"}, true},
		{"It is the END", []string{"END"}, false}, // it would have ended there
		{"It is the EN ", []string{"END"}, false},
		{"EEN", []string{"END"}, true},
		{"a\n", []string{"\n\nUser:"}, true},
		{"a\n\nUse", []string{"\n\nUser:"}, true},
		{"é", []string{"é!"}, true},
		{"x", []string{"x"}, false},
		{"x", nil, false},
		{"b", []string{"", "aa", "bc"}, true},
	} {
		if got := halfStopped(c.text, c.stops); got != c.want {
			t.Errorf("%q, %q: %v", c.text, c.stops, got)
		}
	}
}

func TestDeterministic(t *testing.T) {
	for _, c := range []struct {
		seed, temperature json.Number
		want              bool
	}{
		{"", "", false},
		{"0", "", true},
		{"7", "1", true},
		{"", "0", true},
		{"", "0.0", true},
		{"", "0e5", true},
		{"", "-0", true},
		{"", "1e-9", false},
		{"", "1", false},
	} {
		if got := deterministic(&dialect.Request{Seed: c.seed, Temperature: c.temperature}); got != c.want {
			t.Errorf("seed %q, temperature %q: %v", c.seed, c.temperature, got)
		}
	}
}

// TestMethodsAt tables the ways to go on, in the order in which they are tried.
func TestMethodsAt(t *testing.T) {
	const both = fairlead.Prefill | fairlead.ContinueFinalMessage
	type list = []method
	wide := strings.Repeat(" ", spaceMost+1)
	for _, c := range []struct {
		name          string
		dialect       fairlead.Dialect
		supports      fairlead.Abilities // 0 = no list
		said          string
		deterministic bool
		thinks        bool
		want          list
	}{
		{"nothing declared", fairlead.OpenAI, 0, long, false, false, list{methodAnchor}},
		{"a closed list without them", fairlead.OpenAI, fairlead.Chat, long, false, false, list{methodAnchor}},
		{"prefill", fairlead.OpenAI, fairlead.Prefill, long, false, false, list{methodPrefill, methodAnchor}},
		{"final", fairlead.OpenAI, fairlead.ContinueFinalMessage, long, false, false, list{methodFinal, methodAnchor}},
		{"both", fairlead.OpenAI, both, long, true, false, list{methodFinal, methodRegenerate, methodAnchor}},
		{"final on a wire where prefill is that", fairlead.Anthropic, fairlead.ContinueFinalMessage, long, false, false, list{methodPrefill, methodAnchor}},
		{"prefill where thinking forbids it", fairlead.Anthropic, both, long, false, true, list{methodAnchor}},
		{"prefill where thinking does not matter", fairlead.OpenAI, fairlead.Prefill, long, false, true, list{methodPrefill, methodAnchor}},
		{"the same again", fairlead.OpenAI, 0, long, true, false, list{methodRegenerate, methodAnchor}},
		{"nothing said", fairlead.OpenAI, both, "", false, false, list{methodRegenerate}},
		{"space alone said", fairlead.OpenAI, both, "\n\n", false, false, list{methodRegenerate}},
		{"little said", fairlead.OpenAI, 0, "It is", false, false, list{methodRegenerate}},
		{"little said, and prefill", fairlead.OpenAI, fairlead.Prefill, "It is", false, false, list{methodPrefill, methodRegenerate}},
		{"what has no anchor", fairlead.OpenAI, 0, strings.Repeat("ha ", 99), false, false, nil},
		{"what has no anchor, again", fairlead.OpenAI, 0, strings.Repeat("ha ", 99), true, false, list{methodRegenerate}},
		{"too much space behind it", fairlead.OpenAI, both, long + wide, true, false, list{methodRegenerate}},
	} {
		e := &fairlead.Endpoint{Provider: &fairlead.Provider{Dialect: c.dialect}}
		if c.supports != 0 {
			e.Supports = fairlead.NewSupports(c.supports)
		}
		l := &legs{told: &dialect.Told{Text: []byte(c.said)}, deterministic: c.deterministic, thinks: c.thinks}
		if got := l.methodsAt(e); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestExpense tables what the operator pays for: what is made again, where the price is known.
func TestExpense(t *testing.T) {
	price := &fairlead.Price{Output: 2_000_000} // 2 USD for a million: 2,000 nano-dollars a token
	for _, c := range []struct {
		name   string
		price  *fairlead.Price
		method method
		want   float64
	}{
		{"goes on", price, methodPrefill, 0},
		{"is told to go on", price, methodFinal, 0},
		{"says all again", price, methodRegenerate, 2000 * 25},
		{"repeats 40 characters", price, methodAnchor, 2000 * 10},
		{"of an unknown price", nil, methodRegenerate, 0},
	} {
		l := &legs{told: &dialect.Told{Text: []byte(long)}}
		if got := l.expense(&fairlead.Endpoint{Price: c.price}, c.method); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
