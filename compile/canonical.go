package compile

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
)

// Canonical reads a document that people wrote, YAML or JSON, and gives it as configurations are stored and
// carried: JSON with names sorted by their bytes, without null members, insignificant space, HTML escapes, and
// what is absent where it says nothing (an empty list, but that of supports; a mapping without a field). So two
// texts that differ only in form give the same bytes. name stands in the findings, which are those of Read, with
// its lines; doc and cfg are nil where any of them is an error. Canonical of doc is doc again.
func Canonical(text []byte, name string) (doc []byte, cfg *fairlead.Config, found Findings) {
	cfg, found = Read(text, name)
	if cfg == nil {
		return nil, nil, found
	}
	tidy(cfg)
	doc = Document(cfg)
	if len(doc) > maxDocument { // aliases can stand for much
		return nil, nil, append(found, Finding{
			Severity: Error, File: name,
			Message: fmt.Sprintf("written out, the document has %d bytes; at most %d are taken", len(doc), maxDocument),
		}).sorted()
	}
	return doc, cfg, found
}

// Document writes a Config as a canonical document; see Canonical.
func Document(c *fairlead.Config) []byte { return encode(c) }

// encode writes what v points to.
func encode(v any) []byte {
	b, _ := appendValue(nil, reflect.ValueOf(v), true)
	return b
}

// tidy makes nil of what says nothing, so that the Config is what readers make of its document.
func tidy(c *fairlead.Config) {
	if len(c.Providers) == 0 {
		c.Providers = nil
	}
	if len(c.Models) == 0 {
		c.Models = nil
	}
	for name, p := range c.Providers {
		p.Credentials = stated(p.Credentials)
		p.CallableFrom.Allow, p.CallableFrom.Deny = stated(p.CallableFrom.Allow), stated(p.CallableFrom.Deny)
		c.Providers[name] = p
	}
	for name, m := range c.Models {
		m.Aliases, m.Endpoints = stated(m.Aliases), stated(m.Endpoints)
		m.Route.Fallbacks, m.Route.Placement.Regions = stated(m.Route.Fallbacks), stated(m.Route.Placement.Regions)
		for i := range m.Endpoints {
			if e := &m.Endpoints[i]; e.Limits != nil && *e.Limits == (fairlead.LimitsConfig{}) {
				e.Limits = nil
			}
			if p := m.Endpoints[i].Price; p != nil {
				p.Tiers = stated(p.Tiers)
			}
		}
		c.Models[name] = m
	}
}

func stated[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// shape is a struct's fields by name.
type shape []field

type field struct {
	name   string
	quoted string // the name in JSON, with its colon
	index  int
}

// shapes are those of all structs that a configuration is made of. They are worked out once: a document has
// thousands of each.
var shapes = shapesOf(map[reflect.Type]shape{}, reflect.TypeFor[fairlead.Config]())

// shapesOf adds the shapes that a type has and is made of.
func shapesOf(all map[reflect.Type]shape, t reflect.Type) map[reflect.Type]shape {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return shapesOf(all, t.Elem())
	case reflect.Struct:
	default:
		return all
	}
	if _, known := all[t]; known {
		return all
	}
	var s shape
	all[t] = nil
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" { // told otherwise
			continue
		}
		s = append(s, field{name, string(appendString(nil, name)) + ":", i})
		shapesOf(all, t.Field(i).Type)
	}
	slices.SortFunc(s, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	all[t] = s
	return all
}

// appendValue appends v as canonical JSON, by the json tags of its types. ok is false, and nothing is appended, where v is absent and need not be there.
func appendValue(b []byte, v reflect.Value, need bool) (_ []byte, ok bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return b, false
		}
		return appendValue(b, v.Elem(), true)
	}
	if !need && v.IsZero() {
		return b, false
	}
	if v.CanAddr() {
		if text, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
			return appendString(b, spelt(text)), true
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		if isFree(v) {
			return appendString(b, freeWord), true
		}
		return appendStructure(b, v, need)
	case reflect.Map:
		return appendMapping(b, v), true
	case reflect.Slice:
		return appendList(b, v), true
	case reflect.String:
		return appendString(b, v.String()), true
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), true
	case reflect.Float64:
		return strconv.AppendFloat(b, v.Float()+0, 'g', -1, 64), true // + 0 makes of -0 what other forms can say
	default:
		return strconv.AppendInt(b, v.Int(), 10), true
	}
}

func appendString(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // what is no UTF-8 becomes U+FFFD; readers let none in
	return b
}

// spelt is a size or a duration as people write it: 10m, not 10m0s.
func spelt(v encoding.TextMarshaler) string {
	text, _ := v.MarshalText() // they have no errors
	s := string(text)
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func appendStructure(b []byte, v reflect.Value, need bool) ([]byte, bool) {
	start, first := len(b), true
	b = append(b, '{')
	for _, f := range shapes[v.Type()] {
		if saysNothing(f.name, v.Field(f.index)) {
			continue
		}
		mark := len(b)
		if !first {
			b = append(b, ',')
		}
		b = append(b, f.quoted...)
		var ok bool
		if b, ok = appendValue(b, v.Field(f.index), false); !ok {
			b = b[:mark]
			continue
		}
		first = false
	}
	if first && !need {
		return b[:start], false
	}
	return append(b, '}'), true
}

// saysNothing reports whether a field may as well be absent, whatever else there is in its type.
func saysNothing(name string, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() == 0 && name != "supports" // where an empty list is closed
	case reflect.Map:
		return v.Len() == 0
	}
	return name == "limits" && !v.IsNil() && v.Elem().IsZero()
}

func appendMapping(b []byte, v reflect.Value) []byte {
	names := v.MapKeys()
	slices.SortFunc(names, func(x, y reflect.Value) int { return cmp.Compare(x.String(), y.String()) })
	element := reflect.New(v.Type().Elem()).Elem() // what is in a map has no address
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name.String()), ':')
		element.Set(v.MapIndex(name))
		b, _ = appendValue(b, element, true)
	}
	return append(b, '}')
}

func appendList(b []byte, v reflect.Value) []byte {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = appendValue(b, v.Index(i), true)
	}
	return append(b, ']')
}
