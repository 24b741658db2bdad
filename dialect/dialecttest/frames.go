package dialecttest

import (
	"bytes"
	"errors"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
)

// frames holds what every wire makes of frames that are no part of an answer.
func (s *suite) frames(t *testing.T) {
	for _, c := range []struct {
		name, frame      string
		fault, malformed bool
	}{
		{name: "comment", frame: ": keep-alive\n\n"},
		{name: "blank lines", frame: "\n"},
		{name: "retry", frame: "retry: 1000\n\n"},
		{name: "cut JSON", frame: "data: {\"type\":\"x\",\"id\n\n", malformed: true},
		{name: "no JSON", frame: "data: hello\n\n", malformed: true},
		{name: "an array", frame: "data: []\n\n", malformed: true},
		{name: "error as an object", frame: "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n", fault: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame, _, ok := sse.Next([]byte(c.frame))
			if !ok {
				t.Fatalf("not a frame: %q", c.frame)
			}
			d, w := s.dialect.NewDecoder(), s.dialect.NewWatcher(fairlead.OpChat)
			events, err := d.Decode(nil, frame)
			s.verdict(t, "decoder", err, c.fault, c.malformed)
			sight, err := w.Watch(frame)
			s.verdict(t, "watcher", err, c.fault, c.malformed)
			if len(events) > 0 || sight != (dialect.Sight{}) || d.Complete() || w.Complete() {
				t.Errorf("got events %+v and sight %+v from nothing", events, sight)
			}
		})
	}
}

// verdict holds that an error is a fault of the provider, malformed, or none.
func (s *suite) verdict(t *testing.T, who string, err error, fault, malformed bool) {
	t.Helper()
	var f *dialect.Fault
	switch is := errors.As(err, &f); {
	case fault && !is:
		t.Errorf("%s: got %v, want a *dialect.Fault", who, err)
	case malformed && (err == nil || is):
		t.Errorf("%s: got %v, want an error that is no *dialect.Fault", who, err)
	case !fault && !malformed && err != nil:
		t.Errorf("%s: got %v", who, err)
	}
}

func contains(b []byte, word string) bool { return bytes.Contains(b, []byte(word)) }
