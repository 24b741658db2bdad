package anthropic_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// FuzzReadRequest holds that what was read can be written, that what is written can be read, and that
// then nothing changes any more.
func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(request1K))
	f.Add([]byte(`{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var o jsonscan.Object
		if o.Scan(body) == nil {
			_, _ = d.Facts(fairlead.OpChat, &o)
		}
		r, err := d.ReadRequest(body)
		if err != nil {
			fairleadError(t, err)
			return
		}
		first, err := d.WriteRequest(r, dialect.Target{Model: "up"})
		if err != nil {
			fairleadError(t, err)
			return
		}
		again, err := d.ReadRequest(first)
		if err != nil {
			t.Fatalf("%v in what was written: %s", err, first)
		}
		second, err := d.WriteRequest(again, dialect.Target{Model: "up"})
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%v\nfirst  %s\nsecond %s", err, first, second)
		}
	})
}

func fairleadError(t *testing.T, err error) {
	if e := fairlead.AsError(err); e.HTTPStatus() != 400 || e.Message == "" || len(e.Param) > 1024 {
		t.Fatalf("got %+v", e)
	}
}

// FuzzReadAnswer holds that an answer that can be read is written as one that reads the same, and that
// Inspect agrees with ReadAnswer.
func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(message))
	for _, c := range answersThatAreNone {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = d.Inspect(fairlead.OpCountTokens, body, new(jsonscan.Object))
		in, inspected := d.Inspect(fairlead.OpChat, body, new(jsonscan.Object))
		a, err := d.ReadAnswer(body)
		if err != nil {
			return
		}
		if inspected != nil || in.Usage != a.Usage || in.HasUsage != a.HasUsage {
			t.Fatalf("read %+v, inspected %+v, %v", a, in, inspected)
		}
		again, err := d.ReadAnswer(d.WriteAnswer(a))
		if err != nil || again.Usage != a.Usage {
			t.Fatalf("read %+v, written and read again %+v, %v", a, again, err)
		}
		if got, want := said(again.Parts), said(a.Parts); got != want {
			t.Fatalf("said %q, then %q", want, got)
		}
	})
}

// said is the text of parts.
func said(parts []dialect.Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// FuzzStream feeds any stream to decoder and watcher, which have to agree, and what is decoded to an
// encoder.
func FuzzStream(f *testing.F) {
	f.Add([]byte(fullStream))
	for _, c := range brokenStreams {
		f.Add([]byte(c.stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		dec, w := d.NewDecoder(), d.NewWatcher(fairlead.OpChat)
		var events []dialect.Event
		for {
			frame, n, ok := sse.Next(stream)
			if !ok {
				break
			}
			stream = stream[n:]
			var decoded error
			wasComplete := dec.Complete()
			events, decoded = dec.Decode(events, frame)
			_, watched := w.Watch(frame)
			if watched != nil && decoded == nil {
				t.Fatalf("the watcher refuses what the decoder takes: %v\n%s", watched, frame.Raw)
			}
			if decoded != nil {
				break
			}
			if wasComplete && !dec.Complete() || w.Complete() != dec.Complete() {
				t.Fatalf("complete: decoder %v, then %v, watcher %v", wasComplete, dec.Complete(), w.Complete())
			}
		}
		checkStream(t, events, encodeAll(events...))
		checkHeld(t, events)
	})
}

// FuzzReadFault holds that any body that is announced as an error gives a bounded error.
func FuzzReadFault(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"m","type":"t","code":1,"param":"p"}}`))
	f.Add([]byte(`{"errors":[{"code":1,"message":"x"}],"detail":[{"msg":"m"}],"fault":{"faultstring":"f","detail":{"errorcode":"e"}}}`))
	f.Add([]byte(`<html><title>x</title>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := announced(t, body)
		if len(got.Message) > 5000 || len(got.Type)+len(got.Code)+len(got.Param) > 1024 {
			t.Fatalf("got %+v", got)
		}
		if !utf8.ValidString(got.Message + got.Type + got.Code + got.Param) {
			t.Fatalf("got invalid UTF-8: %+v", got)
		}
	})
}

// FuzzEncoder feeds any sequence of events to an encoder: two bytes choose one.
func FuzzEncoder(f *testing.F) {
	f.Add([]byte{0, 0, 5, 0, 5, 1, 6, 8, 6, 1, 6, 9, 7, 0, 8, 0, 9, 0})
	f.Add([]byte{1, 1, 2, 1, 3, 1, 4, 1, 5, 0, 1, 2, 6, 16, 5, 1, 6, 9, 7, 0, 9, 0})
	f.Fuzz(func(t *testing.T, choices []byte) {
		texts := []string{"", "a", "{", "}", `{"a":`, `"}\""`, "1}", "\n", "\xff", "{}"}
		var events []dialect.Event
		for i := 0; i+1 < len(choices); i += 2 {
			text, tool := texts[int(choices[i+1]>>3)%len(texts)], int(choices[i+1]&7)
			e := dialect.Event{Kind: dialect.EventKind(choices[i]%12) + 1, Text: text, Tool: tool, ID: text, Name: text}
			e.Usage.Output = int64(tool)
			events = append(events, e)
		}
		checkStream(t, events, encodeAll(events...))
	})
}

// checkHeld holds that an encoder's count of what waits never loses its way.
func checkHeld(t *testing.T, events []dialect.Event) {
	t.Helper()
	e := d.NewEncoder(dialect.EncodeOptions{RequestID: "req_1"})
	for i := range events {
		e.Encode(nil, events[i])
		if n := e.(dialect.Holder).Held(); n < 0 {
			t.Fatalf("holds %d bytes", n)
		}
	}
	e.Encode(nil, dialect.Event{Kind: dialect.EventFinish})
	e.Encode(nil, dialect.Event{Kind: dialect.EventUsage})
	if n := e.(dialect.Holder).Held(); n != 0 {
		t.Fatalf("holds %d bytes after the end", n)
	}
}

// checkStream holds what the API promises of a stream: frames that parse, blocks that do not overlap and
// count from 0, deltas of the open block only, an end only after a reason; and that no text is lost.
func checkStream(t *testing.T, events []dialect.Event, stream string) {
	t.Helper()
	c := checker{t: t, open: -1}
	for _, f := range frames(t, stream) {
		var data struct {
			Type    string
			Index   int
			Message json.RawMessage
			Block   struct{ Type string } `json:"content_block"`
			Delta   struct {
				Type, Text, Thinking string
				StopReason           string `json:"stop_reason"`
			}
		}
		var o jsonscan.Object
		if err := o.Scan(f.Data); err != nil {
			t.Fatalf("%v in %s", err, f.Data)
		}
		if err := json.Unmarshal(f.Data, &data); err != nil || data.Type != string(f.Event) {
			t.Fatalf("%v: event %s of type %s", err, f.Event, data.Type)
		}
		c.frame(data.Type, data.Index, data.Block.Type)
		c.said.WriteString(data.Delta.Text)
		c.thought.WriteString(data.Delta.Thinking)
		if (data.Delta.StopReason != "") != (data.Type == "message_delta") {
			t.Fatalf("stop_reason %q in %s", data.Delta.StopReason, data.Type)
		}
	}
	var said, thought strings.Builder
	finished := false
	for _, e := range events {
		switch {
		case e.Kind == dialect.EventText || e.Kind == dialect.EventRefusal:
			said.WriteString(string([]rune(e.Text))) // every byte that is no UTF-8 becomes U+FFFD
		case e.Kind == dialect.EventReasoning:
			thought.WriteString(string([]rune(e.Text)))
		}
		if e.Kind == dialect.EventFinish {
			finished = true
		}
		if e.Kind == dialect.EventFinish || e.Kind == dialect.EventEnd {
			break // what follows is outside of the neutral form
		}
	}
	if c.stopped && !finished {
		t.Fatal("an end without a reason")
	}
	want, got := said.String(), c.said.String()
	if finished && !strings.HasPrefix(got, want) {
		t.Fatalf("said %q, want %q", got, want)
	}
	if want := thought.String(); finished && !strings.HasPrefix(c.thought.String(), want) {
		t.Fatalf("thought %q, want %q", c.thought.String(), want)
	}
}

// checker follows one stream.
type checker struct {
	t                      *testing.T
	open, next             int
	started, told, stopped bool
	said, thought          strings.Builder
}

func (c *checker) frame(typ string, index int, block string) {
	c.t.Helper()
	ok := !c.stopped && c.started == (typ != "message_start")
	switch typ {
	case "message_start":
		c.started = true
	case "content_block_start":
		ok = ok && !c.told && c.open < 0 && index == c.next && block != ""
		c.open, c.next = index, c.next+1
	case "content_block_delta":
		ok = ok && index == c.open
	case "content_block_stop":
		ok = ok && index == c.open
		c.open = -1
	case "message_delta":
		ok = ok && c.open < 0
		c.told = true
	case "message_stop":
		ok = ok && c.told
		c.stopped = true
	default:
		ok = false
	}
	if !ok {
		c.t.Fatalf("%s of block %d has no place here: %+v", typ, index, c)
	}
}
