package compile

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead"
)

// fact is what a configuration says of one field of a thing, in the words that two documents of the same meaning
// share.
type fact struct{ field, text string }

// facts reads the facts of configurations, by the json tags of their types: a new field is a fact by itself.
type facts struct{ list []fact }

// factsOf lists the facts of a part of a configuration, in the order of their fields' names. skip names fields
// that are told otherwise.
func factsOf[T any](part T, skip ...string) []fact {
	var f facts
	f.structure("", reflect.ValueOf(&part).Elem(), skip, false)
	return f.list
}

func (f *facts) structure(prefix string, v reflect.Value, skip []string, need bool) {
	for _, field := range shapes[v.Type()] {
		if !slices.Contains(skip, prefix+field.name) {
			f.value(prefix+field.name, v.Field(field.index), need)
		}
	}
}

// value adds the facts of v, which has an address. need asks for a number or a choice that is zero, too.
func (f *facts) value(field string, v reflect.Value, need bool) {
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			f.value(field, v.Elem(), v.Elem().Kind() != reflect.Struct || field == "retention") // whose zeros are statements
		}
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
		if need || !v.IsZero() {
			f.add(field, spelt(text))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if isFree(v) {
			f.add(field, freeWord)
			return
		}
		f.structure(field+".", v, nil, need)
	case reflect.Slice:
		f.names(field, v)
	case reflect.String:
		if v.String() != "" {
			f.add(field, amount(field, v.String()))
		}
	default:
		if need || !v.IsZero() {
			b, _ := appendValue(nil, v, true)
			f.add(field, string(b))
		}
	}
}

func (f *facts) add(field, text string) { f.list = append(f.list, fact{field, text}) }

// names adds a list of names. Only that of fallbacks has an order; the order of all others says nothing.
func (f *facts) names(field string, v reflect.Value) {
	if field == "price.tiers" {
		f.tiers(field, v)
		return
	}
	list, ok := v.Interface().([]string)
	if !ok || v.IsNil() || (len(list) == 0 && field != "supports") {
		return
	}
	if field != "route.fallbacks" {
		list = slices.Compact(slices.Sorted(slices.Values(list)))
	}
	f.add(field, "["+strings.Join(list, ", ")+"]")
}

// tiers adds those of a price, whose order is theirs.
func (f *facts) tiers(field string, v reflect.Value) {
	var list []string
	for i := range v.Len() {
		list = append(list, tierText(v.Index(i)))
	}
	if len(list) > 0 {
		f.add(field, strings.Join(list, ", "))
	}
}

// amount writes amounts of money without the zeros that say nothing, and addresses without their last slash.
func amount(field, s string) string {
	switch {
	case strings.HasPrefix(field, "price."):
		if v, err := fairlead.ParseUnitPrice(s); err == nil {
			return v.String()
		}
	case field == "probe.budget":
		if v, err := fairlead.ParseUSD(s); err == nil {
			return v.String()
		}
	case field == "base_url":
		return strings.TrimRight(s, "/")
	}
	return s
}

// providerFacts are those of a provider. The order of its credentials says which goes first, so that they are one.
func providerFacts(name string, c fairlead.ProviderConfig) []fact {
	c.Dialect = dialectOf(name, c)
	list := factsOf(c, "credentials")
	var shown []string
	for i, cred := range c.Credentials {
		value := "[secret]"
		if ref, err := ParseReference(cred.Value); err == nil {
			value = ref.String()
		}
		shown = append(shown, credentialName(i, cred)+" "+value)
	}
	if len(shown) > 0 {
		list = append(list, fact{"credentials", strings.Join(shown, ", ")})
	}
	return list
}

// modelFacts are those of a model itself.
func modelFacts(c fairlead.ModelConfig) []fact {
	return factsOf(c, "aliases", "endpoints")
}

// endpointFacts are those of an endpoint, whose id says its model, provider and name.
func endpointFacts(model string, c fairlead.EndpointConfig) []fact {
	c.Model = cmp.Or(c.Model, bareName(model))
	return factsOf(c, "provider", "name")
}

// What holds where nothing is stated, by field. What is stated and the same is no difference to that.
var (
	modelDefaults    = []fact{{"bytes_per_token", strconv.Itoa(fairlead.BytesPerToken)}, {"route.optimize", "balanced"}, {"route.continue", "auto"}, {"route.placement.mode", "smart"}}
	endpointDefaults = []fact{{"weight", strconv.Itoa(defaultWeight)}}
	settingsDefaults = []fact{
		{"max_body", defaultMaxBody.String()},
		{"max_bodies", defaultMaxBodies.String()},
		{"attempts", strconv.Itoa(defaultAttempts)},
		{"retry_budget", strconv.FormatFloat(defaultRetryBudget, 'g', -1, 64)},
		{"records.per_second", strconv.Itoa(defaultPerSecond)},
		{"records.keep", lasting(time.Duration(defaultRecordsKeep))},
		{"records.max", defaultRecordsMax.String()},
		{"spool.keep", lasting(time.Duration(defaultSpoolKeep))},
		{"spool.max", defaultSpoolMax.String()},
		{"timeouts.connect", lasting(defaultTimeouts.Connect)},
		{"timeouts.headers", lasting(defaultTimeouts.Headers)},
		{"timeouts.first_token", lasting(defaultTimeouts.FirstToken)},
		{"timeouts.idle", lasting(defaultTimeouts.Idle)},
		{"timeouts.total", lasting(defaultTimeouts.Total)},
	}
)

func lasting(d time.Duration) string { return spelt(fairlead.AutoDuration(d)) }
