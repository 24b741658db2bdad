package app_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fairlead/app"
	"fairlead/test/harness"
)

// The marks of what must not be shown. The prompt's stands in every place of a request that holds what
// a caller wrote.
const (
	promptMark     = "zebraprompt"
	credentialMark = "sk-provider-zebracredential"
	strangerMark   = "sk-stranger-zebrakey"
	answerMark     = "zebraanswer"
)

// shouting is a provider that says everything it was told in all that it answers: headers, errors,
// codes, types, and streams that break.
func shouting(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	said := fmt.Sprintf("%q", string(body)+" "+r.Header.Get("Authorization")+" "+answerMark)
	status, how, _ := strings.Cut(strings.TrimPrefix(model(body), "shout-"), "-")
	code := 200
	_, _ = fmt.Sscan(status, &code)
	w.Header().Set("X-Echo", strings.ReplaceAll(said, `"`, ""))
	w.Header().Set("Retry-After", answerMark)
	w.Header().Set("Content-Type", "application/json")
	switch how {
	case "type":
		w.Header().Set("Content-Type", "text/"+answerMark+"; x="+promptMark)
	case "html":
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<html>"+said)
		return
	case "frame", "cut", "json":
		w.Header().Set("Content-Type", "text/event-stream")
		if how != "frame" {
			_, _ = fmt.Fprintf(w, "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":null}]}\n\n", said)
		}
		switch how {
		case "frame":
			_, _ = fmt.Fprintf(w, "data: {\"error\":{\"message\":%s,\"type\":%s,\"code\":%s}}\n\n", said, said, said)
		case "json":
			_, _ = fmt.Fprintf(w, "data: {%s\n\n", said)
		}
		return
	}
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, `{"error":{"message":%s,"type":%s,"param":%[2]s,"code":%[2]s}}`, said, said)
}

