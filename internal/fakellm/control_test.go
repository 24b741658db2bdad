package fakellm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	_, url := Start(t, Options{Keys: []string{"sk-right-1234"}})
	for _, c := range []struct {
		path   string
		header []string
		status int
		kind   string
	}{
		{"/v1/chat/completions", []string{"Authorization", "Bearer sk-right-1234"}, 200, ""},
		{"/v1/chat/completions", []string{"Authorization", "Bearer sk-wrong-1234"}, 401, "invalid_request_error"},
		{"/v1/chat/completions", nil, 401, "invalid_request_error"},
		{"/v1/chat/completions", []string{"Api-Key", "sk-right-1234"}, 200, ""},
		{"/v1/messages", []string{"X-Api-Key", "sk-right-1234"}, 200, ""},
		{"/v1/messages", []string{"Authorization", "bearer sk-right-1234"}, 200, ""},
		{"/v1/messages", []string{"X-Api-Key", "sk-wrong-1234"}, 401, "authentication_error"},
		{"/v1/messages", nil, 401, "authentication_error"},
	} {
		res, body := post(t, url+c.path, bodyFor(c.path, "x", false), c.header...)
		if res.StatusCode != c.status || (c.kind != "" && value(t, body, "error.type") != c.kind) {
			t.Errorf("%s %v: %d %s", c.path, c.header, res.StatusCode, body)
		}
		if strings.Contains(body, "wrong") {
			t.Errorf("the error tells the key: %s", body)
		}
	}
	if status, body := get(t, url+"/v1/models"); status != 401 {
		t.Errorf("models without a key: %d %s", status, body)
	}
	if status, body := get(t, url+"/health"); status != 200 {
		t.Errorf("health: %d %s", status, body)
	}
}

func TestTimes(t *testing.T) {
	s, url := Start(t, Options{})
	statuses := func(model string, headers ...[]string) []int {
		var list []int
		for _, h := range headers {
			res, _ := post(t, url+"/v1/chat/completions", chatBody(model, false), h...)
			list = append(list, res.StatusCode)
		}
		return list
	}
	trace := func(id string) []string { return []string{"Traceparent", "00-" + id + "-0000000000000001-01"} }
	for _, c := range []struct {
		model   string
		headers [][]string
		want    string
	}{
		{"x:fail=overloaded,times=2", [][]string{nil, nil, nil, nil}, "[503 503 200 200]"},
		{"y:fail=overloaded,times", [][]string{nil, nil}, "[503 200]"},
		{"z:fail=overloaded,times=1,each", [][]string{trace("a"), trace("a"), trace("b"), trace("b"), nil, nil}, "[503 200 503 200 503 200]"},
		{"w:fail=overloaded", [][]string{nil, nil, nil}, "[503 503 503]"},
	} {
		if got := fmt.Sprint(statuses(c.model, c.headers...)); got != c.want {
			t.Errorf("%s: %s, want %s", c.model, got, c.want)
		}
	}
	if n := s.Attempts("x:fail=overloaded,times=2"); n != 4 {
		t.Errorf("%d attempts", n)
	}
	s.Reset()
	if got := fmt.Sprint(statuses("x:fail=overloaded,times=2", nil)); got != "[503]" {
		t.Errorf("after Reset: %s", got)
	}
}

