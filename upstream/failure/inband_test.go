package failure_test

import (
	"errors"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
	"fairlead/upstream/failure"
)

// evident gives what a frame says of an error, as a walk hands it over.
func evident(f *sse.Frame) []byte {
	switch {
	case f.Error != nil:
		return f.Error
	case f.Bare != nil:
		return f.Bare
	}
	return f.Data
}

// TestFrames holds that the dialects find the errors inside streams that the catalogue lists, and nothing
// else, and that Classify makes the same of each as the dialect's own status says.
func TestFrames(t *testing.T) {
	chat, responses, messages := openai.New(), openai.New(), anthropic.New()
	for _, c := range []struct {
		name  string
		d     dialect.Dialect
		op    fairlead.Operation
		frame string
		want  string // "" = no error; "malformed" = not an error that the provider stated
	}{
		{"an error object", chat, fairlead.OpChat, "data: {\"error\":{\"message\":\"m\",\"code\":429}}", "rate_limited SEF cap"},
		{"an error string", chat, fairlead.OpChat, "data: {\"error\":\"m\"}", "server_error EF yes"},
		{"an error beside choices", chat, fairlead.OpChat, "data: {\"choices\":[],\"error\":{\"code\":502}}", "server_error EF yes"},
		{"an error in a choice", chat, fairlead.OpChat, "data: {\"choices\":[{\"index\":0,\"error\":{\"code\":503}}]}", "server_error EF yes"},
		{"event: error", chat, fairlead.OpChat, "event: error\ndata: {\"message\":\"m\",\"code\":\"server_is_overloaded\"}", "overloaded EF yes"},
		{"a line of llama.cpp", chat, fairlead.OpChat, "error: {\"code\":500,\"message\":\"m\",\"type\":\"server_error\"}", "server_error EF yes"},
		{"a bare line", chat, fairlead.OpChat, "{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}", "overloaded EF light"},
		{"a reason that is an error", chat, fairlead.OpChat, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}", "server_error EF yes"},
		{"no JSON", chat, fairlead.OpChat, "data: {\"cho", "malformed"},
		{"a comment", chat, fairlead.OpChat, ": ping", ""},
		{"no choices", chat, fairlead.OpChat, "data: {\"choices\":[],\"usage\":null}", ""},
		{"another event", chat, fairlead.OpChat, "event: ping\ndata: {}", ""},
		{"Azure's annotations", chat, fairlead.OpChat, "data: {\"choices\":[{\"index\":0,\"content_filter_results\":{\"error\":{\"code\":\"x\"}},\"finish_reason\":null}]}", ""},
		{"an error that is null", chat, fairlead.OpChat, "data: {\"error\":null,\"choices\":[]}", ""},
		{"filtered", chat, fairlead.OpChat, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\"}]}", ""},
		{"response.failed", responses, fairlead.OpResponses, "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}}", "server_error EF yes"},
		{"a responses error", responses, fairlead.OpResponses, "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}", "rate_limited SEF cap"},
		{"a messages error", messages, fairlead.OpChat, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}", "overloaded EF light"},
		{"a ping", messages, fairlead.OpChat, "event: ping\ndata: {\"type\":\"ping\"}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _, ok := sse.Next([]byte(c.frame + "\n\n"))
			if !ok {
				t.Fatal("no frame")
			}
			_, err := c.d.NewWatcher(c.op).Watch(f)
			found(t, err, evident(&f), c.want)
		})
	}
}

// TestBodies holds the same for whole answers.
func TestBodies(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"an error", `{"error":{"message":"m","code":429}}`, "rate_limited SEF cap"},
		{"an error after blank lines", "\n\n  " + `{"error":{"message":"m","code":429}}`, "rate_limited SEF cap"},
		{"no success", `{"success":false,"errors":[{"code":3040,"message":"m"}],"result":null}`, "overloaded SEF cap"},
		{"a reason that is an error", `{"choices":[{"index":0,"message":{"content":""},"finish_reason":"insufficient_system_resource"}]}`, "server_error EF yes"},
		{"no choices", `{"choices":[]}`, "malformed"},
		{"truncated", `{"choices":[{"ind`, "malformed"},
		{"an answer", `{"choices":[{"index":0,"message":{"content":"{\"error\":{}}"},"finish_reason":"stop"}]}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openai.New().Inspect(fairlead.OpChat, []byte(c.body), new(jsonscan.Object))
			found(t, err, []byte(c.body), c.want)
		})
	}
}

func found(t *testing.T, err error, body []byte, want string) {
	t.Helper()
	var fault *dialect.Fault
	got := ""
	switch {
	case errors.As(err, &fault):
		v := failure.Classify(failure.Evidence{Status: 200, InBand: true, Body: body, Now: now})
		got = short(&v, "")
	case err != nil:
		got = "malformed"
	}
	if got != want {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
}
