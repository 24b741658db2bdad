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
	members []node // by name
}

// Open takes a document in canonical form, which it trusts to be that: a text of Canonical, Merge or Bytes.
// The text must not be changed afterwards.
func Open(canonical []byte) *Document { return &Document{node{text: canonical}, len(canonical)} }

// Merge applies a patch, whose text must not be changed afterwards. Where the patch is refused the document stays as it was.
func (d *Document) Merge(patch []byte) error {
	var o jsonscan.Object
	if err := o.Scan(patch); err != nil {
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

// merge applies a patch that is an object.
func (n *node) merge(patch jsonscan.Value) {
	n.open()
	for name, value := range patch.Members() {
		at, found := slices.BinarySearchFunc(n.members, string(name), func(m node, name string) int { return strings.Compare(m.name, name) })
		switch kind := value.Kind(); {
		case kind == jsonscan.KindNull && found:
			n.members = slices.Delete(n.members, at, at+1)
		case kind == jsonscan.KindNull:
		default:
			if !found {
				n.members = slices.Insert(n.members, at, node{name: string(name)})
			}
			m := &n.members[at]
			if kind == jsonscan.KindObject {
				m.merge(value)
				continue
			}
			*m = node{name: m.name, text: value, raw: true}
		}
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
