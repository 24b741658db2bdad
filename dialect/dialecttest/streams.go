package dialecttest

import (
	"bytes"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
)

type streamCase struct {
	name   string
	events []dialect.Event
}

// event is shorthand for one with a text.
func event(kind dialect.EventKind, text string) dialect.Event {
	return dialect.Event{Kind: kind, Text: text}
}

func toolStart(n int, id, name string) dialect.Event {
	return dialect.Event{Kind: dialect.EventToolStart, Tool: n, ID: id, Name: name}
}

func toolInput(n int, text string) dialect.Event {
	return dialect.Event{Kind: dialect.EventToolInput, Tool: n, Text: text}
}

// streamCases are streams that differ from a plain one in the thing they are named after.
func streamCases() []streamCase {
	var cases []streamCase
	add := func(name string, finish dialect.Finish, deltas ...dialect.Event) {
		events := []dialect.Event{{Kind: dialect.EventStart, ID: "msg_1", Model: "upstream-model"}}
		events = append(events, deltas...)
		events = append(
			events,
			dialect.Event{Kind: dialect.EventFinish, Finish: finish},
			dialect.Event{Kind: dialect.EventUsage, Usage: usage, HasUsage: true},
			dialect.Event{Kind: dialect.EventEnd},
		)
		cases = append(cases, streamCase{name, events})
	}
	const text, reasoning, signature = dialect.EventText, dialect.EventReasoning, dialect.EventSignature
	add("text", dialect.FinishStop, event(text, "It is "), event(text, "4 C."))
	add("text of every kind", dialect.FinishStop, event(text, "\"q\" \\ \n\r\n\t\x01 \u2028 <&>"), event(text, "é 漢字 \U0001F600"))
	add("length", dialect.FinishLength, event(text, "It is "))
	add("filter", dialect.FinishFilter, event(text, "It is "))
	add("nothing", dialect.FinishStop)
	add("refusal", dialect.FinishFilter, event(dialect.EventRefusal, "I "), event(dialect.EventRefusal, "cannot."))
	add("reasoning", dialect.FinishStop, event(reasoning, "hm, "), event(reasoning, "so"), event(text, "4 C"))
	add("reasoning, signed", dialect.FinishStop, event(reasoning, "hm"), event(signature, "c2ln"), event(text, "4 C"))
	add("reasoning, not shown", dialect.FinishStop, event(signature, "c2ln"), event(text, "4 C"))
	add("reasoning, redacted", dialect.FinishStop, event(dialect.EventRedacted, "b3BhcXVl"), event(text, "4 C"))
	add(
		"reasoning, several", dialect.FinishStop,
		event(reasoning, "hm"), event(signature, "c2ln"), event(dialect.EventRedacted, "b3BhcXVl"),
		event(reasoning, "so"), event(signature, "bW9yZQ"), event(text, "4 C"),
	)
	add("tool", dialect.FinishTools, toolStart(0, "call_1", "weather"), toolInput(0, `{"city":`), toolInput(0, `"Oslo"}`))
	add("tool after text", dialect.FinishTools, event(text, "I will look."), toolStart(0, "call_1", "weather"), toolInput(0, `{}`))
	add("tool without input", dialect.FinishTools, toolStart(0, "call_1", "now"))
	add("tool with a strange id", dialect.FinishTools, toolStart(0, "call:1/é", "now"), toolInput(0, `{}`))
	add(
		"tools, one after the other", dialect.FinishTools,
		toolStart(0, "call_1", "weather"), toolInput(0, `{"a":`), toolInput(0, `1}`),
		toolStart(1, "call_2", "time"), toolInput(1, `{"b":`), toolInput(1, `2}`),
	)
	add(
		"tools, interleaved", dialect.FinishTools,
		toolStart(0, "call_1", "weather"), toolStart(1, "call_2", "time"), toolStart(2, "call_3", "now"),
		toolInput(1, `{"b":`), toolInput(0, `{"a":`), toolInput(2, `{"c":3}`), toolInput(0, `1}`), toolInput(1, `2}`),
	)
	return cases
}

// streams encodes each case, decodes it, watches it and cuts it short.
func (s *suite) streams(t *testing.T) {
	for _, c := range streamCases() {
		t.Run(c.name, func(t *testing.T) {
			stream := s.encode(c.events)
			s.decoded(t, c, stream)
			s.watched(t, stream)
			s.cutAnywhere(t, stream)
		})
	}
}

// encode writes events for a caller that asked for usage.
func (s *suite) encode(events []dialect.Event) []byte {
	e := s.dialect.NewEncoder(dialect.EncodeOptions{RequestID: "req_1", Model: "asked-model", Usage: true, Created: 1790000000})
	var stream []byte
	for _, event := range events {
		stream = e.Encode(stream, event)
	}
	return stream
}

