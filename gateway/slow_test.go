package gateway_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/test/harness"
)

// TestSlow holds that callers who send too slowly, or less than they said, get an answer and lose
// their connection, that nothing of them goes upstream, and that nothing is kept of their bodies.
func TestSlow(t *testing.T) {
	r := newRig(t, "max_body: 1MiB", hurry)
	body := asking("openai/echo", false)
	key := "X-Api-Key: " + r.key
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d", n) }
	for _, c := range []struct {
		name   string
		raw    string
		half   bool // the caller ends its side behind it
		status int
		code   fairlead.Code // "" = no request: the connection ends without an answer
	}{
		{"no request", "", false, 0, ""},
		{"half a request line", "POST /v1/messages", false, 408, fairlead.CodeBodyTimeout},
		{"headers that do not end", "POST /v1/messages HTTP/1.1\r\nHost: a\r\n" + key + "\r\n", false, 408, fairlead.CodeBodyTimeout},
		{"no byte of the body", request("POST /v1/messages", []string{key, length(len(body))}, ""), false, 408, fairlead.CodeBodyTimeout},
		{"half of the body", request("POST /v1/messages", []string{key, length(len(body))}, body[:20]), false, 408, fairlead.CodeBodyTimeout},
		{"a body shorter than its length", request("POST /v1/messages", []string{key, length(len(body) + 1)}, body), false, 408, fairlead.CodeBodyTimeout},
		{"a chunked body without its end", request("POST /v1/messages", []string{key, "Transfer-Encoding: chunked"}, fmt.Sprintf("%x\r\n%s\r\n", len(body), body)), false, 408, fairlead.CodeBodyTimeout},
		{"leave to send was given in vain", request("POST /v1/messages", []string{key, length(len(body)), "Expect: 100-continue"}, ""), false, 408, fairlead.CodeBodyTimeout},
		{"half of the body, then the end", request("POST /v1/messages", []string{key, length(len(body))}, body[:20]), true, 400, fairlead.CodeBodyIncomplete},
		{"a chunk cut off", request("POST /v1/messages", []string{key, "Transfer-Encoding: chunked"}, fmt.Sprintf("%x\r\n%s", len(body), body[:9])), true, 400, fairlead.CodeBodyIncomplete},
		{"no chunk at all", request("POST /v1/messages", []string{key, "Transfer-Encoding: chunked"}, ""), true, 400, fairlead.CodeBodyIncomplete},
	} {
		status, answer := r.wait(t, c.raw, c.half)
		if status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, status, c.status, answer)
		}
		if c.code != "" {
			if e, err := readRefusal(fairlead.Anthropic, []byte(answer)); err != nil || e.Error.Code != string(c.code) {
				t.Errorf("%s: code %s, want %s (%v)", c.name, e.Error.Code, c.code, err)
			}
		}
	}
	r.noneSent(t)
	harness.Until(t, "no body is held", func() bool { return r.gateway.BodiesHeld() == 0 })
}

// TestSlowElsewhere holds that a body that nobody wants cannot keep a connection: without a key, at a
// wrong path, at an address that takes none.
func TestSlowElsewhere(t *testing.T) {
	r := newRig(t, "max_body: 1MiB", hurry)
	for _, c := range []struct {
		name, raw string
		status    int
	}{
		{"no key", request("POST /v1/messages", []string{"Content-Length: 100"}, "x"), 401},
		{"no key, chunked", request("POST /v1/messages", []string{"Transfer-Encoding: chunked"}, "5\r\nx"), 401},
		{"no such path", request("POST /v2/messages", []string{"Content-Length: 100"}, "x"), 404},
		{"another method", request("PUT /v1/messages", []string{"Content-Length: 100"}, "x"), 405},
		{"/livez", request("GET /livez", []string{"Content-Length: 100"}, "x"), 200},
		{"/readyz", request("GET /readyz", []string{"Transfer-Encoding: chunked"}, "5\r\nx"), 200},
		{"/v1/models", request("GET /v1/models", []string{"X-Api-Key: " + r.key, "Content-Length: 100"}, "x"), 200},
		{"compressed", request("POST /v1/messages", []string{"X-Api-Key: " + r.key, "Content-Encoding: br", "Content-Length: 100"}, "x"), 415},
	} {
		if status, answer := r.wait(t, c.raw, false); status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, status, c.status, answer)
		}
	}
}

