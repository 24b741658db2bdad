package gateway_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fairlead"
	"fairlead/gateway"
	"fairlead/test/harness"
)

// wireTime bounds a conversation of these tests; only a defect reaches it.
const wireTime = 20 * time.Second

// heard is what came back on a connection.
type heard struct {
	status int
	header http.Header
	body   string
	kept   bool  // the connection served a request behind this one
	more   []int // the statuses of answers behind the first that nobody asked for
	reset  bool  // the connection was reset before the answer could be read whole
}

// say writes raw bytes on a new connection and reads what comes back. Where it is not closed, it asks
// /livez on it, so that a connection that is kept has proven itself.
func (r *rig) say(t *testing.T, raw string) (h heard) {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	check(t, err)
	defer c.Close()
	check(t, c.SetDeadline(time.Now().Add(wireTime)))
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, raw)
		written <- err
	}()
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
	}
	switch {
	case err != nil && over(err):
		h.reset = true
		return h
	case err != nil:
		t.Fatalf("no answer: %v", err)
	}
	h.status, h.header, h.body = resp.StatusCode, resp.Header, string(body)
	if resp.Close {
		h.more = answersBehind(t, in)
		return h
	}
	if err := <-written; err != nil {
		t.Fatalf("write: %v", err)
	}
	_, err = io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if err != nil && !over(err) {
		t.Fatalf("write: %v", err)
	}
	h.more = answersBehind(t, in)
	if n := len(h.more); n > 0 && h.more[n-1] == http.StatusOK {
		h.kept, h.more = true, h.more[:n-1]
	}
	return h
}

// answersBehind gives the statuses of the answers up to the end of the connection.
func answersBehind(t *testing.T, in *bufio.Reader) (statuses []int) {
	t.Helper()
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			if !over(err) {
				t.Errorf("the connection did not end: %v", err)
			}
			return statuses
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		statuses = append(statuses, resp.StatusCode)
	}
}

