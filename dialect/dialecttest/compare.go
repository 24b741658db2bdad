package dialecttest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"fairlead/dialect"
)

// same fails unless two values are equal but for the spacing of raw JSON in them, and for lists that are
// empty here and absent there.
func same[T any](t *testing.T, what string, got, want *T) {
	t.Helper()
	if !equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, text(t, got), text(t, want))
	}
}

func equal[T any](a, b *T) bool { return reflect.DeepEqual(copyOf(a), copyOf(b)) }

// text shows a value in an error, without what is empty in it.
func text(t *testing.T, v any) []byte {
	t.Helper()
	var whole any
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &whole)
	}
	if err != nil {
		t.Fatalf("%v in %+v", err, v)
	}
	if b, err = json.Marshal(withoutZeros(whole)); err != nil {
		t.Fatal(err)
	}
	return b
}

func withoutZeros(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, m := range v {
			if m == nil || m == "" || m == false || m == 0.0 {
				delete(v, name)
			} else {
				v[name] = withoutZeros(m)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutZeros(v[i])
		}
	}
	return v
}

// copyOf is a deep copy in which raw JSON is compact and no list is empty without being nil.
func copyOf[T any](v *T) *T {
	c := new(T)
	deepCopy(reflect.ValueOf(c).Elem(), reflect.ValueOf(v).Elem())
	return c
}

func deepCopy(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Struct:
		for i := range from.NumField() {
			deepCopy(to.Field(i), from.Field(i))
		}
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			deepCopy(to.Elem(), from.Elem())
		}
	case reflect.Slice:
		if raw, ok := from.Interface().(json.RawMessage); ok {
			to.SetBytes(compact(raw))
			return
		}
		if from.Len() == 0 {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			deepCopy(to.Index(i), from.Index(i))
		}
	default:
		to.Set(from)
	}
}

func compact(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return bytes.Clone(raw)
	}
	return b.Bytes()
}

// normalRequest takes out of a copy what is not the same on every wire by design: tool ids are spelt
// as the wire demands, and only some wires leave the usage of streams to the caller.
func normalRequest(request *dialect.Request) *dialect.Request {
	r := copyOf(request)
	r.StreamUsage = false
	for i := range r.Messages {
		for j := range r.Messages[i].Parts {
			p := &r.Messages[i].Parts[j]
			p.ID = dialect.DecodeToolID(p.ID)
		}
	}
	return r
}

// block is what events put together make.
type block struct {
	Kind      dialect.EventKind
	Text      string
	Signature string
	ID        string
	Name      string
}

// story is what a stream tells, whatever its frames: two streams with one story are one answer.
type story struct {
	ID, Model string
	Blocks    []block
	Finish    dialect.Event
	Usage     dialect.Event
	Ended     bool
}

// fold makes the story of events. Deltas of one kind that follow each other are one block; the fragments
// of a tool call are one, wherever they stand.
func fold(events []dialect.Event) story {
	var s story
	tools := map[int]int{}
	var last dialect.EventKind
	for _, e := range events {
		if e.HasUsage {
			s.Usage = dialect.Event{Usage: e.Usage, HasUsage: true}
		}
		switch e.Kind {
		case dialect.EventStart:
			s.ID, s.Model = e.ID, e.Model
		case dialect.EventText, dialect.EventReasoning, dialect.EventRefusal:
			if last != e.Kind {
				s.Blocks = append(s.Blocks, block{Kind: e.Kind})
			}
			s.Blocks[len(s.Blocks)-1].Text += e.Text
		case dialect.EventSignature:
			if last != dialect.EventReasoning { // reasoning that is not shown has a signature alone
				s.Blocks = append(s.Blocks, block{Kind: dialect.EventReasoning})
			}
			s.Blocks[len(s.Blocks)-1].Signature += e.Text
		case dialect.EventRedacted:
			s.Blocks = append(s.Blocks, block{Kind: e.Kind, Text: e.Text})
		case dialect.EventToolStart:
			tools[e.Tool] = len(s.Blocks)
			s.Blocks = append(s.Blocks, block{Kind: e.Kind, ID: dialect.DecodeToolID(e.ID), Name: e.Name})
		case dialect.EventToolInput:
			if at, ok := tools[e.Tool]; ok {
				s.Blocks[at].Text += e.Text
			}
		case dialect.EventFinish:
			s.Finish = dialect.Event{Finish: e.Finish, StopSequence: e.StopSequence}
		case dialect.EventEnd:
			s.Ended = true
		}
		if e.Kind != dialect.EventUsage {
			last = e.Kind
		}
	}
	for i := range s.Blocks {
		if b := &s.Blocks[i]; b.Kind == dialect.EventToolStart && b.Text == "" {
			b.Text = "{}" // no input and an empty one are the same
		}
	}
	return s
}
