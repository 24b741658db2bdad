package compile_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"fairlead"
	"fairlead/compile"
)

// priced is a document with one endpoint, whose price is %s.
const priced = `{"models":{"a/m":{"endpoints":[{"price":%s,"provider":"openai"}]}},"providers":{"openai":{}},"version":1}`

func TestPrices(t *testing.T) {
	base := fairlead.Price{Input: 1_000_000, Output: 4_000_000, CacheRead: 1_000_000, CacheWrite: 1_000_000, Reasoning: 4_000_000, AudioInput: 1_000_000, AudioOutput: 4_000_000}
	with := func(change func(*fairlead.Price)) *fairlead.Price {
		p := base
		change(&p)
		return &p
	}
	for _, c := range []struct {
		price string
		want  *fairlead.Price
	}{
		{`"free"`, &fairlead.Price{}},
		{`{"input":"1","output":"4"}`, &base},
		{
			`{"audio_input":"10","audio_output":"40","image":"1300","input":"1","output":"4","reasoning":"3","request":"5"}`,
			with(func(p *fairlead.Price) {
				p.AudioInput, p.AudioOutput, p.Image, p.Reasoning, p.Request = 10_000_000, 40_000_000, 1_300_000_000, 3_000_000, 5_000_000
			}),
		},
		{ // what a tier leaves out is the price's, and what both leave out follows the tier's input and output
			`{"cache_read":"0.1","input":"1","output":"4","tiers":[{"above":100,"input":"2"},{"above":200,"cache_read":"0.3","output":"8","request":"1"}]}`,
			with(func(p *fairlead.Price) {
				p.CacheRead = 100_000
				one, two := *p, *p
				one.Input, one.CacheWrite, one.AudioInput = 2_000_000, 2_000_000, 2_000_000
				two.CacheRead, two.Output, two.Reasoning, two.AudioOutput, two.Request = 300_000, 8_000_000, 8_000_000, 8_000_000, 1_000_000
				p.Tiers = []fairlead.Tier{{Above: 100, Price: one}, {Above: 200, Price: two}}
			}),
		},
	} {
		doc := fmt.Sprintf(priced, c.price)
		again, cfg, found := compile.Canonical([]byte(doc), "doc")
		if found.Err() != nil || string(again) != doc {
			t.Errorf("%s becomes %s: %v", doc, again, found)
			continue
		}
		s, found := compile.Compile(cfg, 1, nil)
		if found.Err() != nil {
			t.Errorf("%s: %v", c.price, found)
			continue
		}
		if got := s.Endpoints[0].Price; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is\n%+v, want\n%+v", c.price, got, c.want)
		}
		var plain fairlead.Config
		if err := json.Unmarshal([]byte(doc), &plain); err != nil || !reflect.DeepEqual(&plain, cfg) {
			t.Errorf("%s: by encoding/json %+v, %v", c.price, plain, err)
		}
		if text, err := json.Marshal(cfg); err != nil || string(canonical(t, string(text))) != doc {
			t.Errorf("%s: by encoding/json %s, %v", c.price, text, err)
		}
	}
}

// TestUnknownPrice holds that no price is no price, and that it differs from one of nothing.
func TestUnknownPrice(t *testing.T) {
	s, _ := compile.Compile(config(t, fmt.Sprintf(priced, "null")), 1, nil)
	if s.Endpoints[0].Price != nil {
		t.Errorf("the price is %+v", s.Endpoints[0].Price)
	}
	got := compile.Diff(config(t, fmt.Sprintf(priced, "null")), config(t, fmt.Sprintf(priced, `free`))).Text()
	if want := "~ endpoint a/m@openai: price unset -> free\n"; got != want {
		t.Errorf("the difference is %q", got)
	}
	risks := compile.Risks(config(t, fmt.Sprintf(priced, `free`)), config(t, fmt.Sprintf(priced, "null")))
	if len(risks) != 1 || risks[0].Message != "has no price any more, which was free" {
		t.Errorf("risks: %v", risks)
	}
}

func TestTiersDiffer(t *testing.T) {
	from := fmt.Sprintf(priced, `{input: "1", output: "4", tiers: [{above: 100, input: "2.0"}]}`)
	to := fmt.Sprintf(priced, `{input: "1", output: "4", tiers: [{above: 100, input: "2", image: "9"}, {above: 200, output: "8"}]}`)
	got := compile.Diff(config(t, from), config(t, to)).Text()
	if want := "~ endpoint a/m@openai: price.tiers above 100 (input 2) -> above 100 (image 9, input 2), above 200 (output 8)\n"; got != want {
		t.Errorf("the difference is %q", got)
	}
}

func TestBytesPerToken(t *testing.T) {
	c := config(t, `{version: 1, providers: {openai: {}}, models: {a/m: {endpoints: [{provider: openai}], bytes_per_token: 2.50}, b/*: {endpoints: [{provider: openai}],
  bytes_per_token: "3"}, c/m: {endpoints: [{provider: openai}], route: {fallbacks: [b/x]}}}}`)
	s, _ := compile.Compile(c, 1, nil)
	if a, b, none := s.Models["a/m"].BytesPerToken, s.Models["c/m"].Fallbacks[0].BytesPerToken, s.Models["c/m"].BytesPerToken; a != 2500 || b != 3000 || none != 0 {
		t.Errorf("bytes per token: %d, %d, %d", a, b, none)
	}
	c.Models = map[string]fairlead.ModelConfig{"a/m": c.Models["a/m"]}
	if doc := string(compile.Document(c)); doc != `{"models":{"a/m":{"bytes_per_token":"2.5","endpoints":[{"provider":"openai"}]}},"providers":{"openai":{}},"version":1}` {
		t.Errorf("the document is %s", doc)
	}
}
