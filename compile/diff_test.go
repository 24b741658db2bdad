package compile_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fairlead"
	"fairlead/compile"
)

// config reads a text that has no errors.
func config(t testing.TB, text string) *fairlead.Config {
	t.Helper()
	c, found := compile.Read([]byte(text), "f")
	if c == nil {
		t.Fatal(found)
	}
	return c
}

const before = `
version: 1
providers:
  openai: {credentials: [{value: "${env:A}"}, {name: spare, value: "${secret:b}"}], callable_from: {deny: [CN, RU]}}
  gpu: {dialect: openai, base_url: "http://gpu:8000/v1"}
models:
  a/m:
    aliases: [fast, m]
    endpoints:
      - {provider: openai, price: {input: "0.15", output: "0.6"}, supports: [tools, vision], limits: {rpm: 5}}
      - {provider: gpu, weight: 50}
    route: {fallbacks: [a/n, a/o]}
  a/n: {context: 1000, endpoints: [{provider: gpu}]}
  a/o: {endpoints: [{provider: gpu}]}
settings: {attempts: 5}
`

// TestDiff tables edits and what is said of them.
func TestDiff(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"a comment and a provider", "version: 1\nproviders:\n", "version: 1\n# x\nproviders:\n  gpu2: {dialect: openai, base_url: 'http://gpu:8000/v1'}\n", "+ provider gpu2: base_url http://gpu:8000/v1, dialect openai\n"},
		{"a weight", "weight: 50", "weight: 25", "~ endpoint a/m@gpu: weight 50 -> 25\n"},
		{"a weight from its default", "a/o: {endpoints: [{provider: gpu}]}", "a/o: {endpoints: [{provider: gpu, weight: 0}]}", "~ endpoint a/o@gpu: weight 100 -> 0\n"},
		{"a price", `"0.6"`, `"0.75"`, "~ endpoint a/m@openai: price.output 0.6 -> 0.75\n"},
		{"a price taken away", `price: {input: "0.15", output: "0.6"}, `, "", "~ endpoint a/m@openai: price.input 0.15 -> unset\n~ endpoint a/m@openai: price.output 0.6 -> unset\n"},
		{"abilities", "supports: [tools, vision]", "supports: []", "~ endpoint a/m@openai: supports [tools, vision] -> []\n"},
		{"a limit", "rpm: 5", "tpm: 5", "~ endpoint a/m@openai: limits.rpm 5 -> unset\n~ endpoint a/m@openai: limits.tpm unset -> 5\n"},
		{"an endpoint renamed", "{provider: gpu, weight: 50}", "{provider: gpu, weight: 50, name: b}", "- endpoint a/m@gpu: model m, weight 50\n+ endpoint a/m@gpu~b: model m, weight 50\n"},
		{"a model", "  a/o: {endpoints: [{provider: gpu}]}\n", "", "- model a/o\n- endpoint a/o@gpu: model o\n"},
		{"an alias moves", "aliases: [fast, m]", "aliases: [m]", "- alias fast: a/m\n"},
		{"fallbacks are in order", "[a/n, a/o]", "[a/o, a/n]", "~ model a/m: route.fallbacks [a/n, a/o] -> [a/o, a/n]\n"},
		{"credentials are in order", `[{value: "${env:A}"}, {name: spare, value: "${secret:b}"}]`, `[{name: spare, value: "${secret:b}"}, {name: main, value: "${env:A}"}]`, "~ provider openai: credentials main ${env:A}, spare ${secret:b} -> spare ${secret:b}, main ${env:A}\n"},
		{"an address", "http://gpu:8000/v1", "http://gpu:8001/v1", "~ provider gpu: base_url http://gpu:8000/v1 -> http://gpu:8001/v1\n"},
		{"countries", "[CN, RU]", "[CN]", "~ provider openai: callable_from.deny [CN, RU] -> [CN]\n"},
		{"retention that is none at all", "gpu: {", "gpu: {retention: {}, ", "~ provider gpu: retention.days unset -> 0\n~ provider gpu: retention.trains unset -> false\n"},
		{"timeouts and probes", "gpu: {", "gpu: {timeouts: {idle: 90s, total: 0s}, probe: {path: /h}, ", "~ provider gpu: probe.path unset -> /h\n~ provider gpu: timeouts.idle unset -> 1m30s\n~ provider gpu: timeouts.total unset -> 0s\n"},
		{"a setting back to its default", "settings: {attempts: 5}", "settings: {max_body: 1MiB}", "~ settings: attempts 5 -> 3\n~ settings: max_body 32MiB -> 1MiB\n"},
		{"a route", "route: {", "route: {continue: off, hedge: true, ", "~ model a/m: route.continue auto -> off\n~ model a/m: route.hedge unset -> true\n"},
		{"what does not print is quoted", "{provider: gpu, weight: 50}", `{provider: gpu, weight: 50, model: "x\u200by"}`, `~ endpoint a/m@gpu: model m -> "x\u200by"` + "\n"},
	} {
		from, to := config(t, before), config(t, strings.Replace(before, c.old, c.new, 1))
		if got := compile.Diff(from, to).Text(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	moved := config(t, strings.Replace(strings.Replace(before, "aliases: [fast, m]", "aliases: [m]", 1), "a/n: {", "a/n: {aliases: [fast], ", 1))
	if got := compile.Diff(config(t, before), moved).Text(); got != "~ alias fast: a/m -> a/n\n" {
		t.Errorf("an alias that moves: %s", got)
	}
	if got := compile.Diff(nil, config(t, "version: 1\nproviders: {vllm: {}}")).Text(); got != "+ provider vllm: dialect openai\n" {
		t.Errorf("from nothing: %s", got)
	}
	text, err := json.Marshal(compile.Diff(config(t, before), config(t, strings.Replace(before, "weight: 50", "weight: 25", 1))))
	if want := `[{"op":"changed","thing":"endpoint","name":"a/m@gpu","field":"weight","from":"50","to":"25"}]`; err != nil || string(text) != want {
		t.Errorf("as JSON %s, %v; want %s", text, err, want)
	}
}

// TestDiffMeaning holds that what means the same is no difference: order, spelling, defaults that are written out.
func TestDiffMeaning(t *testing.T) {
	other := config(t, `
settings: {max_body: 32768KiB, attempts: 5, timeouts: {total: 600s, idle: auto}, retry_budget: 0.150, records: {per_second: 200}}
models:
  a/o: {endpoints: [{provider: gpu, weight: 100, model: o, limits: {}}], aliases: []}
  a/n: {endpoints: [{provider: gpu}], context: 1000, route: {continue: auto, optimize: balanced, placement: {mode: smart}}}
  a/m:
    aliases: [m, fast]
    endpoints:
      - {provider: gpu, weight: 50}
      - {supports: [vision, tools, tools], provider: openai, limits: {rpm: 5}, price: {input: "0.150", output: "0.60"}}
    route: {fallbacks: [a/n, a/o]}
providers:
  gpu: {base_url: "http://gpu:8000/v1/", dialect: openai}
  openai: {dialect: openai, callable_from: {deny: [RU, CN]}, credentials: [{name: main, value: "${env:A}"}, {name: spare, value: "${secret:b}"}]}
version: 1
`)
	if got := compile.Diff(config(t, before), other); len(got) > 0 {
		t.Errorf("differences:\n%s", got.Text())
	}
}

// TestDiffTellsEveryField changes each field that a configuration has, one at a time, and holds that a difference
// names it.
func TestDiffTellsEveryField(t *testing.T) {
	n := 0
	tells := func(to *fairlead.Config) func(string) {
		return func(path string) {
			n++
			from := config(t, before)
			from.Settings = fairlead.SettingsConfig{}
			ds := compile.Diff(from, to)
			if !slices.ContainsFunc(ds, func(d compile.Difference) bool {
				return d.Field == path || (path == "aliases" && d.Thing == compile.ThingAlias) || ((path == "name" || path == "provider") && d.Op == compile.Added)
			}) {
				t.Errorf("a change of %s gives %q", path, ds.Text())
			}
		}
	}
	c := config(t, before)
	c.Settings = fairlead.SettingsConfig{}
	changeEach(reflect.ValueOf(&c.Settings).Elem(), "", tells(c))
	c.Settings = fairlead.SettingsConfig{}
	changeEach(reflect.ValueOf(&c.Models["a/o"].Endpoints[0]).Elem(), "", tells(c))
	p, m := c.Providers["gpu"], c.Models["a/n"]
	changeEach(reflect.ValueOf(&p).Elem(), "", func(path string) { c.Providers["gpu"] = p; tells(c)(path) })
	c = config(t, before)
	c.Settings = fairlead.SettingsConfig{}
	changeEach(reflect.ValueOf(&m).Elem(), "", func(path string) { c.Models["a/n"] = m; tells(c)(path) })
	if n < 50 {
		t.Errorf("only %d fields were changed", n)
	}
}

// changeEach changes every leaf of a struct, one at a time.
func changeEach(v reflect.Value, path string, changed func(path string)) {
	kept := reflect.New(v.Type()).Elem()
	kept.Set(v)
	defer func() { v.Set(kept) }()
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		changeEach(v.Elem(), path, changed)
		return
	case reflect.Struct:
		for i := range v.NumField() {
			at := path
			if name := v.Type().Field(i).Tag.Get("json"); name != "-" { // which says something of the whole
				at = strings.TrimPrefix(path+"."+name, ".")
			}
			changeEach(v.Field(i), at, changed)
		}
		return
	case reflect.Slice:
		e := reflect.New(v.Type().Elem()).Elem()
		if e.Kind() == reflect.String {
			e.SetString("other")
		} else if c, ok := e.Addr().Interface().(*fairlead.CredentialConfig); ok {
			c.Value = "${env:OTHER}"
		} else if c, ok := e.Addr().Interface().(*fairlead.TierConfig); ok {
			c.Above = 5
		} else {
			return // endpoints are changed on their own
		}
		v.Set(reflect.Append(v, e))
	case reflect.String:
		v.SetString("other")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.5)
	default:
		v.SetInt(7)
	}
	changed(path)
}

