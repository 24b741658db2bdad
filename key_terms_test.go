package fairlead_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"fairlead"
)

func TestMatchGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "ab", false},
		{"ab", "a", false},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"openai/*", "openai/gpt", true},
		{"openai/*", "openai/", true},
		{"openai/*", "xopenai/gpt", false},
		{"*@openai", "a/b@openai", true},
		{"*@openai", "a/b@openai~b", false},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "abc", true},
		{"a*b*c", "acb", false},
		{"*ab", "aab", true},
		{"**a**", "a", true},
		{"a?c", "abc", false},
		{"[a]", "a", false},
	} {
		if got := fairlead.MatchGlob(c.pattern, c.name); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.name, got)
		}
	}
	// Regular expressions are an independent reading.
	letters := "ab*"
	var texts []string
	for n := range 3 * 3 * 3 * 3 * 3 {
		texts = append(texts, strings.TrimLeft(string([]byte{letters[n%3], letters[n/3%3], letters[n/9%3], letters[n/27%3], letters[n/81%3]}), "b"))
	}
	for _, pattern := range texts {
		re := regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`)
		for _, name := range texts {
			if got := fairlead.MatchGlob(pattern, name); got != re.MatchString(name) {
				t.Fatalf("%q matches %q: %v", pattern, name, got)
			}
		}
	}
	if fairlead.MatchGlob(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 100_000)) {
		t.Error("a long name matches")
	}
}

func TestAllowed(t *testing.T) {
	model := &fairlead.Model{Name: "openai/gpt", Aliases: []string{"fast"}}
	wild := &fairlead.Model{Name: "openai/*", Wildcard: true}
	for _, c := range []struct {
		models string
		m      *fairlead.Model
		asked  string
		want   bool
	}{
		{"", model, "openai/gpt", true},
		{"openai/*", model, "openai/gpt", true},
		{"openai/*", model, "fast", true},
		{"fast", model, "fast", true},
		{"fast", model, "openai/gpt", false},
		{"anthropic/*", model, "openai/gpt", false},
		{"anthropic/* openai/gpt", model, "openai/gpt", true},
		{"openai/g*", wild, "openai/gpt", true},
		{"openai/o*", wild, "openai/gpt", false},
		{"openai/[*]", wild, "openai/gpt", false},
	} {
		terms := &fairlead.KeyTerms{Models: strings.Fields(c.models)}
		if got := terms.AllowsModel(c.m, c.asked); got != c.want {
			t.Errorf("%q allows %s, asked for as %s: %v", c.models, c.m.Name, c.asked, got)
		}
	}
	var nobody *fairlead.KeyTerms
	if !nobody.AllowsModel(model, "fast") || !nobody.AllowsEndpoint("x") {
		t.Error("without a key something is not allowed")
	}
	if terms := (&fairlead.KeyTerms{Endpoints: []string{"*@a"}}); !terms.AllowsEndpoint("m@a") || terms.AllowsEndpoint("m@b") {
		t.Error("endpoints")
	}
}

// TestStoredKey holds that a key without terms is stored as it was before there were any, that one of then is read, and that nothing is lost.
func TestStoredKey(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
	k := fairlead.Key{ID: "key_1", Name: "n", Hash: fairlead.KeyHash{1}, Hint: "h", Created: at}
	stored := k.Stored()
	text, err := json.Marshal(&stored)
	want := `{"id":"key_1","name":"n","hash":"01` + strings.Repeat("0", 62) + `","hint":"h","created":"2026-03-04T05:06:07.000008Z"}`
	if err != nil || string(text) != want {
		t.Errorf("stored as %s, %v", text, err)
	}
	full := k
	full.KeyTerms = fairlead.KeyTerms{
		Account: "acc_1", Team: "team_1", Owner: "o", Models: []string{"a"}, Endpoints: []string{"b"}, Expires: at, Disabled: true,
		Metadata: map[string]string{"x": "y"}, Old: fairlead.KeyHash{2}, OldUntil: at,
	}
	for _, k := range []fairlead.Key{k, full} {
		stored := k.Stored()
		text, err := json.Marshal(&stored)
		if err != nil {
			t.Fatal(err)
		}
		var back fairlead.StoredKey
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back.Key(), k) {
			t.Errorf("%s came back as %+v, %v", text, back.Key(), err)
		}
	}
	// None knows each member.
	none := fairlead.KeyTerms{}
	if !none.None() {
		t.Error("no terms are some")
	}
	v := reflect.ValueOf(full.KeyTerms)
	for i := range v.NumField() {
		one := fairlead.KeyTerms{}
		reflect.ValueOf(&one).Elem().Field(i).Set(v.Field(i))
		if one.None() {
			t.Errorf("%s alone is none", v.Type().Field(i).Name)
		}
	}
}

func TestTermsThatCannotBe(t *testing.T) {
	long := strings.Repeat("x", 201)
	for name, terms := range map[string]fairlead.KeyTerms{
		"a team without an account": {Team: "team_1"},
		"a long owner":              {Owner: long},
		"an unseen owner":           {Owner: "a\x1bb"},
		"a long glob":               {Models: []string{long}},
		"an empty glob":             {Endpoints: []string{""}},
		"many globs":                {Models: strings.Split(strings.Repeat("a ", 64), " ")},
		"metadata":                  {Metadata: map[string]string{"": "x"}},
	} {
		if terms.Validate() == nil {
			t.Errorf("%s is allowed", name)
		}
	}
	good := fairlead.KeyTerms{Account: "acc_1", Team: "team_1", Owner: "o", Models: []string{"*"}, Metadata: map[string]string{"a": ""}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if (&fairlead.Account{Name: "a"}).Validate() != nil || (&fairlead.Team{Name: "a"}).Validate() != nil {
		t.Error("a plain account or team is not allowed")
	}
	if (&fairlead.Account{}).Validate() == nil || (&fairlead.Account{Name: "a", Margin: -1}).Validate() == nil || (&fairlead.Team{Name: "\n"}).Validate() == nil {
		t.Error("a nameless one, or a negative margin, is allowed")
	}
}
