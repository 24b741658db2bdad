package jsonscan

import (
	"slices"
	"unicode/utf8"
)

// Edit replaces the bytes of a text from Start up to End. With Start = End it inserts, without Text it removes.
type Edit struct {
	Start, End int
	Text       []byte
}

// Splice appends src to dst with the edits made; dst must be other memory than src. The edits stand in
// ascending order, do not overlap and lie within src, or Splice panics. It grows dst once at most.
func Splice(dst, src []byte, edits ...Edit) []byte {
	size := len(src)
	for _, e := range edits {
		size += len(e.Text) - (e.End - e.Start)
	}
	dst = slices.Grow(dst, size)
	at := 0
	for _, e := range edits {
		dst = append(dst, src[at:e.Start]...)
		dst = append(dst, e.Text...)
		at = e.End
	}
	return append(dst, src[at:]...)
}

// Change is a new value for a member of an object. Without a Value the member is removed.
type Change struct {
	Name  string
	Value Value
}

// Rewrite appends the object's text to dst with the changes made: a member that is there gets its new
// value where it stands or goes, one that is not is added at the end. All other bytes stay as they were.
// No name may be in changes twice.
func (o *Object) Rewrite(dst []byte, changes ...Change) []byte {
	edits := make([]Edit, 0, 8)
	kept := 0 // members that stay
	for i := range o.Members {
		m := &o.Members[i]
		change := slices.IndexFunc(changes, func(c Change) bool { return string(m.Name) == c.Name })
		switch {
		case change < 0:
			kept++
		case len(changes[change].Value) > 0:
			kept++
			edits = append(edits, Edit{m.Start, m.End, changes[change].Value})
		default:
			edits = append(edits, o.removal(i, kept == 0))
		}
	}
	if added := o.addition(kept == 0, changes); added != nil {
		end := o.end()
		edits = append(edits, Edit{end, end, added})
	}
	return Splice(dst, o.Src, edits...)
}

// removal takes out a member and one of the commas beside it: the one before, and for as long as no
// member before it stays the one after.
func (o *Object) removal(i int, first bool) Edit {
	m := &o.Members[i]
	switch {
	case !first:
		return Edit{Start: o.Members[i-1].End, End: m.End}
	case i+1 < len(o.Members):
		return Edit{Start: m.NameStart, End: o.Members[i+1].NameStart}
	}
	return Edit{Start: m.NameStart, End: m.End}
}

// addition is the text of the members that the object does not have yet.
func (o *Object) addition(first bool, changes []Change) []byte {
	var text []byte
	for _, c := range changes {
		if _, ok := o.Find(c.Name); ok || len(c.Value) == 0 {
			continue
		}
		if !first {
			text = append(text, ',')
		}
		first = false
		text = AppendString(text, c.Name)
		text = append(text, ':')
		text = append(text, c.Value...)
	}
	return text
}

// end is where a member can be added: after the last one, or after the bracket.
func (o *Object) end() int {
	if n := len(o.Members); n > 0 {
		return o.Members[n-1].End
	}
	return space(o.Src, 0) + 1
}

// AppendString appends s as a JSON string. It escapes what has to be (quote, backslash, control
// characters) and nothing else; bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0 // of what is not appended yet
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