func TestBehaviourByHTTP(t *testing.T) {
	_, url := Start(t, Options{})
	status := func(model string) int {
		res, _ := post(t, url+"/v1/chat/completions", chatBody(model, false))
		return res.StatusCode
	}
	set := func(body string) (int, string) {
		res, got := post(t, url+"/fake/behaviour", body)
		return res.StatusCode, got
	}
	if status("m:tokens=1") != 200 {
		t.Fatal("not healthy at first")
	}
	for _, step := range []struct{ body, model, want string }{
		{`{"model":"m","spec":"fail=overloaded"}`, "m:tokens=1", "503"},
		{`{"model":"m:tokens=1","spec":""}`, "m:tokens=1", "200"},
		{`{"model":"*","spec":"status=500"}`, "other", "500"},
		{`{"model":"*","spec":"status=500"}`, "m", "503"},
	} {
		if code, got := set(step.body); code != 200 {
			t.Fatalf("%s: %d %s", step.body, code, got)
		}
		if got := fmt.Sprint(status(step.model)); got != step.want {
			t.Errorf("after %s: %s answers %s, want %s", step.body, step.model, got, step.want)
		}
	}
	for _, bad := range []string{`{"model":"m","spec":"fail=x"}`, `{"spec":"echo"}`, `{"model":"m","sepc":"echo"}`, `no`} {
		if code, got := set(bad); code != 400 || value(t, got, "error") == nil {
			t.Errorf("%s: %d %s", bad, code, got)
		}
	}
	del := func(path string) {
		req, err := http.NewRequest(http.MethodDelete, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if code, body := do(t, req); code != 200 {
			t.Fatalf("DELETE %s: %d %s", path, code, body)
		}
	}
	del("/fake/behaviour?model=*")
	if status("other") != 200 || status("m") != 503 {
		t.Error("DELETE of one rule")
	}
	del("/fake/behaviour")
	if status("m") != 200 {
		t.Error("DELETE of every rule")
	}
	for _, bad := range []string{`{"for":"soon"}`, `{"for":"-1s"}`, `{}`, `{"for":"1s","mode":"explode"}`} {
		if res, _ := post(t, url+"/fake/down", bad); res.StatusCode != 400 {
			t.Errorf("down %s: %d", bad, res.StatusCode)
		}
	}
	if status, body := get(t, url+"/fake/nothing"); status != 404 {
		t.Errorf("unknown control path: %d %s", status, body)
	}
}

func TestLog(t *testing.T) {
	var lines bytes.Buffer
	s, url := Start(t, Options{MaxLog: 3, Logger: slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	const secret = "sk-very-secret-wxyz"
	body := chatBody("x:tokens=4", true)
	post(t, url+"/v1/chat/completions", body, "Authorization", "Bearer "+secret, "Cookie", "short", "X-Custom-Token", secret, "X-Plain", "seen",
		"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	_, shown := get(t, url+"/fake/log")
	sum := sha256.Sum256([]byte(body))
	for at, want := range map[string]any{
		"attempts.0.n": 1.0, "attempts.0.method": "POST", "attempts.0.path": "/v1/chat/completions", "attempts.0.model": "x:tokens=4",
		"attempts.0.stream": true, "attempts.0.status": 200.0, "attempts.0.outcome": "ok", "attempts.0.chunks": 4.0, "attempts.0.try": 1.0,
		"attempts.0.client_left": false, "attempts.0.body_bytes": float64(len(body)), "attempts.0.body_sha256": hex.EncodeToString(sum[:]),
		"attempts.0.headers.Authorization.0": "…wxyz", "attempts.0.headers.Cookie.0": "…", "attempts.0.headers.X-Custom-Token.0": "…wxyz",
		"attempts.0.headers.X-Plain.0": "seen", "attempts.0.exchange": "4bf92f3577b34da6a3ce929d0e0e4736", "attempts.0.body": nil,
	} {
		if got := value(t, shown, at); got != want {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
	for _, text := range []string{shown, lines.String()} {
		if strings.Contains(text, secret) || strings.Contains(text, "hello there") {
			t.Errorf("a secret or a prompt in %s", text)
		}
	}
	if !strings.Contains(lines.String(), "outcome=ok") {
		t.Errorf("no line: %s", lines.String())
	}
	for i := range 5 {
		post(t, url+"/v1/chat/completions", `{"model":"`+fmt.Sprint(i)+`"}`)
	}
	list := s.Log()
	if len(list) != 3 || list[0].N != 4 || list[2].N != 6 || list[2].Model != "4" || list[2].Outcome != "invalid" || list[2].Message == "" {
		t.Errorf("the ring holds %+v", list)
	}
	s.ResetLog()
	if len(s.Log()) != 0 || s.Attempts("") != 0 {
		t.Error("ResetLog left something")
	}
	if post(t, url+"/v1/chat/completions", body); s.Log()[0].N != 1 || s.Attempts("x:tokens=4") != 1 {
		t.Error("numbers do not start anew")
	}
}

func TestKeepBodies(t *testing.T) {
	s, url := Start(t, Options{KeepBodies: true})
	body := chatBody("x", false)
	post(t, url+"/v1/chat/completions", body)
	if got := s.Log()[0].Body; got != body {
		t.Errorf("kept %q", got)
	}
	none, url := Start(t, Options{MaxLog: -1})
	post(t, url+"/v1/chat/completions", body)
	if len(none.Log()) != 0 || none.Attempts("x") != 1 {
		t.Error("a log where none is kept, or no count")
	}
}

func TestHelp(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := get(t, url+"/fake")
	for _, s := range settings {
		if !strings.Contains(body, "  "+s.key+" ") {
			t.Errorf("help does not say %s", s.key)
		}
	}
}
