package fakellm

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSequence holds that a model behaves by one spec after another, by equal requests too, and stays
// with the last.
func TestSequence(t *testing.T) {
	s, url := Start(t, Options{})
	for _, c := range []struct {
		spec string
		want []int
	}{
		{"fail=server_error;fail=rate_limited;", []int{500, 429, 200, 200}},
		{"tokens=3 ; status=503", []int{200, 503, 503}},
		{"", []int{200, 200}},
	} {
		if err := s.Set("x", c.spec); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if res, body := post(t, url+"/v1/chat/completions", chatBody("x", false)); res.StatusCode != want {
				t.Errorf("%q: request %d got %d: %s", c.spec, i+1, res.StatusCode, body)
			}
		}
	}
	if err := s.Set("x", "tokens=3;fail=nothing"); err == nil || !strings.Contains(err.Error(), "no failure") {
		t.Errorf("a wrong spec in a sequence: %v", err)
	}
}

// TestExpectedTexts holds that Text and Take are what models say.
func TestExpectedTexts(t *testing.T) {
	_, url := Start(t, Options{})
	for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
		_, body := post(t, url+path, bodyFor(path, "x:seed=7,tokens=60,size=4", false))
		if !strings.Contains(body, `"`+Text(7, 60, 4)+`"`) || Text(7, 60, 4) == Text(8, 60, 4) {
			t.Errorf("%s: the text is not %q: %s", path, Text(7, 60, 4), body)
		}
		_, body = post(t, url+path, bodyFor(path, "x:vary,tokens=60", false))
		from := strings.Index(body, takeMark)
		if whole, ok := Take(body[max(from, 0):], 60, 0); !ok || !strings.Contains(body, `"`+whole+`"`) {
			t.Errorf("%s: the take is not %q: %s", path, whole, body)
		}
	}
	if _, ok := Take("keel sound", 60, 0); ok {
		t.Error("a text of another model is taken for a take")
	}
}

// TestNoPrefill holds that a model may refuse to go on with the assistant's message, and that the log
// tells which way was asked.
func TestNoPrefill(t *testing.T) {
	s, url := Start(t, Options{})
	said := `{"role":"assistant","content":"[take 0000002a] keel sound"}`
	quote := said + `,{"role":"user","content":"Go on behind: [take 0000002a] keel sound"}`
	for _, c := range []struct {
		path, model, more, extra, way string
		status                        int
	}{
		{"/v1/messages", "x:no_prefill", said, "", "prefill", 400},
		{"/v1/messages", "x:vary", said, "", "prefill", 200},
		{"/v1/chat/completions", "x:no_prefill", said, "", "prefill", 400},
		{"/v1/chat/completions", "x:vary", said, `"continue_final_message":true,"add_generation_prompt":false,`, "final", 200},
		{"/v1/chat/completions", "x:no_prefill", quote, "", "anchor", 200},
		{"/v1/messages", "x:no_prefill", quote, "", "anchor", 200},
		{"/v1/messages", "x:no_prefill", "", "", "", 200},
	} {
		messages := `{"role":"user","content":"hello"}`
		if c.more != "" {
			messages += "," + c.more
		}
		body := `{"model":"` + c.model + `","max_tokens":64,` + c.extra + `"messages":[` + messages + `]}`
		res, answer := post(t, url+c.path, body)
		log := s.Log()
		if got := log[len(log)-1].Continues; res.StatusCode != c.status || got != c.way {
			t.Errorf("%s %s: status %d, way %q: %s", c.path, body, res.StatusCode, got, answer)
		}
	}
}

// TestReserve holds that a port can be kept while it refuses connections, and be listened at again.
func TestReserve(t *testing.T) {
	s, url := Start(t, Options{})
	addr := strings.TrimPrefix(url, "http://")
	for range 3 {
		get(t, url+"/health")
		s.Down(time.Hour, "refuse")
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			t.Error("the port takes connections")
		}
		if s.gates.list[0].free == nil {
			t.Error("the port is not kept")
		}
		s.Up()
		if status, body := get(t, url+"/health"); status != 200 {
			t.Errorf("after the outage: %d %s", status, body)
		}
	}
}

// TestNoDone holds that a stream can tell why it ended and still lack its last frame.
func TestNoDone(t *testing.T) {
	_, url := Start(t, Options{})
	for path, c := range map[string]struct{ has, lacks string }{
		"/v1/chat/completions": {`"finish_reason":"stop"`, "[DONE]"},
		"/v1/messages":         {`"stop_reason":"end_turn"`, "message_stop"},
	} {
		if _, body := post(t, url+path, bodyFor(path, "x:then=no_done", true)); !strings.Contains(body, c.has) || strings.Contains(body, c.lacks) {
			t.Errorf("%s: %s", path, body)
		}
		if _, body := post(t, url+path, bodyFor(path, "x:then=no_done", false)); !strings.Contains(body, c.has) {
			t.Errorf("%s, whole: %s", path, body)
		}
	}
}

// TestStallAlive holds that a stalled stream can go on sending what is no content.
func TestStallAlive(t *testing.T) {
	_, url := Start(t, Options{})
	for path, alive := range map[string]string{"/v1/chat/completions": ": keep-alive", "/v1/messages": "event: ping"} {
		ctx, cancel := context.WithTimeout(t.Context(), reach)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, strings.NewReader(bodyFor(path, "x:then=stall,keepalive=5ms", true)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Anthropic-Version", "2023-06-01")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(res.Body)
		for n := 0; n < 10; {
			if !in.Scan() {
				t.Fatalf("%s: the stream ended: %v", path, in.Err())
			}
			if strings.HasPrefix(in.Text(), alive) {
				n++
			}
		}
		cancel()
		_ = res.Body.Close()
	}
}
