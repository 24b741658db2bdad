package dialecttest

import (
	"errors"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// target is what requests are written for.
var target = dialect.Target{Model: "upstream-model", MaxOutput: 64000, Usage: true}

// requests writes each case and reads it back.
func (s *suite) requests(t *testing.T) {
	for _, c := range requestCases() {
		t.Run(c.name, func(t *testing.T) { s.request(t, c) })
	}
}

func (s *suite) request(t *testing.T, c requestCase) {
	exception := s.exception("request/" + c.name)
	written := copyOf(c.request)
	body, err := s.dialect.WriteRequest(written, target)
	same(t, "WriteRequest changed its request", written, c.request)
	if exception.Refused != "" {
		refused(t, err, exception.Refused)
		return
	}
	if err != nil {
		t.Fatalf("WriteRequest: %v", err)
	}
	got, err := s.dialect.ReadRequest(body)
	if err != nil {
		t.Fatalf("ReadRequest: %v\n%s", err, body)
	}

	want := copyOf(c.request)
	want.Model = target.Model
	if exception.Request != nil {
		before := copyOf(want)
		exception.Request(want)
		if equal(before, want) {
			t.Error("the exception changes nothing")
		}
		if equal(normalRequest(got), normalRequest(before)) {
			t.Error("the exception is not needed: the request came back as it was written")
		}
	}
	same(t, "read back", normalRequest(got), normalRequest(want))
	s.stable(t, got, body)
	s.facts(t, c, got, body)
}

// stable holds that what was once read and written is written the same for ever.
func (s *suite) stable(t *testing.T, r *dialect.Request, body []byte) {
	t.Helper()
	again, err := s.dialect.WriteRequest(r, target)
	if err != nil {
		t.Errorf("WriteRequest of what was read: %v", err)
	} else if string(again) != string(body) {
		t.Errorf("written again:\n got %s\nwant %s", again, body)
	}
}

// facts holds that routing sees in a body what the request says.
func (s *suite) facts(t *testing.T, c requestCase, r *dialect.Request, body []byte) {
	t.Helper()
	var o jsonscan.Object
	if err := o.Scan(body); err != nil {
		t.Fatalf("scan what was written: %v", err)
	}
	f, err := s.dialect.Facts(fairlead.OpChat, &o)
	if err != nil {
		t.Fatalf("Facts: %v\n%s", err, body)
	}
	if f.Model != r.Model || f.Stream != r.Stream || f.MaxOutput != r.MaxTokens || !f.Stateless {
		t.Errorf("Facts %+v do not agree with the request\n%s", f, body)
	}
	if s.exceptions["request/"+c.name] == nil && !f.Needs.Has(c.needs) {
		t.Errorf("Facts.Needs is %q, want %q in it", f.Needs, c.needs)
	}
}

// refused fails unless err refuses the field param for what the wire cannot express.
func refused(t *testing.T, err error, param string) {
	t.Helper()
	var e *fairlead.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *fairlead.Error", err)
	}
	if e.Code != fairlead.CodeUnsupportedParameter || e.Param != param || e.Message == "" {
		t.Errorf("got code %s, param %q and message %q; want code %s and param %q",
			e.Code, e.Param, e.Message, fairlead.CodeUnsupportedParameter, param)
	}
}