func model(body []byte) string {
	_, rest, _ := strings.Cut(string(body), `"model":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// serveShouting starts the provider above.
func serveShouting(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s := &http.Server{Handler: http.HandlerFunc(shouting)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		check(t, s.Close())
		<-done
	})
	return "http://" + l.Addr().String()
}

// TestNothingIsShown runs exchanges that go well, and ones that fail in every class, with marked
// prompts, keys, credentials and answers: no mark is in any log line (at level debug), in any metric,
// or in an error that is not the provider's word on the caller's own request.
func TestNothingIsShown(t *testing.T) {
	_, url := fake(t)
	loud := serveShouting(t)
	secret := filepath.Join(t.TempDir(), "credential")
	check(t, os.WriteFile(secret, []byte(credentialMark), 0o600))
	path := file(t, fmt.Sprintf(`version: 1
providers:
  fake: {dialect: openai, base_url: "%s/v1", credentials: [{value: "${file:%s}"}]}
  claude: {dialect: anthropic, base_url: "%[1]s", credentials: [{value: "${file:%[2]s}"}]}
  loud: {dialect: openai, base_url: "%[3]s/v1", credentials: [{value: "${file:%[2]s}"}]}
  loudclaude: {dialect: anthropic, base_url: "%[3]s", credentials: [{value: "${file:%[2]s}"}]}
  dead: {dialect: openai, base_url: "http://127.0.0.1:1/v1", credentials: [{value: "${file:%[2]s}"}]}
models:
  openai/*: {endpoints: [{provider: fake}]}
  claude/*: {max_output: 99, endpoints: [{provider: claude}]}
  loud/*: {endpoints: [{provider: loud}]}
  loudclaude/*: {max_output: 99, endpoints: [{provider: loudclaude}]}
  dead/*: {endpoints: [{provider: dead}]}
settings: {max_body: 64KiB}
`, url, secret, loud))
	n := start(t, app.Options{Config: path})
	key := n.key()
	marks := []string{promptMark, credentialMark, "zebracredential", strangerMark, answerMark, key, key[6:], n.app.Token().Reveal()}
	clean := func(where, text string, marks ...string) {
		t.Helper()
		for i, m := range marks {
			if at := strings.Index(text, m); at >= 0 {
				t.Errorf("%s shows mark %d: …%.200s", where, i, text[max(0, at-100):])
			}
		}
	}
	for _, model := range markedModels() {
		for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
			for _, stream := range []bool{false, true} {
				resp, body := n.ask(path, key, marked(model, stream))
				if resp.StatusCode >= 500 || resp.StatusCode == 429 || resp.StatusCode == 404 {
					clean(fmt.Sprintf("the error %d of %s", resp.StatusCode, model), body, marks...)
				}
				if resp.StatusCode != 200 { // what a provider says in a good answer is its own
					clean(fmt.Sprintf("the answer %d of %s", resp.StatusCode, model), body, credentialMark, key, strangerMark)
				}
				clean("a header of "+model, fmt.Sprint(resp.Header), marks...)
			}
		}
	}
	n.askBadly(key)
	check(t, os.WriteFile(path, []byte("version: 1\nproviders: {x: {dialect: openai, credentials: [{value: "+credentialMark+"}]}}\n"), 0o600))
	harness.Until(t, "the bad edit is refused", func() bool { return n.state().Error != "" })
	clean("the refusal of the configuration", n.state().Error, marks...)
	check(t, os.WriteFile(path, []byte("version: 1\nproviders: {x: "+credentialMark+": ["), 0o600))
	harness.Until(t, "the worse edit is refused", func() bool { return strings.Contains(n.state().Error, "YAML") })
	clean("the refusal of the configuration", n.state().Error, marks...)
	for _, path := range []string{"/metrics", "/control/v1/config", "/control/v1/endpoints", "/control/v1/keys"} {
		_, body := n.control("GET", path, "")
		clean(path, body, marks...)
	}
	check(t, n.stop())
	clean("the log", n.log.String(), marks...)
	if got := strings.Count(n.log.String(), "msg=exchange"); got < 4*len(markedModels()) {
		t.Errorf("the log has %d exchanges", got)
	}
}

// failures are those of the fake provider that end by themselves.
var failures = []string{
	"invalid_key", "quota", "billing", "rate_limited", "slow_down", "too_large_for_tier", "context_length", "content_filter",
	"model_not_found", "overloaded", "server_error", "timeout", "bad_request", "unsupported_parameter", "payload_too_large",
	"permission", "region_blocked", "html", "wrong_type", "malformed", "error_in_200", "error_first_frame", "empty", "refused",
	"reset", "huge_headers", "endless_line",
}

// markedModels names models that behave in every way there is.
func markedModels() []string {
	models := []string{"dead/x", "openai/echo", "claude/echo", "openai/" + "x:vary,think"}
	for _, fail := range failures {
		for _, provider := range []string{"openai", "claude"} {
			switch fail {
			case "huge_headers", "endless_line":
				models = append(models, provider+"/x:bytes=20MB,fail="+fail)
			default:
				models = append(models, provider+"/x:fail="+fail)
			}
		}
	}
	for _, how := range []string{"200-", "200-type", "200-html", "200-frame", "200-cut", "200-json", "302-", "400-", "401-", "402-", "403-", "404-", "409-", "413-", "422-", "429-", "500-", "502-html", "503-"} {
		models = append(models, "loud/shout-"+how, "loudclaude/shout-"+how)
	}
	return models
}

func marked(model string, stream bool) string {
	return fmt.Sprintf(`{"model":%q,"stream":%v,"max_tokens":30,"messages":[{"role":"user","content":"say %s"}]}`, model, stream, promptMark)
}

// askBadly sends what is refused at the door, with marks in it.
func (n *node) askBadly(key string) {
	good := marked("openai/echo", false)
	for _, c := range []struct{ key, body string }{
		{strangerMark, good},
		{"", good},
		{key, good[:len(good)-4]},
		{key, strings.Replace(good, `"stream"`, `"messages":["`+promptMark+`"],"stream"`, 1)},
		{key, strings.Replace(good, `"user"`, `"`+promptMark+`"`, 1)},
		{key, good + promptMark},
		{key, promptMark},
		{key, strings.Replace(good, `"max_tokens":30`, `"max_tokens":"`+promptMark+`"`, 1)},
		{key, strings.Replace(good, promptMark, strings.Repeat(promptMark, 10_000), 1)},
		{key, strings.Replace(good, promptMark, promptMark+"\xff", 1)},
	} {
		for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/nothing", "/v1/embeddings", "/v1/responses"} {
			n.ask(path, c.key, c.body)
		}
	}
	ctx, leave := context.WithCancel(n.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.app.DataURL()+"/v1/chat/completions", strings.NewReader(marked("openai/x:pace=1h", true)))
	check(n.t, err)
	req.Header.Set("X-Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	check(n.t, err)
	leave()
	check(n.t, resp.Body.Close())
}