// TestTrickle holds that a body that arrives in pieces is taken as long as it goes on fast enough,
// however many windows that takes.
func TestTrickle(t *testing.T) {
	r := newRig(t, "max_body: 1MiB", hurry)
	body := filled(`{"model":"openai/echo","messages":[{"role":"user","content":"hi"}],"user":"`, `"}`, 200<<10)
	c, err := net.Dial("tcp", r.addr)
	check(t, err)
	defer c.Close()
	check(t, c.SetDeadline(time.Now().Add(wireTime)))
	_, err = io.WriteString(c, request("POST /v1/chat/completions", []string{"X-Api-Key: " + r.key, fmt.Sprintf("Content-Length: %d", len(body))}, ""))
	check(t, err)
	tick := time.NewTicker(60 * time.Millisecond) // 20 pieces: four times the window in all
	defer tick.Stop()
	for len(body) > 0 {
		<-tick.C
		n := min(10<<10, len(body))
		_, err = io.WriteString(c, body[:n])
		check(t, err)
		body = body[n:]
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	check(t, err)
	if resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// wait sends raw bytes, reads to the end of the connection, which the server must bring about, and
// gives the first answer.
func (r *rig) wait(t *testing.T, raw string, half bool) (status int, body string) {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	check(t, err)
	defer c.Close()
	check(t, c.SetDeadline(time.Now().Add(wireTime)))
	_, err = io.WriteString(c, raw)
	check(t, err)
	if half {
		check(t, c.(*net.TCPConn).CloseWrite())
	}
	all, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection was kept")
	}
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(all))), nil)
	if err != nil {
		return 0, string(all)
	}
	if resp.StatusCode == http.StatusContinue {
		_, rest, _ := strings.Cut(string(all), "\r\n\r\n")
		resp, err = http.ReadResponse(bufio.NewReader(strings.NewReader(rest)), nil)
		check(t, err)
	}
	answer, err := io.ReadAll(resp.Body)
	check(t, err)
	return resp.StatusCode, string(answer)
}

// TestDeafCaller holds that a caller who stops reading loses the exchange, and its provider with it:
// unstreamed, too large to hold, and streamed.
func TestDeafCaller(t *testing.T) {
	r := newRig(t, "max_body: 1MiB", hurry)
	for _, c := range []struct {
		model  string
		stream bool
		times  int // requests in one packet: what the system buffers must be full before anyone waits
	}{
		{"openai/a:tokens=1900,size=4096", false, 4},
		{"openai/b:fail=huge,bytes=10GB", false, 1},
		{"openai/c:fail=huge,bytes=10GB", true, 1},
	} {
		conn, err := net.Dial("tcp", r.addr)
		check(t, err)
		check(t, conn.(*net.TCPConn).SetReadBuffer(4096))
		body := strings.Replace(asking(c.model, c.stream), `"max_tokens":64`, `"max_tokens":4096`, 1)
		one := request("POST /v1/chat/completions", []string{"X-Api-Key: " + r.key, fmt.Sprintf("Content-Length: %d", len(body))}, body)
		_, err = io.WriteString(conn, strings.Repeat(one, c.times))
		check(t, err)
		harness.Until(t, c.model+": the exchange is given up", func() bool {
			left := r.records.all()
			last := len(left) - 1
			return last >= 0 && left[last].Model == c.model && left[last].Code == fairlead.CodeCallerGone
		})
		check(t, conn.Close())
	}
}
