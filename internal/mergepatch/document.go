package mergepatch

import (
	"fmt"
	"slices"
	"strings"

	"fairlead/internal/jsonscan"
)

// Document takes one patch after another. It goes only into the objects that a patch names, and leaves all
// else as text, so that a small patch of a large document costs little, and the next one less.
type Document struct {
	root node
	size int // of its text about
}

// node is a member of an object: as text, or as members once a patch went into it.
type node struct {
	name    string
	text    jsonscan.Value // void once opened
	raw     bool           // the text is a patch's own, no object, and made canonical where it is read: a later patch may replace it
	opened  bool
	gone    bool   // by a patch that is being applied
	members []node // by name
}

// Open takes a document in canonical form, which it trusts to be that: a text of Canonical, Merge or Bytes.
// The text must not be changed afterwards.
func Open(canonical []byte) *Document { return &Document{node{text: canonical}, len(canonical)} }

// Merge applies a patch, whose text must not be changed afterwards. Where the patch is refused the document stays as it was.
func (d *Document) Merge(patch []byte) error {
	var o jsonscan.Object
	if err := o.ScanUpTo(patch, MaxNames); err != nil {
		return fmt.Errorf("read patch: %w", err)
	}
	d.MergeValue(patch)
	return nil
}

// MergeValue is Merge for a patch that is an object within a text that was scanned: it is not checked again.
func (d *Document) MergeValue(patch jsonscan.Value) {
	d.root.merge(patch)
	d.size += len(patch)
}

// Bytes gives the document in canonical form. The text is the caller's.
func (d *Document) Bytes() []byte { return d.root.append(make([]byte, 0, d.size)) }

// merge applies a patch that is an object. Members that stay are patched where they stand; those that go and those that
// come are taken out and put in together, so that the time does not grow with their number times that of all.
func (n *node) merge(patch jsonscan.Value) {
	n.open()
	gone, sorted := 0, true
	var added []node
	for name, value := range patch.Members() {
		at, found := slices.BinarySearchFunc(n.members, string(name), func(m node, name string) int { return strings.Compare(m.name, name) })
		kind := value.Kind()
		switch {
		case kind != jsonscan.KindNull && found:
			n.members[at].take(value)
		case kind != jsonscan.KindNull:
			m := node{name: string(name)}
			m.take(value)
			sorted = sorted && (len(added) == 0 || added[len(added)-1].name < m.name)
			added = append(added, m)
		case found:
			n.members[at].gone = true
			gone++
		}
	}
	if gone > 0 {
		n.members = slices.DeleteFunc(n.members, func(m node) bool { return m.gone })
	}
	if !sorted {
		slices.SortFunc(added, func(a, b node) int { return strings.Compare(a.name, b.name) })
	}
	n.insert(added)
}

// take applies the value that a patch has for a member, which is not null.
func (n *node) take(value jsonscan.Value) {
	if value.Kind() == jsonscan.KindObject {
		n.merge(value)
		return
	}
	*n = node{name: n.name, text: value, raw: true}
}

// insert puts members in, sorted as those that are there and of other names: from the back, so that each moves once.
func (n *node) insert(added []node) {
	at := len(n.members)
	n.members = slices.Grow(n.members, len(added))[:at+len(added)]
	for i := len(added) - 1; i >= 0; i-- {
		from, _ := slices.BinarySearchFunc(n.members[:at], added[i].name, func(m node, name string) int { return strings.Compare(m.name, name) })
		copy(n.members[from+i+1:], n.members[from:at])
		n.members[from+i], at = added[i], from
	}
}

// open goes into an object. What is none becomes an empty one, as RFC 7396 has it.
func (n *node) open() {
	if n.opened {
		return
	}
	n.members = nil
	if isObject(n.text) {
		n.members = membersOf(n.text)
	}
	n.opened, n.text, n.raw = true, nil, false
}

func (n *node) append(dst []byte) []byte {
	switch {
	case n.raw:
		return appendValue(dst, n.text)
	case !n.opened:
		return append(dst, n.text...)
	}
	dst = append(dst, '{')
	for i := range n.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, n.members[i].name), ':')
		dst = n.members[i].append(dst)
	}
	return append(dst, '}')
}

// membersOf gives the members of an object in canonical form, which are sorted.
func membersOf(object []byte) []node {
	var list []node
	for name, value := range jsonscan.Value(object).Members() {
		list = append(list, node{name: string(name), text: value})
	}
	return list
}
