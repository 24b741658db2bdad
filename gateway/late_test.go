package gateway_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/test/harness"
)

// TestLateHeaders holds that a stream that stays silent past timeouts.headers gets 200 and a comment,
// that its attempt can still be replaced then, and that a failure behind it is told in-band.
func TestLateHeaders(t *testing.T) {
	r := newRig(t, "attempts: 2, timeouts: {headers: 30ms, first_token: 150ms}")
	for _, c := range []struct {
		name, model, set string
		ends             bool
		code             fairlead.Code
		attempts         int
	}{
		{"late and well", "openai/x:ttft=100ms,echo", "", true, "", 1},
		{"silent, then another endpoint", "two/x", "fail=hang", true, "", 2},
		{"headers and silence, then another endpoint", "two/x", "then=stall,at=0", true, "", 2},
		{"an error after the headers, then another endpoint", "two/x", "fail=server_error,ttft=100ms", true, "", 2},
		{"late and broken", "openai/x:ttft=100ms,fail=server_error", "", false, fairlead.CodeUpstreamFailed, 2},
		{"late and refused", "openai/x:ttft=100ms,fail=context_length", "", false, fairlead.CodeContextLength, 1},
		{"late and closed", "openai/x:ttft=100ms,fail=reset", "", false, fairlead.CodeUpstreamFailed, 1},
		{"late, then cut off", "openai/x:ttft=100ms,tokens=9,then=truncate,at=2", "", false, fairlead.CodeStreamInterrupted, 2},
	} {
		if c.set != "" {
			check(t, r.fake.Set("bad/x", c.set))
		}
		for _, caller := range callers {
			name := c.name + ", " + string(caller.dialect)
			resp := r.post(t.Context(), caller.path, asking(c.model, true))
			body := text(t, resp)
			if resp.StatusCode != 200 || !strings.HasPrefix(body, ":") || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
				t.Errorf("%s: status %d, %v: %.200q", name, resp.StatusCode, resp.Header, body)
			}
			if resp.Header.Get("X-Fairlead-Revision") != "1" || resp.Header.Get("X-Request-Id") == "" {
				t.Errorf("%s: headers %v", name, resp.Header)
			}
			if ends := strings.HasSuffix(body, "data: [DONE]\n\n") || strings.Contains(body, "message_stop"); ends != c.ends {
				t.Errorf("%s: a clean end is %v: %.300q", name, ends, body[max(0, len(body)-300):])
			}
			if c.code != "" && !strings.Contains(body, `"code":"`+string(c.code)+`"`) {
				t.Errorf("%s: the error is not told: %.500q", name, body)
			}
			if got := r.records.of(t, resp); got.Code != c.code || len(got.Attempts) != c.attempts || got.Status != 200 {
				t.Errorf("%s: status %d, code %q, attempts %+v", name, got.Status, got.Code, got.Attempts)
			}
		}
	}
}

