package dialecttest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// half is an answer that broke off, with all that a text can have.
const half = "It is \"4 C\" \\ <&> \r\n\t\x01 \u2028 é 漢字 \U0001F600 and"

// continued holds that what was said is added to a request, and nothing else of it changed.
func (s *suite) continued(t *testing.T) {
	for _, c := range requestCases() {
		t.Run(c.name, func(t *testing.T) {
			body, err := s.dialect.WriteRequest(copyOf(c.request), target)
			if err != nil {
				return // the wire cannot hold the case
			}
			s.goesOn(t, body, dialect.Continuation{Said: half, MaxOutput: 77})
			s.goesOn(t, body, dialect.Continuation{Said: half, Ask: half, MaxOutput: 77})
			s.goesOn(t, body, dialect.Continuation{Said: half})
			s.goesOn(t, body, dialect.Continuation{})
		})
	}
}

// goesOn holds what Continue makes of a body.
func (s *suite) goesOn(t *testing.T, body []byte, c dialect.Continuation) {
	t.Helper()
	const unknown = `"x-unknown":{"a": [1, 2e3,"é"]}`
	was, err := s.dialect.ReadRequest(body)
	if err != nil {
		t.Fatalf("ReadRequest: %v", err)
	}
	with := append(append(bytes.Clone(bytes.TrimSuffix(body, []byte("}"))), ','), unknown+"}"...)
	out, whole := s.goOn(t, body, c), s.goOn(t, with, c)
	if !contains(whole, unknown) {
		t.Errorf("a member that is not known was changed: %s", whole)
	}
	if c == (dialect.Continuation{}) && !bytes.Equal(out, body) {
		t.Errorf("nothing was to be added:\n got %s\nwant %s", out, body)
	}
	got, err := s.dialect.ReadRequest(out)
	if err != nil {
		t.Fatalf("ReadRequest of what was added to: %v\n%s", err, out)
	}
	want := copyOf(was)
	for _, turn := range []struct {
		role dialect.Role
		text string
	}{{dialect.Assistant, c.Said}, {dialect.User, c.Ask}} {
		last := &want.Messages[len(want.Messages)-1]
		switch {
		case turn.text == "":
		case last.Role == turn.role:
			last.Parts = append(last.Parts, said(turn.text))
		default:
			want.Messages = append(want.Messages, dialect.Message{Role: turn.role, Parts: []dialect.Part{said(turn.text)}})
		}
	}
	if want.MaxTokens > 0 && c.MaxOutput > 0 {
		want.MaxTokens = c.MaxOutput
	}
	same(t, fmt.Sprintf("with %+v", c), got, want)
}

func (s *suite) goOn(t *testing.T, body []byte, c dialect.Continuation) []byte {
	t.Helper()
	var top jsonscan.Object
	if err := top.Scan(body); err != nil {
		t.Fatalf("scan: %v\n%s", err, body)
	}
	before := bytes.Clone(body)
	out, err := s.dialect.Continue(&top, c)
	if err != nil {
		t.Fatalf("Continue: %v", err)
	}
	if !bytes.Equal(body, before) {
		t.Error("Continue changed its body")
	}
	return out
}

// resumed holds that a stream that breaks off behind any event is gone on with as if it had not.
func (s *suite) resumed(t *testing.T) {
	for _, c := range streamCases() {
		t.Run(c.name, func(t *testing.T) {
			whole, _, err := s.decode(s.encode(c.events))
			if err != nil {
				t.Fatal(err)
			}
			resumed := 0
			finish := slices.IndexFunc(c.events, func(e dialect.Event) bool { return e.Kind == dialect.EventFinish })
			for cut := 1; cut <= finish+1; cut++ { // behind the last, a wire may have told the end of a block alone
				first := s.encode(c.events[:cut])
				told, seen := s.tell(t, first)
				if told.Barred != seen.Barred && (told.Barred != dialect.BarSigned || !seen.Reasoning) {
					t.Errorf("cut behind %d: the watcher bars %q, the events %q", cut, told.Barred, seen.Barred)
				}
				if told.Barred != "" {
					continue
				}
				if string(told.Text) != string(seen.Text) || told.Reasoning != seen.Reasoning || told.Finished != seen.Finished {
					t.Errorf("cut behind %d: the watcher was told %+v, the events %+v", cut, told, seen)
				}
				if !told.Finished {
					resumed++
					s.resume(t, whole, first, c.events[min(cut, finish):], told)
				}
			}
			if c.name == "text" && resumed < finish {
				t.Errorf("gone on with behind %d events of %d", resumed, finish)
			}
		})
	}
}

// tell gives what a watcher notes of a stream, and what its events say.
func (s *suite) tell(t *testing.T, stream []byte) (told, seen *dialect.Told) {
	t.Helper()
	told, seen = new(dialect.Told), new(dialect.Told)
	w, d := s.dialect.NewWatcher(fairlead.OpChat), s.dialect.NewDecoder()
	teller, ok := w.(dialect.Teller)
	if !ok {
		t.Fatal("the watcher of chats is no Teller")
	}
	teller.Tell(told)
	for _, f := range split(stream) {
		if _, err := w.Watch(f); err != nil {
			t.Fatalf("Watch: %v", err)
		}
		events, err := d.Decode(nil, f)
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		for i := range events {
			seen.See(&events[i])
		}
	}
	return told, seen
}

// resume holds that a beginning and the rest of it tell what the whole does, marked and not.
func (s *suite) resume(t *testing.T, whole []dialect.Event, first []byte, rest []dialect.Event, told *dialect.Told) {
	t.Helper()
	const mark = `{"continued":[{"endpoint":"a/m@p","method":"prefill"}]}`
	for _, marked := range []bool{false, true} {
		e := s.dialect.ResumeEncoder(dialect.EncodeOptions{RequestID: "req_2", Model: "another-model", Usage: true, Created: 1799999999}, told)
		stream := bytes.Clone(first)
		for _, event := range rest {
			if event.Kind == dialect.EventFinish {
				if contains(stream, `"fairlead"`) {
					t.Errorf("marked before its last frames: %s", stream)
				}
				if m, ok := e.(dialect.Marker); !ok {
					t.Fatal("the encoder is no Marker")
				} else if marked {
					m.Mark([]byte(mark))
				}
			}
			stream = e.Encode(stream, event)
		}
		got, complete, err := s.decode(stream)
		if err != nil || !complete {
			t.Fatalf("%v, complete %v\n%s", err, complete, stream)
		}
		had, has := fold(got), fold(whole)
		same(t, "put together", &had, &has)
		starts, ends := 0, 0
		for i := range got {
			starts += count(got[i].Kind == dialect.EventStart)
			ends += count(got[i].Kind == dialect.EventEnd)
		}
		if starts != 1 || ends != 1 || contains(stream, `"fairlead":`+mark) != marked || contains(stream, "req_2") || contains(stream, "another-model") || contains(stream, "1799999999") {
			t.Errorf("%d starts, %d ends, marked %v:\n%s", starts, ends, marked, stream)
		}
		s.watched(t, stream)
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}
