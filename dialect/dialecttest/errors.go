package dialecttest

import (
	"errors"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
)

// errors writes every code's error and reads it back, whole and in a stream.
func (s *suite) errors(t *testing.T) {
	for _, row := range fairlead.Codes {
		t.Run(string(row.Code), func(t *testing.T) {
			e := &fairlead.Error{
				Code: row.Code, Message: "a \"message\" of\nseveral lines", Param: "messages[0].content",
				Hint: "for the operator", Err: errors.New("for the log"),
			}
			s.writtenError(t, e)
			s.streamedError(t, e)
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		for _, body := range []string{"", "{", "null", "[]", "[[[[[[", "<html>", "\xff", `{"error":null}`, `{"error":[{"error":{}}]}`, "plain words"} {
			s.announced(t, []byte(body))
		}
	})
}

func (s *suite) writtenError(t *testing.T, e *fairlead.Error) {
	t.Helper()
	body := s.dialect.WriteError(e, "req_1")
	if f := s.announced(t, body); f.Code != string(e.Code) || f.Message != e.Message || f.Type == "" {
		t.Errorf("read back %+v from\n%s", f, body)
	}
	secretFree(t, body)
}

// announced is what is read of a body that a stream announces as an error: a fault, whatever is in it.
func (s *suite) announced(t *testing.T, body []byte) *dialect.Fault {
	t.Helper()
	frame := sse.Frame{Event: []byte("error"), Data: body}
	_, decodeErr := s.dialect.NewDecoder().Decode(nil, frame)
	_, watchErr := s.dialect.NewWatcher(fairlead.OpChat).Watch(frame)
	var decoded, watched *dialect.Fault
	if !errors.As(decodeErr, &decoded) || !errors.As(watchErr, &watched) || *decoded != *watched {
		t.Fatalf("an error event with %q gives the decoder %v, the watcher %v", body, decodeErr, watchErr)
	}
	return decoded
}

// streamedError holds that an error after a part of an answer is one to decoder and watcher, in one frame,
// and never the end of a sound stream.
func (s *suite) streamedError(t *testing.T, e *fairlead.Error) {
	t.Helper()
	frame := s.dialect.WriteStreamError(e, "req_1")
	secretFree(t, frame)
	stream := s.encode([]dialect.Event{
		{Kind: dialect.EventStart, ID: "msg_1", Model: "upstream-model"}, event(dialect.EventText, "It is "),
	})
	frames := split(append(stream, frame...))
	if f, n, ok := sse.Next(frame); !ok || n != len(frame) || f.Data == nil {
		t.Fatalf("not one frame: %q", frame)
	}
	d, w := s.dialect.NewDecoder(), s.dialect.NewWatcher(fairlead.OpChat)
	for i, f := range frames {
		_, decodeErr := d.Decode(nil, f)
		_, watchErr := w.Watch(f)
		if i == len(frames)-1 {
			s.fault(t, decodeErr, e)
			s.fault(t, watchErr, e)
		} else if decodeErr != nil || watchErr != nil {
			t.Fatalf("frame %d: %v, %v", i, decodeErr, watchErr)
		}
	}
	if d.Complete() || w.Complete() {
		t.Errorf("a broken stream is Complete: decoder %v, watcher %v", d.Complete(), w.Complete())
	}
}

func (s *suite) fault(t *testing.T, err error, e *fairlead.Error) {
	t.Helper()
	var f *dialect.Fault
	if !errors.As(err, &f) {
		t.Errorf("got %v, want a *dialect.Fault", err)
		return
	}
	if f.Code != string(e.Code) || f.Message != e.Message {
		t.Errorf("read back %+v, want code %s and the message", f, e.Code)
	}
}

// secretFree fails if what is for the operator or the log got to the caller.
func secretFree(t *testing.T, body []byte) {
	t.Helper()
	for _, word := range []string{"for the operator", "for the log"} {
		if contains(body, word) {
			t.Errorf("%q got to the caller: %s", word, body)
		}
	}
}