// TestNoLateHeaders holds that an unstreamed exchange is given no headers early, however late it is.
func TestNoLateHeaders(t *testing.T) {
	r := newRig(t, "attempts: 3, timeouts: {headers: 20ms}")
	resp := r.post(t.Context(), "/v1/chat/completions", asking("openai/x:ttft=100ms,fail=server_error", false))
	if body := text(t, resp); resp.StatusCode != 502 {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

// TestMaxBodies holds that bodies past max_bodies get 503 with Retry-After while small ones go on being
// served, and that all of the memory is given back.
func TestMaxBodies(t *testing.T) {
	r := newRig(t, "max_body: 1MiB, max_bodies: 4MiB")
	half := func() net.Conn {
		c, err := net.Dial("tcp", r.addr)
		check(t, err)
		t.Cleanup(func() { _ = c.Close() })
		check(t, c.SetDeadline(time.Now().Add(wireTime)))
		_, err = io.WriteString(c, request("POST /v1/messages", []string{"X-Api-Key: " + r.key, "Content-Length: 1000000"}, strings.Repeat(" ", 900_000)))
		check(t, err)
		return c
	}
	full := half()
	harness.Until(t, "the first body holds a megabyte", func() bool { return r.gateway.BodiesHeld() == 2*1_000_001 })
	for range 3 {
		resp, err := http.ReadResponse(bufio.NewReader(half()), nil)
		check(t, err)
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		if e, err := readRefusal(fairlead.Anthropic, body); err != nil || resp.StatusCode != 503 || e.Error.Code != string(fairlead.CodeOverloaded) || resp.Header.Get("Retry-After") == "" {
			t.Errorf("status %d, %v (%v): %s", resp.StatusCode, resp.Header, err, body)
		}
		check(t, r.echo(t.Context(), "word1x", true))
	}
	_, err := io.WriteString(full, strings.Repeat(" ", 100_000))
	check(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(full), nil)
	check(t, err)
	if resp.StatusCode != 400 { // a megabyte of spaces is no JSON
		t.Errorf("the body that was let in got status %d", resp.StatusCode)
	}
	r.noneOf(t, "claude")
	harness.Until(t, "no body is held", func() bool { return r.gateway.BodiesHeld() == 0 })
}

// noneOf holds that the fake provider has seen no request for a model with a name.
func (r *rig) noneOf(t *testing.T, name string) {
	t.Helper()
	for _, a := range r.fake.Log() {
		if strings.Contains(a.Model, name) {
			t.Errorf("a request for %q went upstream", a.Model)
		}
	}
}

// TestShutdown holds that streams in flight end well, that new exchanges are refused meanwhile over
// connections that are still open, that new connections are, and that a bound breaks the rest off.
func TestShutdown(t *testing.T) {
	r := newRig(t, "attempts: 1")
	resp := r.post(t.Context(), "/v1/chat/completions", asking("openai/s:tokens=20,pace=20ms", true))
	h2 := clientOf(t, "HTTP/2")
	long, err := h2.Do(r.streamRequest(t, t.Context(), "openai/l:tokens=20,pace=20ms"))
	check(t, err)
	idle, err := net.Dial("tcp", r.addr)
	check(t, err)
	defer idle.Close()
	stopped := make(chan error, 1)
	go func() { stopped <- r.gateway.Shutdown(context.Background()) }()
	harness.Until(t, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	for name, resp := range map[string]*http.Response{"HTTP/1.1": resp, "HTTP/2": long} {
		if body := text(t, resp); !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Errorf("%s: a stream in flight ended with %.200q", name, body[max(0, len(body)-200):])
		}
	}
	check(t, idle.Close())
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// TestDraining holds what an exchange gets that arrives between the beginning of a shutdown and the end
// of its connection.
func TestDraining(t *testing.T) {
	r := newRig(t, "attempts: 1")
	r.gateway.Drain()
	resp := r.post(t.Context(), "/v1/messages", asking("openai/echo", false))
	body := text(t, resp)
	if e, err := readRefusal(fairlead.Anthropic, []byte(body)); err != nil || resp.StatusCode != 503 || e.Error.Code != string(fairlead.CodeDraining) || resp.Header.Get("Retry-After") == "" || !resp.Close {
		t.Errorf("status %d, %v (%v): %s", resp.StatusCode, resp.Header, err, body)
	}
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503} {
		resp, err := http.Get("http://" + r.addr + path)
		check(t, err)
		if body := text(t, resp); resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d: %s", path, resp.StatusCode, want, body)
		}
	}
	r.noneSent(t)
}

// TestShutdownIsBounded holds that a stream that does not end is broken off, without a clean end, and
// that its provider is left alone.
func TestShutdownIsBounded(t *testing.T) {
	r := newRig(t, "attempts: 1")
	resp := r.post(t.Context(), "/v1/chat/completions", asking("openai/s:tokens=20,pace=1h", true))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.gateway.Shutdown(ctx); err == nil {
		t.Error("a shutdown that broke a stream off does not say so")
	}
	body, err := io.ReadAll(resp.Body)
	if err == nil || strings.Contains(string(body), "[DONE]") {
		t.Errorf("the stream ended cleanly: %q", body)
	}
	harness.Until(t, "the provider is left alone", func() bool { return r.last().Left })
	harness.Until(t, "the exchange ended", func() bool { return len(r.records.all()) == 1 })
}

func (r *rig) streamRequest(t *testing.T, ctx context.Context, model string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+"/v1/chat/completions", strings.NewReader(asking(model, true)))
	check(t, err)
	req.Header.Set("X-Api-Key", r.key)
	return req
}

// TestManyStreamsDrain holds some hundreds of streams at once through a shutdown: all of them end
// properly, and (see TestMain) nothing of them is left.
func TestManyStreamsDrain(t *testing.T) {
	const many = 400
	r := newRig(t, "attempts: 1")
	clients := []*http.Client{clientOf(t, "HTTP/1.1"), clientOf(t, "HTTP/2")}
	opened, ended := make(chan *http.Response, many), make(chan error, many)
	for i := range many {
		go func() {
			model := []string{"openai", "claude"}[i/2%2] + "/s:tokens=3,pace=1s"
			resp, err := clients[i%2].Do(r.streamRequest(t, context.Background(), model))
			if err != nil {
				t.Error(err)
				ended <- err
				opened <- nil
				return
			}
			opened <- resp
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
				err = io.ErrUnexpectedEOF
			}
			ended <- err
		}()
	}
	for range many {
		<-opened
	}
	if err := r.gateway.Shutdown(context.Background()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	for range many {
		if err := <-ended; err != nil {
			t.Errorf("a stream ended with %v", err)
		}
	}
	if got := len(r.records.all()); got != many {
		t.Errorf("%d exchanges are recorded", got)
	}
}
