package compile

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sort"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
)

// reread finds the models that are other in a document than they were in the last one, by what the two texts have
// not in common; ok is false where something else is other, too, or may be.
func (t *text) reread(doc []byte) (next text, edited map[string]fairlead.ModelConfig, ok bool) {
	if bytes.Equal(t.doc, doc) {
		return *t, nil, true
	}
	if t.spans == nil {
		t.spans, _ = membersOf(t.doc, "models") // what is no canonical document has none
	}
	from, to := common(t.doc, doc)
	lo := sort.Search(len(t.spans), func(i int) bool { return t.spans[i].begin > from }) - 1
	hi := sort.Search(len(t.spans), func(i int) bool { return t.spans[i].end >= to })
	if lo < 0 || hi == len(t.spans) || len(doc) > maxDocument {
		return text{}, nil, false
	}
	grown := len(doc) - len(t.doc)
	next = text{doc: doc, spans: slices.Clone(t.spans), base: maps.Clone(t.base)}
	edited, ok = next.reparse(lo, hi, grown)
	for i := hi + 1; i < len(next.spans); i++ {
		s := &next.spans[i]
		s.begin, s.start, s.end = s.begin+grown, s.start+grown, s.end+grown
	}
	maps.Copy(next.base, edited)
	return next, edited, ok
}

// common gives where the texts begin to differ, and where, in the first, they have ceased to.
func common(a, b []byte) (from, to int) {
	most := min(len(a), len(b))
	for from < most && a[from] == b[from] {
		from++
	}
	same := 0
	for same < most-from && a[len(a)-1-same] == b[len(b)-1-same] {
		same++
	}
	return from, len(a) - same
}

// reparse reads the models lo to hi anew, whose text has grown by so much. They must be the same ones: then all
// around them is as it was.
func (t *text) reparse(lo, hi, grown int) (edited map[string]fairlead.ModelConfig, ok bool) {
	begin, end := t.spans[lo].begin, t.spans[hi].end+grown
	if end < begin {
		return nil, false
	}
	part := slices.Concat([]byte{'{'}, t.doc[begin:end], []byte{'}'})
	edited = map[string]fairlead.ModelConfig{}
	d, i := jsontext.NewDecoder(bytes.NewBuffer(part)), lo
	err := eachMember(d, part, func(m span) error {
		err := d.SkipValue()
		if err != nil || i > hi || m.name != t.spans[i].name {
			return errors.Join(err, errOther)
		}
		var model fairlead.ModelConfig
		if m.end = int(d.InputOffset()); !plain(part[m.start:m.end], &model) {
			return errOther
		}
		edited[m.name] = model
		off := begin - 1
		t.spans[i] = span{m.name, m.begin + off, m.start + off, m.end + off}
		i++
		return nil
	})
	return edited, err == nil && i == hi+1 && int(d.InputOffset()) == len(part)
}

var errOther = errors.New("other models")
