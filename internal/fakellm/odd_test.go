package fakellm

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// fresh is a client that never uses a connection twice.
var fresh = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func TestOddAnswers(t *testing.T) {
	_, url := Start(t, Options{})
	for _, c := range []struct {
		path, fail string
		stream     bool
		status     int
		kind       string
		ok         func(body string) bool
	}{
		{"/v1/chat/completions", "html", false, 502, "text/html", func(b string) bool { return strings.HasPrefix(b, "<html>") }},
		{"/v1/messages", "html", true, 502, "text/html", func(b string) bool { return strings.HasPrefix(b, "<html>") }},
		{"/v1/chat/completions", "wrong_type", true, 200, "text/html", func(b string) bool { return strings.HasPrefix(b, "<html>") }},
		{"/v1/chat/completions", "malformed", false, 200, "application/json", func(b string) bool { return !json.Valid([]byte(b)) }},
		{"/v1/chat/completions", "malformed", true, 200, "text/event-stream", func(b string) bool { return !json.Valid([]byte(datas(b)[0])) }},
		{"/v1/chat/completions", "error_in_200", true, 200, "application/json", func(b string) bool { return value(t, b, "error.type") == "server_error" }},
		{"/v1/messages", "error_in_200", false, 200, "application/json", func(b string) bool { return value(t, b, "error.type") == "api_error" }},
		{"/v1/chat/completions", "error_first_frame", true, 200, "text/event-stream", func(b string) bool { return strings.HasPrefix(b, `data: {"error":`) }},
		{"/v1/messages", "error_first_frame", true, 200, "text/event-stream", func(b string) bool { return strings.HasPrefix(b, "event: error\ndata: {\"type\":\"error\"") }},
		{"/v1/chat/completions", "empty", false, 200, "application/json", func(b string) bool {
			return value(t, b, "choices.0.message.content") == "" && value(t, b, "choices.0.finish_reason") == "stop"
		}},
		{"/v1/chat/completions", "empty", true, 200, "text/event-stream", func(b string) bool { return chatText(t, b) == "" && strings.HasSuffix(b, "[DONE]\n\n") }},
		{"/v1/messages", "empty", false, 200, "application/json", func(b string) bool { return len(value(t, b, "content").([]any)) == 0 }},
	} {
		res, body := post(t, url+c.path, bodyFor(c.path, "x:fail="+c.fail, c.stream))
		if res.StatusCode != c.status || !strings.HasPrefix(res.Header.Get("Content-Type"), c.kind) || !c.ok(body) {
			t.Errorf("%s %s: %d %s %s", c.path, c.fail, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
	}
}

// TestNoAnswer asserts on the connection the failures that have no answer.
func TestNoAnswer(t *testing.T) {
	s, url := Start(t, Options{})
	raw, err := exchange(t, url, "/v1/chat/completions", chatBody("x:fail=refused", false))
	if raw != "" || err != nil {
		t.Errorf("refused: %q, %v; want a close without a byte", raw, err)
	}
	raw, err = exchange(t, url, "/v1/chat/completions", chatBody("x:fail=reset", true))
	if raw != "" || !isReset(err) {
		t.Errorf("reset: %q, %v; want RST", raw, err)
	}
	for _, a := range s.Log() {
		if a.Status != 0 || a.Left {
			t.Errorf("logged %+v", a)
		}
	}
}

func TestHang(t *testing.T) {
	s, url := Start(t, Options{})
	w := dial(t, url)
	w.ask("/v1/messages", messageBody("x:fail=hang", true), true)
	eventually(t, "the attempt is in the log", func() bool { l := s.Log(); return len(l) == 1 && l[0].Model != "" })
	if err := w.SetReadDeadline(time.Now().Add(30 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if b, err := w.in.ReadByte(); err == nil {
		t.Fatalf("it answered: %q", b)
	}
	_ = w.Close()
	eventually(t, "the log knows that the client left", func() bool { a := s.Log()[0]; return a.Left && a.Outcome == "fail=hang" })
}

// TestSlowHeaders asserts that the head drips and the answer behind it is whole.
func TestSlowHeaders(t *testing.T) {
	_, url := Start(t, Options{})
	w := dial(t, url)
	w.ask("/v1/chat/completions", chatBody("x:fail=slow_headers,pace=50us", false), true)
	res, err := http.ReadResponse(bufio.NewReaderSize(w, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil || value(t, string(b), "object") != "chat.completion" {
		t.Errorf("%v: %s", err, b)
	}
}

func TestHugeHeaders(t *testing.T) {
	_, url := Start(t, Options{})
	raw, err := exchange(t, url, "/v1/chat/completions", chatBody("x:fail=huge_headers,bytes=3MB", false))
	if err != nil || len(raw) < 3_000_000 || !strings.HasSuffix(raw, "\r\n\r\n") {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}

// TestEndless asserts that an endless answer is endless to its bound, and stops when the client leaves.
func TestEndless(t *testing.T) {
	s, url := Start(t, Options{})
	for _, c := range []struct {
		path, fail string
		stream     bool
	}{
		{"/v1/chat/completions", "huge", true},
		{"/v1/chat/completions", "huge", false},
		{"/v1/messages", "huge", true},
		{"/v1/chat/completions", "endless_line", true},
		{"/v1/messages", "endless_line", false},
	} {
		_, body := post(t, url+c.path, bodyFor(c.path, "x:bytes=2MB,fail="+c.fail, c.stream))
		if len(body) < 2_000_000 || len(body) > 2_100_000 {
			t.Errorf("%s %s: %d bytes", c.path, c.fail, len(body))
		}
		if lines := strings.Count(body, "\n"); (c.fail == "endless_line" || !c.stream) != (lines < 2) {
			t.Errorf("%s %s: %d lines", c.path, c.fail, lines)
		}
	}
	s.ResetLog()
	ctx, leave := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(chatBody("x:fail=huge", true)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := fresh.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, res.Body, 1<<20); err != nil {
		t.Fatal(err)
	}
	leave()
	_ = res.Body.Close()
	eventually(t, "the log knows that the client left", func() bool { return s.Log()[0].Left })
}
