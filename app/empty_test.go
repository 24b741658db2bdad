package app_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
)

// TestEdgeWithoutConfiguration holds that an edge of a fleet in which nobody has written a configuration yet says so,
// to each request, and serves nothing else.
func TestEdgeWithoutConfiguration(t *testing.T) {
	control := start(t, app.Options{Role: fairlead.RoleControl, Name: "c1", BusListen: "127.0.0.1:0"})
	resp, body := control.control(http.MethodPost, "/control/v1/nodes", `{"name":"e1"}`)
	var added struct{ Token string }
	if err := json.Unmarshal([]byte(body), &added); err != nil || added.Token == "" {
		t.Fatalf("add a node: status %d: %s", resp.StatusCode, body)
	}
	edge := start(t, app.Options{Role: fairlead.RoleEdge, Join: fairlead.NewSecret(added.Token), NoAuth: true})
	http.DefaultClient.Timeout = 10 * time.Second
	defer func() { http.DefaultClient.Timeout = 0 }()
	for range 3 {
		resp, body := edge.ask("/v1/chat/completions", "", `{"model":"fake/echo","messages":[{"role":"user","content":"hi"}]}`)
		if resp.StatusCode != http.StatusServiceUnavailable || errorOf(body) == "" {
			t.Fatalf("status %d: %s", resp.StatusCode, body)
		}
	}
}

// errorOf is the code of an error in the openai dialect.
func errorOf(body string) string {
	var answer struct{ Error struct{ Code string } }
	if json.Unmarshal([]byte(body), &answer) != nil {
		return ""
	}
	return answer.Error.Code
}
