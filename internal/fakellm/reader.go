package fakellm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object as encoding/json gives it.
type object map[string]any

// reader walks a request's fields and keeps the first thing that is wrong, told as the provider of
// its shape tells it. Paths are dotted: messages.0.role.
type reader struct {
	shape shape
	wrong *problem
}

// parse reads a body that must be one JSON object.
func parse(sh shape, body []byte) (object, *problem) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("more than one value")
		}
	}
	if err != nil {
		return nil, invalid("", "We could not parse the JSON body of your request. The API expects a JSON payload.")
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("", "The body must be a JSON object, but is "+kindOf(v)+".")
	}
	return o, nil
}

// refuse notes the first mistake. OpenAI names the field in param, Anthropic before the message.
func (r *reader) refuse(path, code, message string) {
	if r.wrong != nil {
		return
	}
	if r.shape == anthropic {
		if path != "" {
			message = path + ": " + message
		}
		r.wrong = invalid("", message)
		return
	}
	r.wrong = invalid(brackets(path), message)
	r.wrong.code = code
}

// mistyped refuses a value of another type than the field has.
func (r *reader) mistyped(path, want string, v any) {
	if r.shape == anthropic {
		r.refuse(path, "", "Input should be a valid "+want)
		return
	}
	r.refuse(path, "invalid_type", fmt.Sprintf("Invalid type for '%s': expected a %s, but got %s instead.", brackets(path), want, kindOf(v)))
}

// missing refuses the absence of a field.
func (r *reader) missing(path string) {
	if r.shape == anthropic {
		r.refuse(path, "", "Field required")
		return
	}
	r.refuse(path, "missing_required_parameter", "Missing required parameter: '"+brackets(path)+"'.")
}

// only refuses fields that are not among the known ones, the way of both vendors.
func (r *reader) only(o object, at string, known []string) {
	names := make([]string, 0, len(o))
	for k := range o {
		if !slices.Contains(known, k) {
			names = append(names, k)
		}
	}
	if len(names) == 0 {
		return
	}
	name := slices.Min(names)
	if r.shape == anthropic {
		r.refuse(join(at, name), "", "Extra inputs are not permitted")
		return
	}
	r.refuse(join(at, name), "unknown_parameter", "Unrecognized request argument supplied: "+brackets(join(at, name)))
}

// str reads a string.
func (r *reader) str(o object, at, key string, required bool) string {
	v, ok := o[key]
	if !ok || v == nil {
		if required {
			r.missing(join(at, key))
		}
		return ""
	}
	s, ok := v.(string)
	if !ok {
		r.mistyped(join(at, key), "string", v)
	}
	return s
}

// word reads a string that must be one of a few.
func (r *reader) word(o object, at, key string, required bool, values ...string) string {
	s := r.str(o, at, key, required)
	if v, there := o[key]; there && v != nil && !slices.Contains(values, s) {
		if r.shape == anthropic {
			r.refuse(join(at, key), "", "Input should be '"+strings.Join(values, "' or '")+"'")
		} else {
			r.refuse(join(at, key), "invalid_value", "Invalid value: '"+s+"'. Supported values are: '"+strings.Join(values, "', '")+"'.")
		}
	}
	return s
}

// flag reads a boolean; the second result says whether it was given.
func (r *reader) flag(o object, at, key string) (value, given bool) {
	v, ok := o[key]
	if !ok || v == nil {
		return false, false
	}
	b, ok := v.(bool)
	if !ok {
		r.mistyped(join(at, key), "boolean", v)
	}
	return b, true
}

// number reads a number within bounds.
func (r *reader) number(o object, at, key string, low, high float64) (value float64, given bool) {
	v, ok := o[key]
	if !ok || v == nil {
		return 0, false
	}
	n, ok := v.(json.Number)
	if !ok {
		r.mistyped(join(at, key), "number", v)
		return 0, false
	}
	f, err := n.Float64()
	if err != nil || f < low || f > high {
		r.bounds(join(at, key), n.String(), low, high)
	}
	return f, true
}

// integer reads a whole number within bounds.
func (r *reader) integer(o object, at, key string, low, high float64) (value int, given bool) {
	f, given := r.number(o, at, key, low, high)
	if given && f != math.Trunc(f) {
		r.mistyped(join(at, key), "integer", o[key])
	}
	return int(f), given
}

func (r *reader) bounds(path, got string, low, high float64) {
	f := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	if r.shape == anthropic {
		r.refuse(path, "", "range: "+f(low)+".."+f(high))
		return
	}
	r.refuse(path, "invalid_value", fmt.Sprintf("Invalid '%s': expected a value from %s to %s, but got %s instead.", brackets(path), f(low), f(high), got))
}

// list reads an array; nil where it is absent.
func (r *reader) list(o object, at, key string) []any {
	v, ok := o[key]
	if !ok || v == nil {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		want := "array"
		if r.shape == anthropic {
			want = "list"
		}
		r.mistyped(join(at, key), want, v)
		return nil
	}
	if l == nil {
		l = []any{}
	}
	return l
}

// obj reads a value that must be an object; an empty one after a mistake.
func (r *reader) obj(v any, path string) object {
	o, ok := v.(map[string]any)
	if !ok {
		want := "object"
		if r.shape == anthropic {
			want = "dictionary"
		}
		r.mistyped(path, want, v)
	}
	return o
}

// sub reads a field that is an object; nil where it is absent.
func (r *reader) sub(o object, at, key string) object {
	v, ok := o[key]
	if !ok || v == nil {
		return nil
	}
	return r.obj(v, join(at, key))
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func item(at string, i int) string { return at + "." + strconv.Itoa(i) }

// brackets writes messages.0.role as messages[0].role.
func brackets(path string) string {
	var b strings.Builder
	for i, part := range strings.Split(path, ".") {
		switch _, err := strconv.Atoi(part); {
		case err == nil && i > 0:
			b.WriteString("[" + part + "]")
		case i > 0:
			b.WriteString("." + part)
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
