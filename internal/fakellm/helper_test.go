package fakellm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reach bounds every wait of these tests; none of them should come near it.
const reach = 10 * time.Second

// chatBody and messageBody ask a model to say something.
func chatBody(model string, stream bool) string {
	return fmt.Sprintf(`{"model":%q,"stream":%v,"messages":[{"role":"user","content":"hello there"}]}`, model, stream)
}

func messageBody(model string, stream bool) string {
	return fmt.Sprintf(`{"model":%q,"stream":%v,"max_tokens":4096,"messages":[{"role":"user","content":"hello there"}]}`, model, stream)
}

// bodyFor asks in the wire of a path.
func bodyFor(path, model string, stream bool) string {
	switch path {
	case "/v1/messages":
		return messageBody(model, stream)
	case "/v1/completions":
		return fmt.Sprintf(`{"model":%q,"stream":%v,"prompt":"hello there"}`, model, stream)
	case "/v1/responses":
		return fmt.Sprintf(`{"model":%q,"stream":%v,"input":"hello there"}`, model, stream)
	default:
		return chatBody(model, stream)
	}
}

// post sends a request as a decent client and gives the whole answer.
func post(t *testing.T, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	res, err := send(http.DefaultClient, url, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read %s: %v", url, err)
	}
	return res, string(b)
}

func send(c *http.Client, url, body string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Anthropic-Version", "2023-06-01")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return c.Do(req)
}

// wire is a connection on which a test sees every byte.
type wire struct {
	net.Conn
	in *bufio.Reader
	t  *testing.T
}

func dial(t *testing.T, url string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(reach)); err != nil {
		t.Fatal(err)
	}
	return &wire{Conn: c, in: bufio.NewReader(c), t: t}
}

// ask writes a request. keep leaves the connection open behind it.
func (w *wire) ask(path, body string, keep bool) {
	w.t.Helper()
	connection := "close"
	if keep {
		connection = "keep-alive"
	}
	_, err := fmt.Fprintf(w, "POST %s HTTP/1.1\r\nHost: fake\r\nConnection: %s\r\nContent-Type: application/json\r\nAnthropic-Version: 2023-06-01\r\nContent-Length: %d\r\n\r\n%s",
		path, connection, len(body), body)
	if err != nil {
		w.t.Fatal(err)
	}
}

// rest reads to the end of the connection and says how it ended.
func (w *wire) rest() (string, error) {
	b, err := io.ReadAll(w.in)
	return string(b), err
}

// exchange asks on a connection of its own and reads to its end.
func exchange(t *testing.T, url, path, body string) (string, error) {
	t.Helper()
	w := dial(t, url)
	w.ask(path, body, false)
	return w.rest()
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

// dechunk takes the chunked framing off an answer; ended says whether its last chunk was there.
func dechunk(t *testing.T, raw string) (body string, ended bool) {
	t.Helper()
	_, rest, ok := strings.Cut(raw, "\r\n\r\n")
	if !ok {
		t.Fatalf("no head in %q", raw)
	}
	var b bytes.Buffer
	for {
		size, more, ok := strings.Cut(rest, "\r\n")
		if !ok {
			return b.String(), false
		}
		var n int
		if _, err := fmt.Sscanf(size, "%x", &n); err != nil {
			t.Fatalf("chunk size %q: %v", size, err)
		}
		if n == 0 {
			return b.String(), true
		}
		if len(more) < n+2 {
			return b.String() + more, false
		}
		b.WriteString(more[:n])
		rest = more[n+2:]
	}
}

// eventually waits for something that another goroutine does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(reach); !ok(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// value digs in JSON by a dotted path.
func value(t *testing.T, body, path string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("not JSON: %v: %s", err, body)
	}
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(x) {
				t.Fatalf("no %s in %s", path, body)
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// chatText joins the content of a chat stream.
func chatText(t *testing.T, body string) string {
	t.Helper()
	var b strings.Builder
	for _, data := range datas(body) {
		var c struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(data), &c); err == nil && len(c.Choices) > 0 {
			b.WriteString(c.Choices[0].Delta.Content)
		}
	}
	return b.String()
}

// datas lists the data of every frame.
func datas(body string) []string {
	var list []string
	for line := range strings.Lines(body) {
		if d, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "data: "); ok {
			list = append(list, d)
		}
	}
	return list
}

// events lists the names of the events of a stream.
func events(body string) []string {
	var list []string
	for line := range strings.Lines(body) {
		if d, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "event: "); ok {
			list = append(list, d)
		}
	}
	return list
}
