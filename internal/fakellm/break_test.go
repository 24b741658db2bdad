package fakellm

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestBreaks asserts every stream failure on the raw connection, in both dialects: what was said
// before, what the last frame is, and how the body and the connection end.
func TestBreaks(t *testing.T) {
	s, url := Start(t, Options{})
	type want struct {
		chunks   int    // of content
		last     string // what the body ends with
		ended    bool   // the chunked framing was ended
		reset    bool
		has, not string
	}
	const done, stop = "data: [DONE]\n\n", "data: {\"type\":\"message_stop\"}\n\n"
	for _, c := range []struct {
		spec       string
		chat, mess want
	}{
		{"then=truncate,at=3", want{chunks: 3, ended: true, not: "[DONE]"}, want{chunks: 3, ended: true, not: "message_stop"}},
		{"then=truncate,at=0", want{chunks: 0, ended: true, has: `"role":"assistant"`}, want{chunks: 0, ended: true, has: "message_start"}},
		{"then=truncate,at=end", want{chunks: 5, ended: true, not: `"finish_reason":"stop"`}, want{chunks: 5, ended: true, not: "stop_reason\":\"end"}},
		{"then=truncate,at=99", want{chunks: 5, ended: true, not: "[DONE]"}, want{chunks: 5, ended: true, not: "message_delta"}},
		{"then=abort,at=2", want{chunks: 2, not: "[DONE]"}, want{chunks: 2, not: "message_stop"}},
		{"then=reset,at=2", want{chunks: 2, reset: true}, want{chunks: 2, reset: true}},
		{"then=error_frame,at=2", want{chunks: 2, ended: true, has: `data: {"error":{"message"`, not: "[DONE]"}, want{chunks: 2, ended: true, has: "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"", not: "message_stop"}},
		{"then=error_done,at=2", want{chunks: 2, ended: true, has: `data: {"error":`, last: done}, want{chunks: 2, ended: true, has: "event: error", last: stop}},
		{"then=llama_error,at=2", want{chunks: 2, ended: true, has: "\nerror: {\"code\":500", last: done}, want{chunks: 2, ended: true, has: "\nerror: {\"code\":500", last: stop}},
		{"then=no_finish", want{chunks: 5, ended: true, not: `"finish_reason":"`, last: done}, want{chunks: 5, ended: true, not: "message_delta", last: stop}},
		{"then=no_finish,at=2", want{chunks: 2, ended: true, not: `"finish_reason":"`, last: done}, want{chunks: 2, ended: true, not: "message_delta", last: stop}},
		{"then=bad_json,at=2", want{chunks: 5, ended: true, has: "\"del\n\n", last: done}, want{chunks: 5, ended: true, has: "\"del\n\n", last: stop}},
		{"then=finish_error,at=2", want{chunks: 2, ended: true, has: `"finish_reason":"error"`, last: done}, want{chunks: 2, ended: true, has: `"stop_reason":"error"`, last: stop}},
	} {
		for path, w := range map[string]want{"/v1/chat/completions": c.chat, "/v1/messages": c.mess} {
			s.ResetLog()
			raw, err := exchange(t, url, path, bodyFor(path, "x:tokens=5,"+c.spec, true))
			if isReset(err) != w.reset || (!w.reset && err != nil) {
				t.Errorf("%s %s: the connection ended with %v", path, c.spec, err)
			}
			body, ended := dechunk(t, raw)
			if ended != w.ended {
				t.Errorf("%s %s: last chunk there: %v", path, c.spec, ended)
			}
			n := strings.Count(body, `"delta":{"content":"`)
			if path == "/v1/messages" {
				n = strings.Count(body, "text_delta")
			}
			if n != w.chunks || !strings.HasSuffix(body, w.last) || !strings.Contains(body, w.has) || (w.not != "" && strings.Contains(body, w.not)) {
				t.Errorf("%s %s: %d chunks in %s", path, c.spec, n, body)
			}
			a := s.Log()[0]
			name, _, _ := strings.Cut(c.spec, ",")
			if a.Outcome != name || a.Chunks != w.chunks || a.Left {
				t.Errorf("%s %s: logged %+v", path, c.spec, a)
			}
		}
	}
}

// TestStall asserts silence behind a chunk, and that the log tells when the client gave up.
func TestStall(t *testing.T) {
	for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"} {
		s, url := Start(t, Options{})
		w := dial(t, url)
		w.ask(path, bodyFor(path, "x:tokens=5,then=stall,at=2", true), true)
		var seen strings.Builder
		for strings.Count(seen.String(), "delta\":")+strings.Count(seen.String(), `"text":"`) < 2 {
			line, err := w.in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			seen.WriteString(line)
		}
		if a := s.Log()[0]; a.Outcome != "open" {
			t.Errorf("%s: logged %+v while the stream stalls", path, a)
		}
		_ = w.Close()
		eventually(t, "the log knows that the client left", func() bool { return s.Log()[0].Left })
		if a := s.Log()[0]; a.Outcome != "then=stall" || a.Chunks != 2 {
			t.Errorf("%s: logged %+v", path, a)
		}
	}
}

// TestPlainBreaks asserts what `then` does to an answer that is not streamed.
func TestPlainBreaks(t *testing.T) {
	_, url := Start(t, Options{})
	for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
		_, whole := post(t, url+path, bodyFor(path, "x", false))
		for _, c := range []struct {
			then string
			ok   func(body string, err error) bool
		}{
			{"truncate", func(b string, err error) bool {
				return err == nil && len(b) > 50 && len(b) < len(whole) && !json.Valid([]byte(b))
			}},
			{"abort", func(b string, err error) bool { return err == io.ErrUnexpectedEOF && len(b) > 50 }},
			{"reset", func(b string, err error) bool { return isReset(err) && len(b) > 50 }},
			{"error_frame", func(b string, err error) bool { return err == nil && value(t, b, "error.message") != nil }},
			{"no_finish", func(b string, err error) bool {
				return strings.Contains(b, `_reason":null`) && !strings.Contains(b, `_reason":"`)
			}},
			{"finish_error", func(b string, err error) bool { return strings.Contains(b, `_reason":"error"`) }},
		} {
			res, err := send(&fresh, url+path, bodyFor(path, "x:then="+c.then, false))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if !c.ok(string(b), err) {
				t.Errorf("%s %s: %v: %s", path, c.then, err, b)
			}
		}
	}
}

// TestResponsesBreaks asserts the in-band failures of the responses wire.
func TestResponsesBreaks(t *testing.T) {
	_, url := Start(t, Options{})
	for _, c := range []struct{ then, last string }{
		{"error_frame", "error"},
		{"finish_error", "response.failed"},
		{"truncate", "response.output_text.delta"},
		{"no_finish", "response.output_item.done"},
	} {
		_, body := post(t, url+"/v1/responses", bodyFor("/v1/responses", "x:tokens=5,then="+c.then+",at=end", true))
		names := events(body)
		if names[len(names)-1] != c.last || slices.Contains(names, "response.completed") {
			t.Errorf("%s: %v", c.then, names)
		}
	}
}
