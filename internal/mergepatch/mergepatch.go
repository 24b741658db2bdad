// Package mergepatch applies and makes JSON merge patches (RFC 7396). What it writes is canonical: names
// sorted by their bytes, no null members, no space, strings with no more escapes than JSON demands, numbers as
// they were written.
package mergepatch

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds nesting, in documents and in patches.
const maxDepth = 100

// value is a JSON value: the members of an object, sorted by name, or the text of anything else.
type value struct {
	object  bool
	members []member
	text    []byte
}

type member struct {
	name string
	value
}

func (v *value) null() bool { return !v.object && string(v.text) == "null" }

// Merge applies a merge patch to a document.
func Merge(doc, patch []byte) ([]byte, error) {
	target, err := read(doc)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	p, err := read(patch)
	if err != nil {
		return nil, fmt.Errorf("read merge patch: %w", err)
	}
	merged := merge(target, p)
	return merged.append(nil), nil
}

// Make gives the merge patch that makes one document of another. Neither may hold a null member, which no patch
// can express.
func Make(from, to []byte) ([]byte, error) {
	f, err := read(from)
	if err != nil {
		return nil, fmt.Errorf("read document before: %w", err)
	}
	t, err := read(to)
	if err != nil {
		return nil, fmt.Errorf("read document after: %w", err)
	}
	patch, _ := differ(f, t)
	return patch.append(nil), nil
}

func merge(target, patch value) value {
	if !patch.object {
		return patch
	}
	merged := value{object: true, members: make([]member, 0, len(target.members)+len(patch.members))}
	pair(target.members, patch.members, func(name string, t, p *value) {
		switch {
		case p == nil:
			merged.members = append(merged.members, member{name, *t})
		case p.null():
		case t == nil:
			merged.members = append(merged.members, member{name, merge(value{}, *p)})
		default:
			merged.members = append(merged.members, member{name, merge(*t, *p)})
		}
	})
	return merged
}

// differ gives the patch from one value to another; same is true where there is nothing to say.
func differ(from, to value) (patch value, same bool) {
	if !from.object || !to.object {
		return to, from.object == to.object && bytes.Equal(from.text, to.text)
	}
	patch = value{object: true}
	pair(from.members, to.members, func(name string, f, t *value) {
		switch {
		case t == nil:
			patch.members = append(patch.members, member{name, value{text: []byte("null")}})
		case f == nil:
			patch.members = append(patch.members, member{name, *t})
		default:
			if p, same := differ(*f, *t); !same {
				patch.members = append(patch.members, member{name, p})
			}
		}
	})
	return patch, len(patch.members) == 0
}

// pair goes through the names of two objects in order; a side without the name is nil.
func pair(a, b []member, each func(name string, a, b *value)) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || (len(a) > 0 && a[0].name < b[0].name):
			each(a[0].name, &a[0].value, nil)
			a = a[1:]
		case len(a) == 0 || b[0].name < a[0].name:
			each(b[0].name, nil, &b[0].value)
			b = b[1:]
		default:
			each(a[0].name, &a[0].value, &b[0].value)
			a, b = a[1:], b[1:]
		}
	}
}

// read reads one JSON text strictly: valid UTF-8, every name once.
func read(text []byte) (value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	v, err := readValue(d)
	if err != nil {
		return value{}, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return value{}, cmp.Or(err, fmt.Errorf("something follows the value"))
	}
	return v, nil
}

func readValue(d *jsontext.Decoder) (v value, err error) {
	if d.StackDepth() > maxDepth {
		return v, fmt.Errorf("nests deeper than %d levels", maxDepth)
	}
	switch d.PeekKind() {
	case '{':
		return readObject(d)
	case '[':
		v.text, err = readList(d)
		return v, err
	}
	raw, err := d.ReadValue()
	if err != nil {
		return v, err
	}
	v.text = slices.Clone([]byte(raw))
	if raw.Kind() == '"' {
		v.text, err = requote(raw)
	}
	return v, err
}

func requote(raw []byte) ([]byte, error) {
	plain, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return nil, err
	}
	return jsontext.AppendQuote(nil, plain)
}

func readObject(d *jsontext.Decoder) (value, error) {
	v := value{object: true}
	if _, err := d.ReadToken(); err != nil {
		return v, err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return v, err
		}
		m := member{name: name.String()}
		if m.value, err = readValue(d); err != nil {
			return v, err
		}
		v.members = append(v.members, m)
	}
	slices.SortFunc(v.members, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	_, err := d.ReadToken()
	return v, err
}

func readList(d *jsontext.Decoder) ([]byte, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	text := []byte{'['}
	for d.PeekKind() != ']' {
		v, err := readValue(d)
		if err != nil {
			return nil, err
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = v.append(text)
	}
	_, err := d.ReadToken()
	return append(text, ']'), err
}

// append writes a value without null members.
func (v *value) append(b []byte) []byte {
	if !v.object {
		return append(b, v.text...)
	}
	b = append(b, '{')
	for i := range v.members {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = jsontext.AppendQuote(b, v.members[i].name) // it was read as valid UTF-8
		b = append(b, ':')
		b = v.members[i].append(b)
	}
	return append(b, '}')
}