// decoded holds that a stream tells what was encoded.
func (s *suite) decoded(t *testing.T, c streamCase, stream []byte) {
	t.Helper()
	exception := s.exception("stream/" + c.name)
	want := c.events
	got, complete, err := s.decode(stream)
	if err != nil {
		t.Fatalf("Decode: %v\n%s", err, stream)
	}
	if !complete {
		t.Errorf("a whole stream is not Complete\n%s", stream)
	}
	had, has := fold(got), fold(want)
	if exception.Events != nil {
		if equal(&had, &has) {
			t.Error("the exception is not needed: the stream came back as it was written")
		}
		has = fold(exception.Events(append([]dialect.Event(nil), want...)))
	}
	same(t, "decoded", &had, &has)
	for i, e := range got {
		if (e.Kind == dialect.EventStart) != (i == 0) || (e.Kind == dialect.EventEnd) != (i == len(got)-1) {
			t.Errorf("event %d of %d has kind %d: a stream begins with its start and ends with its end", i, len(got), e.Kind)
		}
	}
}

// decode gives the events of a stream that has come to an end.
func (s *suite) decode(stream []byte) (events []dialect.Event, complete bool, err error) {
	d := s.dialect.NewDecoder()
	for _, f := range split(stream) {
		if events, err = d.Decode(events, f); err != nil {
			break
		}
	}
	return events, d.Complete(), err
}

// split gives the frames of a stream that has come to an end.
func split(stream []byte) []sse.Frame {
	var frames []sse.Frame
	for {
		f, n, ok := sse.Next(stream)
		if !ok {
			break
		}
		frames, stream = append(frames, f), stream[n:]
	}
	if f, ok := sse.Last(stream); ok {
		frames = append(frames, f)
	}
	return frames
}

// watched holds that a watcher sees in each frame what a decoder makes of it.
func (s *suite) watched(t *testing.T, stream []byte) {
	t.Helper()
	w, d := s.dialect.NewWatcher(fairlead.OpChat), s.dialect.NewDecoder()
	total, hasTotal := fairlead.Usage{}, false
	seen, given := 0, 0
	for i, f := range split(stream) {
		sight, err := w.Watch(f)
		if err != nil {
			t.Fatalf("Watch of frame %d: %v", i, err)
		}
		events, err := d.Decode(nil, f)
		if err != nil {
			t.Fatalf("Decode of frame %d: %v", i, err)
		}
		var meaningful, terminal bool
		var phase dialect.Phase
		for j := range events {
			e := &events[j]
			meaningful = meaningful || e.Meaningful()
			terminal = terminal || e.Kind == dialect.EventEnd
			given += e.Bytes()
			if e.Meaningful() && e.Phase() != dialect.PhaseSame {
				phase = e.Phase()
			}
			if e.HasUsage {
				total, hasTotal = e.Usage, true
			}
		}
		seen += sight.Bytes
		if sight.Meaningful != meaningful || sight.Terminal != terminal {
			t.Errorf("frame %d: the watcher sees %+v, the decoder events %+v\n%s", i, sight, events, f.Raw)
		}
		if phase != dialect.PhaseSame && sight.Phase != phase {
			t.Errorf("frame %d: the watcher sees phase %d, the decoder %d\n%s", i, sight.Phase, phase, f.Raw)
		}
		if sight.UsageOnly && (meaningful || terminal) {
			t.Errorf("frame %d is more than usage: %+v\n%s", i, events, f.Raw)
		}
		if w.Complete() != d.Complete() {
			t.Errorf("frame %d: Complete is %v for the watcher, %v for the decoder", i, w.Complete(), d.Complete())
		}
	}
	// A call without input may be decoded as one with an empty object that no frame carries.
	if seen != given && seen+len("{}") != given {
		t.Errorf("the watcher counts %d bytes, the decoder %d", seen, given)
	}
	if u, ok := w.Usage(); u != total || ok != hasTotal {
		t.Errorf("the watcher knows usage %+v (%v), the decoder %+v (%v)", u, ok, total, hasTotal)
	}
}

// cutAnywhere holds that a stream is Complete only if the frame that ends the answer is there whole, for
// decoder and watcher alike: cut around the end of every frame, and anywhere within the one that ends the
// answer.
func (s *suite) cutAnywhere(t *testing.T, stream []byte) {
	t.Helper()
	var cuts []int
	d := s.dialect.NewDecoder()
	at, end := 0, -1
	for _, f := range split(stream) {
		if _, err := d.Decode(nil, f); err != nil {
			t.Fatalf("Decode: %v", err)
		}
		start := at
		at += len(f.Raw)
		if end < 0 && d.Complete() {
			end = start + len(bytes.TrimRight(f.Raw, "\n"))
			for cut := start; cut < at; cut++ {
				cuts = append(cuts, cut)
			}
		}
		cuts = append(cuts, at-3, at-2, at-1, min(at+1, len(stream)))
	}
	if end < 0 {
		t.Fatalf("never Complete\n%s", stream)
	}
	for _, cut := range cuts {
		s.cut(t, stream[:cut], cut >= end)
	}
}

func (s *suite) cut(t *testing.T, stream []byte, want bool) {
	t.Helper()
	_, complete, _ := s.decode(stream)
	w := s.dialect.NewWatcher(fairlead.OpChat)
	for _, f := range split(stream) {
		if _, err := w.Watch(f); err != nil {
			break
		}
	}
	if complete != want || w.Complete() != want {
		t.Errorf("cut short: Complete is %v for the decoder, %v for the watcher, want %v\n%s", complete, w.Complete(), want, stream)
	}
}
