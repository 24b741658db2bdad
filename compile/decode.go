package compile

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills a value from YAML nodes, strictly: every field must be known and every value of the
// type that the field has. It goes on after a mistake, so that all are found at once.
type decoder struct {
	src     *source
	found   Findings
	fields  map[reflect.Type]*fields
	aliases int // nesting of aliases
	aliased int // values reached through aliases
	stopped bool
}

// fields are the names that a struct takes, by its json tags.
type fields struct {
	names []string // in the order of the struct
	index map[string]int
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

func newDecoder(src *source) *decoder {
	return &decoder{src: src, fields: map[reflect.Type]*fields{}}
}

func (d *decoder) document(root *yaml.Node, target any) {
	d.value(root, reflect.ValueOf(target).Elem(), "")
}

func (d *decoder) fault(n *yaml.Node, path, message, hint string) {
	d.found = d.found.with(Finding{
		Severity: Error, Path: path, File: d.src.name,
		Line: n.Line, Column: n.Column, Message: message, Hint: hint,
	})
	d.stopped = d.stopped || d.found.full()
}

// value reads n into v, which is zero.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if d.stop(n, path) {
		return
	}
	if n.Kind == yaml.AliasNode {
		d.aliases++
		d.value(n.Alias, v, path)
		d.aliases--
		return
	}
	if v.Kind() == reflect.Pointer {
		if isNull(n) {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Addr().Type().Implements(textType):
		d.text(n, v, path)
	case v.Type() == priceType && n.Kind == yaml.ScalarNode && !isNull(n):
		d.free(n, v, path)
	case v.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// stop bounds the values that aliases of aliases stand for. Nesting needs no bound here: the types
// that are read into end it, even where an alias stands within its own anchor.
func (d *decoder) stop(n *yaml.Node, path string) bool {
	if d.aliases > 0 {
		d.aliased++
	}
	switch {
	case d.stopped:
	case d.aliased > maxAliased:
		d.fault(n, path, fmt.Sprintf("aliases stand for more than %d values", maxAliased), "write out what differs")
	default:
		return false
	}
	d.stopped = true
	return true
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	known := d.known(v.Type())
	d.pairs(n, path, func(name, val *yaml.Node, at string) {
		i, ok := known.index[name.Value]
		if !ok {
			d.fault(name, at, "this field is not known", meant(name.Value, known.names))
			return
		}
		d.value(val, v.Field(i), at)
	})
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(name, val *yaml.Node, at string) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(val, e, at)
		v.SetMapIndex(reflect.ValueOf(name.Value), e)
	})
}

// pairs goes through a mapping, refusing what YAML allows and a configuration does not. A null is an
// absent mapping.
func (d *decoder) pairs(n *yaml.Node, path string, each func(name, val *yaml.Node, at string)) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fault(n, path, "must be a mapping (name: value), is "+kind(n), "")
		return
	}
	first := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, val := n.Content[i], n.Content[i+1]
		if name.Kind == yaml.AliasNode {
			name = name.Alias
		}
		if name.Kind != yaml.ScalarNode || name.ShortTag() != "!!str" {
			d.badName(n.Content[i], name, path)
			continue
		}
		if d.stopped {
			return
		}
		at := key(path, name.Value)
		if line, twice := first[name.Value]; twice {
			d.fault(name, at, fmt.Sprintf("stands twice; the first is in line %d", line), "")
			continue
		}
		first[name.Value] = name.Line
		d.src.at[at] = position{name.Line, name.Column}
		each(name, val, at)
	}
}

func (d *decoder) badName(n, name *yaml.Node, path string) {
	if name.ShortTag() == "!!merge" {
		d.fault(n, path, "merge keys (<<) are not taken", "write the fields out, or use an alias for a whole value")
		return
	}
	d.fault(n, path, "a name here must be a string, is "+kind(name), "write it in quotes")
}

// list reads a sequence. A null is an absent list, which differs from an empty one.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode || n.Kind == yaml.MappingNode {
			hint = "put it in brackets, or behind a dash"
		}
		d.fault(n, path, "must be a list, is "+kind(n), hint)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, min(len(n.Content), 1024)))
	for i, c := range n.Content {
		if d.stopped {
			return
		}
		at := item(path, i)
		d.src.at[at] = position{c.Line, c.Column}
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(c, e, at)
		v.Set(reflect.Append(v, e))
	}
}

// text reads a type that has a spelling of its own: sizes and durations.
func (d *decoder) text(n *yaml.Node, v reflect.Value, path string) {
	what := wanted(v)
	if n.Kind != yaml.ScalarNode || !slices.Contains([]string{"!!str", "!!int", "!!float"}, n.ShortTag()) {
		d.fault(n, path, "must be "+what+", is "+kind(n), "")
		return
	}
	d.src.at[path] = position{n.Line, n.Column}
	if len(n.Value) > maxShown || v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value)) != nil {
		d.fault(n, path, show(n.Value)+" is not "+what, "")
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	d.src.at[path] = position{n.Line, n.Column}
	what, tags := wanted(v), map[reflect.Kind][]string{
		reflect.String:  {"!!str"},
		reflect.Bool:    {"!!bool"},
		reflect.Int:     {"!!int"},
		reflect.Float64: {"!!int", "!!float"},
	}[v.Kind()]
	switch {
	case isNull(n):
		d.fault(n, path, "has no value; must be "+what, "give it one, or take the line away")
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" && v.Kind() == reflect.String && chosen(path):
		v.SetString(n.Value) // the check says which words there are
	case n.Kind != yaml.ScalarNode || !slices.Contains(tags, n.ShortTag()):
		hint := ""
		if v.Kind() == reflect.String && n.Kind == yaml.ScalarNode {
			hint = "write it in quotes"
		}
		d.fault(n, path, "must be "+what+", is "+kind(n), hint)
	case !set(n, v):
		d.fault(n, path, "is not "+what+", or is too large", "")
	}
}

// chosen reports whether a field of a route holds one of a few words: true and false are none of them, in quotes or
// without.
func chosen(path string) bool {
	for _, field := range []string{".route.continue", ".route.optimize", ".route.placement.mode"} {
		if strings.HasSuffix(path, field) {
			return true
		}
	}
	return false
}

// set reads a scalar whose tag fits v.
func set(n *yaml.Node, v reflect.Value) bool {
	if v.Kind() == reflect.String {
		v.SetString(n.Value)
		return true
	}
	return n.Decode(v.Addr().Interface()) == nil
}

func (d *decoder) known(t reflect.Type) *fields {
	if f, ok := d.fields[t]; ok {
		return f
	}
	f := &fields{index: map[string]int{}}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		f.names = append(f.names, name)
		f.index[name] = i
	}
	d.fields[t] = f
	return f
}

// wanted says in plain words what a value of v's type must be.
func wanted(v reflect.Value) string {
	switch v.Type().Name() {
	case "Bytes":
		return "a size such as 32MiB"
	case "Duration":
		return "a duration such as 15s"
	case "TokenBytes":
		return "a number of bytes such as 3.5, from 0.5 to 16"
	case "AutoDuration":
		return `a duration such as 15s, or "auto"`
	}
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "a string"
}

// kind says in plain words what a node is, without its value: that may be a secret in the wrong place.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!str":
		return "a string"
	case "!!int":
		return "a whole number"
	case "!!float":
		return "a decimal number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "a value with the tag " + strconv.Quote(n.ShortTag())
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