// over reports whether an error is the end of a connection.
func over(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// request writes a request's head and what follows it.
func request(line string, header []string, body string) string {
	return line + " HTTP/1.1\r\nHost: fairlead\r\n" + strings.Join(append(header, "", ""), "\r\n") + body
}

// TestDoor holds that who has no key is turned away by the headers alone, in the caller's language and
// whatever the body, and that the connection stays usable.
func TestDoor(t *testing.T) {
	r := newRig(t, "max_body: 1MiB")
	body := asking("openai/echo", false)
	for _, c := range []struct {
		name   string
		header []string
		status int
		code   fairlead.Code
	}{
		{"no key", nil, 401, fairlead.CodeMissingKey},
		{"an empty key", []string{"Authorization: Bearer "}, 401, fairlead.CodeMissingKey},
		{"another scheme", []string{"Authorization: Basic " + r.key}, 401, fairlead.CodeMissingKey},
		{"unknown key", []string{"Authorization: Bearer sk-fl-unknown"}, 401, fairlead.CodeInvalidKey},
		{"a key with a letter too many", []string{"X-Api-Key: " + r.key + "x"}, 401, fairlead.CodeInvalidKey},
		{"a provider's key", []string{"X-Api-Key: sk-proj-abc"}, 401, fairlead.CodeInvalidKey},
		{"the hash of a key", []string{"X-Api-Key: " + fmt.Sprintf("%x", fairlead.HashKey(r.key))}, 401, fairlead.CodeInvalidKey},
		{"revoked key", []string{"Authorization: Bearer " + r.revoked}, 401, fairlead.CodeRevokedKey},
		{"a good key behind a bad one", []string{"Authorization: Bearer nope", "X-Api-Key: " + r.key}, 401, fairlead.CodeInvalidKey},
		{"a key of 60,000 letters", []string{"X-Api-Key: " + strings.Repeat("k", 60_000)}, 401, fairlead.CodeInvalidKey},
	} {
		for _, caller := range callers {
			header := append([]string{fmt.Sprintf("Content-Length: %d", len(body))}, c.header...)
			h := r.say(t, request("POST "+caller.path, header, body))
			e, err := readRefusal(caller.dialect, []byte(h.body))
			if err != nil || h.status != c.status || e.Error.Code != string(c.code) || !h.kept || len(h.more) != 0 {
				t.Errorf("%s, %s: %d %s (%v), kept %v, behind it %v", c.name, caller.dialect, h.status, e.Error.Code, err, h.kept, h.more)
			}
		}
	}
	r.noneSent(t)
}

// noneSent holds that the fake provider has seen no request.
func (r *rig) noneSent(t *testing.T) {
	t.Helper()
	if log := r.fake.Log(); len(log) != 0 {
		t.Errorf("%d requests went upstream, the first for %q at %s", len(log), log[0].Model, log[0].Path)
	}
}

// TestBadPath holds that only the exact addresses are served.
func TestBadPath(t *testing.T) {
	r := newRig(t, "max_body: 1MiB")
	body := asking("openai/echo", false)
	for _, c := range []struct {
		line   string
		status int
		code   fairlead.Code
	}{
		{"POST /", 404, fairlead.CodeNotFound},
		{"POST //v1/chat/completions", 404, fairlead.CodeNotFound},
		{"POST /v1//chat/completions", 404, fairlead.CodeNotFound},
		{"POST /v1/chat/completions/", 404, fairlead.CodeNotFound},
		{"POST /v1/chat/../chat/completions", 404, fairlead.CodeNotFound},
		{"POST /v1/chat/completions%00", 404, fairlead.CodeNotFound},
		{"POST /v1/chat/completions%0d%0a", 404, fairlead.CodeNotFound},
		{"POST /V1/chat/completions", 404, fairlead.CodeNotFound},
		{"POST /api/api/v1/chat/completions", 404, fairlead.CodeNotFound},
		{"POST /api//v1/chat/completions", 404, fairlead.CodeNotFound},
		{"POST /apix/v1/chat/completions", 404, fairlead.CodeNotFound},
		{"POST /control/v1/keys", 404, fairlead.CodeNotFound},
		{"GET /metrics", 404, fairlead.CodeNotFound},
		{"POST /v1/files", 404, fairlead.CodeNotFound},
		{"GET /debug/pprof/", 404, fairlead.CodeNotFound},
		{"GET /api/livez", 404, fairlead.CodeNotFound},
		{"GET /v1/models/", 404, fairlead.CodeNotFound},
		{"GET /v1/chat/completions", 405, fairlead.CodeMethodNotAllowed},
		{"PUT /v1/messages", 405, fairlead.CodeMethodNotAllowed},
		{"DELETE /v1/models", 405, fairlead.CodeMethodNotAllowed},
		{"OPTIONS /v1/chat/completions", 405, fairlead.CodeMethodNotAllowed},
		{"TRACE /v1/chat/completions", 405, fairlead.CodeMethodNotAllowed},
		{"POST /livez", 405, fairlead.CodeMethodNotAllowed},
		{"BREW /v1/messages", 405, fairlead.CodeMethodNotAllowed},
	} {
		dialect := fairlead.OpenAI
		if strings.Contains(c.line, "/messages") {
			dialect = fairlead.Anthropic
		}
		h := r.say(t, request(c.line, []string{"X-Api-Key: " + r.key, fmt.Sprintf("Content-Length: %d", len(body))}, body))
		e, err := readRefusal(dialect, []byte(h.body))
		if err != nil || h.status != c.status || e.Error.Code != string(c.code) || !h.kept || len(h.more) != 0 {
			t.Errorf("%s: %d %s (%v), kept %v, behind it %v", c.line, h.status, e.Error.Code, err, h.kept, h.more)
		}
		if h.status == 405 && h.header.Get("Allow") == "" {
			t.Errorf("%s: no Allow header", c.line)
		}
	}
	r.noneSent(t)
	for _, line := range []string{"POST /api/v1/chat/completions", "POST /v1/chat/completions?model=x", "POST /v1/chat%2Fcompletions", "POST http://other/v1/chat/completions"} {
		h := r.say(t, request(line, []string{"X-Api-Key: " + r.key, fmt.Sprintf("Content-Length: %d", len(body))}, body))
		if h.status != 200 || !h.kept {
			t.Errorf("%s: %d, kept %v: %s", line, h.status, h.kept, h.body)
		}
	}
}

// TestFraming holds that a request whose end can be read in two ways is refused, or ends its
// connection: a request hidden in its body is never executed.
func TestFraming(t *testing.T) {
	r := newRig(t, "max_body: 1MiB", hurry)
	key := "X-Api-Key: " + r.key
	hiddenBody := asking("openai/hidden", false)
	hidden := request("POST /v1/chat/completions", []string{key, fmt.Sprintf("Content-Length: %d", len(hiddenBody))}, hiddenBody)
	good := asking("openai/front", false)
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(good), good)
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d", n) }
	post := func(body string, header ...string) string {
		return request("POST /v1/chat/completions", append([]string{key}, header...), body)
	}
	for _, c := range []struct {
		name, raw string
		status    int
		code      fairlead.Code
	}{
		{"both, the length ends first", post(chunk+hidden, length(len(chunk)), "Transfer-Encoding: chunked"), 200, ""},
		{"both, the length covers the hidden one", post(chunk+hidden, length(len(chunk)+len(hidden)), "Transfer-Encoding: chunked"), 200, ""},
		{"both, an empty chunked body", post("0\r\n\r\n"+hidden, length(5+len(hidden)), "Transfer-Encoding: chunked"), 400, fairlead.CodeInvalidJSON},
		{"HTTP/1.0 with both", strings.Replace(post(good+hidden, length(len(good)), "Transfer-Encoding: chunked", "Connection: keep-alive"), "HTTP/1.1", "HTTP/1.0", 1), 200, ""},
		{"chunked, identity", post(chunk+hidden, "Transfer-Encoding: chunked, identity"), 400, fairlead.CodeMalformed},
		{"identity", post(chunk+hidden, length(len(good)), "Transfer-Encoding: identity"), 400, fairlead.CodeMalformed},
		{"gzip, chunked", post(chunk+hidden, "Transfer-Encoding: gzip, chunked"), 400, fairlead.CodeMalformed},
		{"chunked twice", post(chunk+hidden, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, fairlead.CodeMalformed},
		{"chunked with a vertical tab", post(chunk+hidden, length(len(good)), "Transfer-Encoding: \vchunked"), 400, fairlead.CodeMalformed},
		{"xchunked", post(chunk+hidden, length(len(good)), "Transfer-Encoding: xchunked"), 400, fairlead.CodeMalformed},
		{"a space before the colon", post(chunk+hidden, length(len(good)), "Transfer-Encoding : chunked"), 400, fairlead.CodeMalformed},
		{"a bare CR in a header", post(chunk+hidden, length(len(good)), "X: y\rTransfer-Encoding: chunked"), 400, fairlead.CodeMalformed},
		{"two lengths that differ", post(good+hidden, length(len(good)), length(len(good)+len(hidden))), 400, fairlead.CodeMalformed},
		{"a list of lengths", post(good+hidden, fmt.Sprintf("Content-Length: %d, %d", len(good), len(good)+len(hidden))), 400, fairlead.CodeMalformed},
		{"a negative length", post(good+hidden, "Content-Length: -1"), 400, fairlead.CodeMalformed},
		{"a signed length", post(good+hidden, fmt.Sprintf("Content-Length: +%d", len(good))), 400, fairlead.CodeMalformed},
		{"a length in hex", post(good+hidden, "Content-Length: 0x10"), 400, fairlead.CodeMalformed},
		{"a length beyond int64", post(good+hidden, "Content-Length: 99999999999999999999"), 400, fairlead.CodeMalformed},
		{"a chunk longer than it says", post("1\r\n"+good+"\r\n0\r\n\r\n"+hidden, "Transfer-Encoding: chunked"), 400, fairlead.CodeBodyIncomplete},
		{"a chunk size that is no number", post("zz\r\n"+good+"\r\n0\r\n\r\n"+hidden, "Transfer-Encoding: chunked"), 400, fairlead.CodeBodyIncomplete},
		{"a chunk size beyond int64", post("fffffffffffffffff\r\n"+good+"\r\n0\r\n\r\n"+hidden, "Transfer-Encoding: chunked"), 400, fairlead.CodeBodyIncomplete},
		{"a huge chunk extension", post("5;"+strings.Repeat("x", 200_000)+"\r\n"+good, "Transfer-Encoding: chunked"), 400, fairlead.CodeBodyIncomplete},
		{"no host", "POST /v1/chat/completions HTTP/1.1\r\n" + key + "\r\n" + length(len(good)) + "\r\n\r\n" + good, 400, fairlead.CodeMalformed},
		{"two hosts", post(good, length(len(good)), "Host: other"), 400, fairlead.CodeMalformed},
		{"not HTTP", "hello\r\n\r\n", 400, fairlead.CodeMalformed},
		{"HTTP/9.9", strings.Replace(post(good, length(len(good))), "HTTP/1.1", "HTTP/9.9", 1), 400, fairlead.CodeMalformed},
		{"an expectation that nobody knows", post(good, length(len(good)), "Expect: miracles"), 417, fairlead.CodeMalformed},
	} {
		h := r.say(t, c.raw)
		if h.reset && c.code == fairlead.CodeBodyIncomplete {
			continue // there was more to read than the server wanted; TCP then may lose the answer
		}
		if h.status != c.status || h.kept || len(h.more) != 0 {
			t.Errorf("%s: status %d, want %d; kept %v, behind it %v: %s", c.name, h.status, c.status, h.kept, h.more, h.body)
		}
		if c.code != "" {
			if e, err := readRefusal(fairlead.OpenAI, []byte(h.body)); err != nil || e.Error.Code != string(c.code) {
				t.Errorf("%s: code %s, want %s (%v)", c.name, e.Error.Code, c.code, err)
			}
		}
	}
	// A folded line is one line: the length counts, and what is left over is no request.
	h := r.say(t, post(chunk+hidden, length(len(chunk)-5), "X: y\r\n Transfer-Encoding: chunked"))
	if h.status != 400 || h.kept || !slices.Equal(h.more, []int{400}) {
		t.Errorf("a folded line: status %d, kept %v, behind it %v: %s", h.status, h.kept, h.more, h.body)
	}
	for _, a := range r.fake.Log() {
		if a.Model != "front" {
			t.Errorf("a request for %q was executed", a.Model)
		}
	}
}

// TestHonestFraming holds that connections live on where a request has one reading.
func TestHonestFraming(t *testing.T) {
	r := newRig(t, "max_body: 1MiB")
	body := asking("openai/echo", false)
	for _, c := range []struct {
		name   string
		header []string
	}{
		{"a length", []string{fmt.Sprintf("Content-Length: %d", len(body))}},
		{"the same length twice", []string{fmt.Sprintf("Content-Length: %d", len(body)), fmt.Sprintf("Content-Length: %d", len(body))}},
	} {
		h := r.say(t, request("POST /v1/chat/completions", append(c.header, "X-Api-Key: "+r.key), body))
		if h.status != 200 || !h.kept || len(h.more) != 0 {
			t.Errorf("%s: status %d, kept %v, behind it %v", c.name, h.status, h.kept, h.more)
		}
	}
	one := request("POST /v1/chat/completions", []string{"X-Api-Key: " + r.key, fmt.Sprintf("Content-Length: %d", len(body))}, body)
	if h := r.say(t, one+one+one); h.status != 200 || len(h.more) != 2 || !h.kept {
		t.Errorf("three requests in one packet: status %d, behind it %v, kept %v", h.status, h.more, h.kept)
	}
}

// TestTooMuch sends what is too large: headers, an address, a body by its length. All of it is refused
// before a byte of the body is read, and the connection ends.
func TestTooMuch(t *testing.T) {
	r := newRig(t, "max_body: 1MiB", hurry)
	key := "X-Api-Key: " + r.key
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("X-%d: %s", i, strings.Repeat("v", 20))
	}
	for _, c := range []struct {
		name   string
		line   string
		header []string
		status int
		code   fairlead.Code
	}{
		{"a header of 70 KB", "", []string{key, "X: " + strings.Repeat("x", 70_000)}, 431, fairlead.CodeHeadersTooLarge},
		{"3,000 headers", "", append(many, key), 431, fairlead.CodeHeadersTooLarge},
		{"an address of 70 KB", "/" + strings.Repeat("a", 70_000), []string{key}, 431, fairlead.CodeHeadersTooLarge},
		{"a query of 70 KB", "?" + strings.Repeat("a", 70_000), []string{key}, 431, fairlead.CodeHeadersTooLarge},
		{"a header of 10 MB", "", []string{key, "X: " + strings.Repeat("x", 10_000_000)}, 431, fairlead.CodeHeadersTooLarge},
		{"an address of 10 MB", "/" + strings.Repeat("a", 10_000_000), []string{key}, 431, fairlead.CodeHeadersTooLarge},
		{"a body of 2 MiB by its length", "", []string{key, "Content-Length: 2097152"}, 413, fairlead.CodeBodyTooLarge},
		{"a body of 8 EiB by its length", "", []string{key, "Content-Length: 9223372036854775807"}, 413, fairlead.CodeBodyTooLarge},
		{"a body of 2 MiB, asked for leave", "", []string{key, "Content-Length: 2097152", "Expect: 100-continue"}, 413, fairlead.CodeBodyTooLarge},
		{"compressed", "", []string{key, "Content-Length: 2000", "Content-Encoding: gzip"}, 415, fairlead.CodeUnsupportedMedia},
		{"compressed behind identity", "", []string{key, "Content-Length: 2000", "Content-Encoding: identity", "Content-Encoding: br"}, 415, fairlead.CodeUnsupportedMedia},
		{"multipart", "", []string{key, "Content-Length: 2000", "Content-Type: Multipart/Form-Data; boundary=x"}, 415, fairlead.CodeUnsupportedMedia},
	} {
		for _, caller := range callers {
			h := r.say(t, request("POST "+caller.path+c.line, c.header, ""))
			if h.status != c.status || h.kept || len(h.more) != 0 {
				t.Errorf("%s, %s: status %d, want %d; kept %v, behind it %v", c.name, caller.dialect, h.status, c.status, h.kept, h.more)
			}
			if e, err := readRefusal(caller.dialect, []byte(h.body)); err != nil || e.Error.Code != string(c.code) {
				t.Errorf("%s, %s: code %s, want %s (%v)", c.name, caller.dialect, e.Error.Code, c.code, err)
			}
		}
	}
	r.noneSent(t)
}

// hurry leaves callers a moment instead of many seconds.
func hurry(g *gateway.Gateway) {
	g.Hurry(300*time.Millisecond, 300*time.Millisecond, time.Second)
}

// TestTooMuchAsItComes sends a chunked body without an end: it is refused once it is too large.
func TestTooMuchAsItComes(t *testing.T) {
	r := newRig(t, "max_body: 1MiB")
	c, err := net.Dial("tcp", r.addr)
	check(t, err)
	defer c.Close()
	check(t, c.SetDeadline(time.Now().Add(wireTime)))
	_, err = io.WriteString(c, request("POST /v1/messages", []string{"X-Api-Key: " + r.key, "Transfer-Encoding: chunked"}, ""))
	check(t, err)
	piece := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat(" ", 64<<10))
	sent := 0
	for ; err == nil && sent < 256<<20; sent += len(piece) {
		_, err = io.WriteString(c, piece)
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes were taken of a body of at most 1 MiB: %v", sent, err)
	}
	harness.Until(t, "the record says that the body was too large", func() bool {
		left := r.records.all()
		return len(left) == 1 && left[0].Status == 413 && left[0].Code == fairlead.CodeBodyTooLarge
	})
	r.noneSent(t)
}
