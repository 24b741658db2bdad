// Package mergepatch applies and makes JSON merge patches (RFC 7396) of documents in canonical form: names
// sorted by their bytes, no member that is null, no insignificant space, strings with no escape that they can
// do without, numbers as they were written. One value has one canonical text, so that documents can be
// compared and hashed as bytes.
//
// Documents and patches are objects. What jsonscan refuses is refused: names that stand twice, text that is
// not UTF-8, nesting past its bound. A merge patch cannot set a member to null nor change a part of an array:
// the first is a removal, the second replaces the array whole.
package mergepatch

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"fairlead/internal/jsonscan"
)

// MaxNames is how many names the objects that are open at one point of a document or a patch may have between them. No
// text of 8 MiB has more. A document of that size has some 200,000 models, and the patch between two of them names the
// models of both, which is why jsonscan.MaxNames is too few.
const MaxNames = 1 << 20

// Canonical gives the canonical text of a document. An error is a *jsonscan.Error.
func Canonical(doc []byte) ([]byte, error) {
	var o jsonscan.Object
	if err := o.ScanUpTo(doc, MaxNames); err != nil {
		return nil, err
	}
	return appendValue(make([]byte, 0, len(doc)), jsonscan.Value(doc)), nil
}

// Merge gives the document that a patch makes of doc.
func Merge(doc, patch []byte) ([]byte, error) {
	canonical, err := Canonical(doc)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	d := Open(canonical)
	if err := d.Merge(patch); err != nil {
		return nil, err
	}
	return d.Bytes(), nil
}

// Make gives the smallest patch that makes to of from; {} where both are the same.
func Make(from, to []byte) ([]byte, error) {
	a, err := Canonical(from)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	b, err := Canonical(to)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	return Between(a, b), nil
}

// Between gives the patch of Make for two documents in canonical form, which it trusts to be that, as Open does.
func Between(from, to []byte) []byte { return appendPatch(nil, from, to) }

// BetweenAt gives the patch between two documents that differ in one object alone: what it was and what it becomes, in
// canonical form, and the names that lead to it.
func BetweenAt(from, to []byte, names ...string) []byte {
	if bytes.Equal(from, to) {
		return []byte("{}")
	}
	var dst []byte
	for _, name := range names {
		dst = append(jsonscan.AppendString(append(dst, '{'), name), ':')
	}
	dst = appendPatch(dst, from, to)
	return append(dst, strings.Repeat("}", len(names))...)
}

// appendPatch appends the patch between two objects in canonical form.
func appendPatch(dst []byte, from, to []byte) []byte {
	a, b := membersOf(from), membersOf(to)
	dst = append(dst, '{')
	first := true
	name := func(s string) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(jsonscan.AppendString(dst, s), ':')
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].name < b[0].name:
			name(a[0].name)
			dst = append(dst, "null"...)
			a = a[1:]
		case len(a) == 0 || a[0].name > b[0].name:
			name(b[0].name)
			dst = append(dst, b[0].text...)
			b = b[1:]
		default:
			if !bytes.Equal(a[0].text, b[0].text) {
				name(b[0].name)
				if isObject(a[0].text) && isObject(b[0].text) {
					dst = appendPatch(dst, a[0].text, b[0].text)
				} else {
					dst = append(dst, b[0].text...)
				}
			}
			a, b = a[1:], b[1:]
		}
	}
	return append(dst, '}')
}

func isObject(canonical []byte) bool { return len(canonical) > 0 && canonical[0] == '{' }

// appendValue appends the canonical text of a value that was checked before.
func appendValue(dst []byte, v jsonscan.Value) []byte {
	switch v.Kind() {
	case jsonscan.KindObject:
		return appendObject(dst, v)
	case jsonscan.KindArray:
		dst = append(dst, '[')
		first := true
		for e := range v.Elements() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendValue(dst, e)
		}
		return append(dst, ']')
	case jsonscan.KindString:
		if bytes.IndexByte(v, '\\') >= 0 {
			text, _ := v.Text()
			return jsonscan.AppendString(dst, text)
		}
	}
	return append(dst, bytes.TrimSpace(v)...)
}

func appendObject(dst []byte, v jsonscan.Value) []byte {
	members := make([]node, 0, 8)
	sorted := true
	for name, value := range v.Members() {
		if value.IsNull() {
			continue
		}
		m := node{name: string(name), text: value}
		sorted = sorted && (len(members) == 0 || members[len(members)-1].name < m.name)
		members = append(members, m)
	}
	if !sorted {
		slices.SortFunc(members, func(a, b node) int { return strings.Compare(a.name, b.name) })
	}
	dst = append(dst, '{')
	for i := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, members[i].name), ':')
		dst = appendValue(dst, members[i].text)
	}
	return append(dst, '}')
}
