// Package jsonscan checks a JSON object in one pass and says where its members are, so that a few of
// them can be read or replaced while all other bytes stay as they came.
//
// Object.Scan is the gate: what passes it is one object in valid UTF-8 by RFC 8259, no object in it has
// a name twice (compared unescaped, so mod\u0065l is model), and readers that come after cannot disagree
// about what it says. Value then reads parts of it without checking again.
package jsonscan

import (
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may nest; the outermost object is level 1.
const MaxDepth = 256

// MaxNames is how many names the objects that are open at one point of the text may have between them. It
// bounds what a scan holds: a body of nothing but names would else need many times its own size.
const MaxNames = 1 << 16

// keep is the capacity past which the memory of a scan is not kept for the next one.
const keep = 1 << 10

// Object is one JSON object and where its members are. It may be used for one scan after another, and
// reuses its memory; the zero value is ready.
type Object struct {
	Src     []byte   // the text that was scanned, not copied
	Members []Member // in the order of the text

	names [][]byte // of the objects that are open, for the search for duplicates
}

// Member is one name and value of an object. Offsets are in Object.Src.
type Member struct {
	Name               []byte // unescaped; a part of Src unless it had escapes
	NameStart, NameEnd int    // the name with its quotes
	Start, End         int    // the value
	Levels             int    // of containers in the value, itself included: 0 in "a", 1 in [], 2 in [{}]
}

// Scan checks src, which may have white space around the object, and finds the members. It keeps src and
// whatever it held before is void. An error is always an *Error, and leaves the object empty.
func (o *Object) Scan(src []byte) error { return o.ScanUpTo(src, MaxNames) }

// ScanUpTo is Scan with another bound than MaxNames, for texts that are bounded otherwise.
func (o *Object) ScanUpTo(src []byte, names int) error {
	if cap(o.Members) > keep {
		o.Members = nil
	}
	if cap(o.names) > keep {
		o.names = nil
	}
	s := scanner{src: src, members: o.Members[:0], names: o.names[:0], most: names}
	end := s.document()
	o.Src, o.Members, o.names = src, s.members, s.names[:0]
	if end < 0 {
		o.Src, o.Members = nil, o.Members[:0]
		err := s.err // of its own, so that the scanner stays on the stack
		return &err
	}
	return nil
}

// Reset forgets the text, so that a pooled Object does not hold on to it, and keeps the memory.
func (o *Object) Reset() {
	clear(o.Members[:cap(o.Members)])
	clear(o.names[:cap(o.names)])
	o.Src, o.Members, o.names = nil, o.Members[:0], o.names[:0]
}

// Find gives the member of a name, valid until the next Scan; false where there is none.
func (o *Object) Find(name string) (*Member, bool) {
	for i := range o.Members {
		if string(o.Members[i].Name) == name {
			return &o.Members[i], true
		}
	}
	return nil, false
}

// Get gives the value of a name; false where there is none.
func (o *Object) Get(name string) (Value, bool) {
	m, ok := o.Find(name)
	if !ok {
		return nil, false
	}
	return o.Value(m), true
}

// Value gives the value of one of the object's members.
func (o *Object) Value(m *Member) Value { return Value(o.Src[m.Start:m.End:m.End]) }

// CaseVariant looks for a member whose name is one of names but for the case of its letters, and gives
// the member's name. Go's encoding/json and others take such a member for the real one, so a request that
// has it may mean another thing upstream than here. The names are ASCII in lower case; case is Unicode's
// simple folding, as theirs is: K may be the Kelvin sign.
func (o *Object) CaseVariant(names ...string) (found string, ok bool) {
	for i := range o.Members {
		member := o.Members[i].Name
		if !folds(member) {
			continue
		}
		for _, name := range names {
			// What folds into an ASCII letter takes one to three bytes.
			if len(member) >= len(name) && len(member) <= 3*len(name) && strings.EqualFold(string(member), name) {
				return string(member), true
			}
		}
	}
	return "", false
}

// folds reports whether a name may change when its case is folded: it has a capital or a letter outside
// of ASCII. Nearly no name of a real request does (BenchmarkCaseVariant).
func folds(name []byte) bool {
	for _, c := range name {
		if c-'A' < 26 || c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}