// TestDiffIsSound holds over random configurations that nothing that is compiled differently is passed over, and
// that a difference there is one back.
func TestDiffIsSound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		a := randomConfig(r)
		b := edited(r, a)
		there, back := compile.Diff(a, b), compile.Diff(b, a)
		if len(there) != len(back) {
			t.Fatalf("there\n%sback\n%s", there.Text(), back.Text())
		}
		one, _ := compile.Compile(a, 1, nil)
		other, _ := compile.Compile(b, 1, nil)
		if one == nil || other == nil {
			t.Fatalf("a random configuration does not compile: %s", compile.Check(b))
		}
		if len(there) == 0 && describe(one) != describe(other) {
			t.Fatalf("no difference between\n%s\nand\n%s", compile.Document(a), compile.Document(b))
		}
		from, to := compile.Document(a), compile.Document(b)
		patch, err := compile.Patch(from, to)
		if merged, failed := compile.Merge(from, patch); err != nil || failed != nil || string(merged) != string(to) {
			t.Fatalf("%s patched with %s is %s, %v, %v", from, patch, merged, err, failed)
		}
		if same := compile.Diff(a, config(t, string(compile.Document(a)))); len(same) != 0 {
			t.Fatalf("a document differs from itself: %s", same.Text())
		}
	}
}

// describe tells all of a snapshot that its order of endpoints and of abilities does not.
func describe(s *fairlead.Snapshot) string {
	var lines []string
	for name, m := range s.Models {
		lines = append(lines, fmt.Sprint(name, " ", m.Name, m.Context, m.MaxOutput, m.Continues, m.Hedge, names(m.Fallbacks)))
	}
	for _, e := range s.Endpoints {
		lines = append(lines, fmt.Sprint(e.ID, e.Upstream, e.Weight, e.Price, e.Supports, e.Region, e.Context, e.Limits))
	}
	for _, p := range s.Providers {
		lines = append(lines, fmt.Sprint(p.Name, p.Dialect, p.BaseURL, p.Region, p.Timeouts, p.Transport, p.Quirks, p.Probe, p.Credentials))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + fmt.Sprint(s.Settings)
}

func names(models []*fairlead.Model) (list []string) {
	for _, m := range models {
		list = append(list, m.Name)
	}
	return list
}
