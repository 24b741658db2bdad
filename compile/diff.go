package compile

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"fairlead"
)

// Op says what happened to a thing.
type Op string

// The ops of differences.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Thing is what a difference is about.
type Thing string

// The things that a configuration has.
const (
	ThingProvider Thing = "provider"
	ThingModel    Thing = "model"
	ThingEndpoint Thing = "endpoint"
	ThingAlias    Thing = "alias"
	ThingSettings Thing = "settings"
)

// Difference is one difference between two configurations, in words that both people and programs can read. It
// holds references, never values of credentials.
type Difference struct {
	Op    Op     `json:"op"`
	Thing Thing  `json:"thing"`
	Name  string `json:"name,omitempty"`  // of the provider or model, the endpoint's id, the alias; "" = settings
	Field string `json:"field,omitempty"` // of what changed, such as price.input; "" = the whole thing
	From  string `json:"from,omitempty"`  // "" = nothing was stated; of a whole thing: all that was
	To    string `json:"to,omitempty"`
}

// Differences are all between two configurations: of providers, then of models, each with its endpoints by id,
// of aliases, and of settings.
type Differences []Difference

// Text gives one line, without a newline: "~ endpoint openai/gpt@openai: weight 100 -> 25".
func (d Difference) Text() string {
	sign := map[Op]string{Added: "+ ", Removed: "- ", Changed: "~ "}[d.Op]
	line := sign + string(d.Thing)
	if d.Name != "" {
		line += " " + shown(d.Name)
	}
	switch {
	case d.Op == Changed && d.Field == "":
		return line + ": " + shown(d.From) + " -> " + shown(d.To)
	case d.Op == Changed:
		return line + ": " + d.Field + " " + shown(cmp.Or(d.From, "unset")) + " -> " + shown(cmp.Or(d.To, "unset"))
	case d.From+d.To == "":
		return line
	}
	return line + ": " + shown(d.From+d.To)
}

// Text gives one line a difference, each ended by a newline.
func (ds Differences) Text() string {
	var b strings.Builder
	for _, d := range ds {
		b.WriteString(d.Text() + "\n")
	}
	return b.String()
}

// maxLine is how much of a value a line shows, in bytes.
const maxLine = 400

// shown is a value for a terminal: bounded, and quoted where it holds what does not print.
func shown(s string) string {
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// Diff says in what two configurations differ. It is empty where they mean the same: where all that they state is
// equal, what they leave out and has a default of its own taken as stated. The order of names, of endpoints and
// of lists says nothing, but for that of credentials and of fallbacks, which are used in order. A nil Config
// states nothing.
func Diff(from, to *fairlead.Config) Differences {
	from, to = valueOf(from), valueOf(to)
	var ds Differences
	for _, name := range bothNames(from.Providers, to.Providers) {
		a, before := from.Providers[name]
		b, after := to.Providers[name]
		ds = ds.thing(ThingProvider, name, side{before, func() []fact { return providerFacts(name, a) }}, side{after, func() []fact { return providerFacts(name, b) }}, nil)
	}
	for _, name := range otherModels(from, to) {
		a, before := from.Models[name]
		b, after := to.Models[name]
		ds = ds.thing(ThingModel, name, side{before, func() []fact { return modelFacts(a) }}, side{after, func() []fact { return modelFacts(b) }}, modelDefaults)
		ds = ds.endpoints(name, a, b)
	}
	ds = ds.aliases(aliases(from), aliases(to))
	return ds.thing(ThingSettings, "", side{true, func() []fact { return factsOf(from.Settings) }}, side{true, func() []fact { return factsOf(to.Settings) }}, settingsDefaults)
}

// otherModels names the models that two configurations do not have in common, sorted: few, mostly.
func otherModels(from, to *fairlead.Config) (names []string) {
	for name, a := range from.Models {
		if b, stays := to.Models[name]; !stays || !reflect.DeepEqual(a, b) {
			names = append(names, name)
		}
	}
	for name := range to.Models {
		if _, was := from.Models[name]; !was {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func valueOf(c *fairlead.Config) *fairlead.Config {
	if c == nil {
		return &fairlead.Config{}
	}
	return c
}

// bothNames lists the names of two maps, sorted and each once.
func bothNames[T any](a, b map[string]T) []string {
	names := append(sortedKeys(a), sortedKeys(b)...)
	slices.Sort(names)
	return slices.Compact(names)
}

// side is a thing in one of the two configurations.
type side struct {
	there bool
	facts func() []fact
}

func (ds Differences) thing(thing Thing, name string, from, to side, defaults []fact) Differences {
	switch {
	case from.there && to.there:
		return ds.fields(Difference{Op: Changed, Thing: thing, Name: name}, from.facts(), to.facts(), defaults)
	case from.there:
		return append(ds, Difference{Op: Removed, Thing: thing, Name: name, From: summary(from.facts())})
	case to.there:
		return append(ds, Difference{Op: Added, Thing: thing, Name: name, To: summary(to.facts())})
	}
	return ds
}

func summary(list []fact) string {
	var parts []string
	for _, f := range list {
		parts = append(parts, f.field+" "+f.text)
	}
	return strings.Join(parts, ", ")
}

// fields adds the fields in which a thing differs, in the order of their names.
func (ds Differences) fields(of Difference, from, to, defaults []fact) Differences {
	before, after := map[string]string{}, map[string]string{}
	for _, d := range defaults {
		before[d.field], after[d.field] = d.text, d.text
	}
	for _, f := range from {
		before[f.field] = f.text
	}
	for _, f := range to {
		after[f.field] = f.text
	}
	for _, field := range bothNames(before, after) {
		if a, b := before[field], after[field]; a != b {
			of.Field, of.From, of.To = field, a, b
			ds = append(ds, of)
		}
	}
	return ds
}

func (ds Differences) endpoints(model string, from, to fairlead.ModelConfig) Differences {
	before, after := byID(model, from.Endpoints), byID(model, to.Endpoints)
	for _, id := range bothNames(before, after) {
		a, was := before[id]
		b, is := after[id]
		if was && is && reflect.DeepEqual(a, b) {
			continue
		}
		ds = ds.thing(ThingEndpoint, id, side{was, func() []fact { return endpointFacts(model, a) }}, side{is, func() []fact { return endpointFacts(model, b) }}, endpointDefaults)
	}
	return ds
}

func byID(model string, list []fairlead.EndpointConfig) map[string]fairlead.EndpointConfig {
	m := make(map[string]fairlead.EndpointConfig, len(list))
	for _, e := range list {
		m[endpointID(model, e)] = e
	}
	return m
}

// aliases are all of a configuration, each with its model.
func aliases(c *fairlead.Config) map[string]string {
	m := map[string]string{}
	for name, model := range c.Models {
		for _, alias := range model.Aliases {
			m[alias] = name
		}
	}
	return m
}

func (ds Differences) aliases(from, to map[string]string) Differences {
	for _, alias := range bothNames(from, to) {
		d := Difference{Op: Changed, Thing: ThingAlias, Name: alias, From: from[alias], To: to[alias]}
		switch {
		case d.From == d.To:
			continue
		case d.From == "":
			d.Op = Added
		case d.To == "":
			d.Op = Removed
		}
		ds = append(ds, d)
	}
	return ds
}
