package fakellm

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestClose asserts what each way to close tells and does.
func TestClose(t *testing.T) {
	_, url := Start(t, Options{})
	for _, stream := range []bool{false, true} {
		for _, c := range []struct {
			mode      string
			told      bool // Connection: close
			framed    bool // length or chunks
			keepsOpen bool
		}{
			{"", false, true, true},
			{",close", true, true, false},
			{",close=silent", false, true, false},
			{",close=idle:20ms", false, true, false},
			{",close=delimited", true, false, false},
		} {
			w := dial(t, url)
			w.ask("/v1/chat/completions", chatBody("x:tokens=2"+c.mode, stream), true)
			res, err := http.ReadResponse(w.in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Errorf("%q: body: %v", c.mode, err)
			}
			framed := res.ContentLength >= 0 || len(res.TransferEncoding) > 0
			if res.Close != c.told && c.framed || framed != c.framed {
				t.Errorf("%q: close %v, length %d, encoding %v", c.mode, res.Close, res.ContentLength, res.TransferEncoding)
			}
			if c.keepsOpen {
				w.ask("/v1/chat/completions", chatBody("echo", false), true)
				if res, err := http.ReadResponse(w.in, nil); err != nil || res.StatusCode != 200 {
					t.Errorf("%q: second request: %v", c.mode, err)
				}
				continue
			}
			if b, err := w.rest(); b != "" || err != nil {
				t.Errorf("%q: behind the answer %q, %v; want EOF", c.mode, b, err)
			}
		}
	}
}

// TestIdleKeepsBusy asserts that close=idle spares a connection that is used again in time.
func TestIdleKeepsBusy(t *testing.T) {
	_, url := Start(t, Options{})
	w := dial(t, url)
	for range 3 {
		w.ask("/v1/chat/completions", chatBody("echo:close=idle:1h", false), true)
		res, err := http.ReadResponse(w.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFiredIdleClosesAtOnce asserts that a request which arrives when the time to close has come finds
// the connection closed and is not answered, even if the timer's own close is still to run.
func TestFiredIdleClosesAtOnce(t *testing.T) {
	near, far := net.Pipe()
	c := &conn{Conn: near, gate: &gate{conns: map[*conn]struct{}{}}}
	fired, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	c.timer = time.AfterFunc(0, func() {
		close(fired)
		<-release
		_ = c.Close()
	})
	<-fired
	connState(c, http.StateActive)
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the other side reads %v, want EOF", err)
	}
	s, w := New(Options{}), httptest.NewRecorder()
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("the request ended with %v, want the connection's end", got)
			}
		}()
		s.serveOn(c, w, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(chatBody("echo", false))))
	}()
	if w.Body.Len() > 0 || len(s.Log()) > 0 {
		t.Errorf("answered %q, log %v", w.Body, s.Log())
	}
}

func TestSplitAndHints(t *testing.T) {
	_, url := Start(t, Options{})
	_, want := post(t, url+"/v1/chat/completions", chatBody("x:seed=1", true))
	_, got := post(t, url+"/v1/chat/completions", strings.Replace(chatBody("x:seed=1", true), "x:seed=1", "x:seed=1,split=3", 1))
	if got != strings.ReplaceAll(want, "x:seed=1", "x:seed=1,split=3") {
		t.Errorf("split changed the bytes:\n%s\n%s", got, want)
	}
	w := dial(t, url)
	w.ask("/v1/chat/completions", chatBody("x:hints=2", false), true)
	res, err := http.ReadResponse(w.in, nil)
	if err != nil || res.StatusCode != 103 {
		t.Fatalf("first head: %v %v", res, err)
	}
	for range 2 {
		if res, err = http.ReadResponse(w.in, nil); err != nil {
			t.Fatal(err)
		}
	}
	if res.StatusCode != 200 {
		t.Errorf("third head: %d", res.StatusCode)
	}
}

func TestDown(t *testing.T) {
	s, url := Start(t, Options{})
	idle := dial(t, url)
	idle.ask("/v1/chat/completions", chatBody("echo", false), true)
	if res, err := http.ReadResponse(idle.in, nil); err != nil {
		t.Fatal(err)
	} else if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	if res, body := post(t, url+"/fake/down", `{"for":"1h"}`); res.StatusCode != 200 || value(t, body, "mode") != "refuse" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	eventually(t, "the port refuses", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if _, err := idle.rest(); !isReset(err) {
		t.Errorf("the idle connection ended with %v, want RST", err)
	}
	s.Up()
	if res, _ := post(t, url+"/v1/chat/completions", chatBody("echo", false)); res.StatusCode != 200 {
		t.Errorf("after Up: %d", res.StatusCode)
	}
	s.Down(10*time.Millisecond, "refuse")
	eventually(t, "it comes back by itself", func() bool {
		res, err := send(&fresh, url+"/v1/chat/completions", chatBody("echo", false))
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil && res.StatusCode == 200
	})
	s.Down(time.Hour, "503")
	if res, body := post(t, url+"/v1/messages", messageBody("echo", false)); res.StatusCode != 503 || value(t, body, "error.type") != "api_error" {
		t.Errorf("503: %d %s", res.StatusCode, body)
	}
	s.Down(time.Hour, "reset")
	if raw, err := exchange(t, url, "/v1/chat/completions", chatBody("echo", false)); raw != "" || !isReset(err) {
		t.Errorf("reset: %q %v", raw, err)
	}
	if status, body := get(t, url+"/fake/log"); status != 200 {
		t.Errorf("control while down: %d %s", status, body)
	}
	s.Reset()
	if res, _ := post(t, url+"/v1/chat/completions", chatBody("echo", false)); res.StatusCode != 200 {
		t.Errorf("after Reset: %d", res.StatusCode)
	}
}
