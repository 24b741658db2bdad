package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"fairlead"
	"fairlead/app"
	"fairlead/bus"
	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// TestJoinedAnother moves an edge from one fleet to another. It serves nothing of the first one there, neither before it has copied
// what the second one has nor after; and once it has, it starts from that alone.
func TestJoinedAnother(t *testing.T) {
	_, provider := harness.Fake(t, fakellm.Options{})
	data := t.TempDir()
	first, edge := fleetAt(t, config(provider, "one"), data)
	old := first.key()
	serves := func(key string) int {
		resp, _ := edge.ask("/v1/chat/completions", key, chat("openai/one", false))
		return resp.StatusCode
	}
	harness.Until(t, "the edge serves the first fleet", func() bool { return serves(old) == http.StatusOK })
	check(t, edge.stop())
	check(t, os.Remove(filepath.Join(data, bus.IdentityFile)))

	var second *node
	second, edge = fleetAt(t, config(provider, "one"), data)
	key := second.key()
	harness.Until(t, "the edge serves the second fleet", func() bool {
		if status := serves(old); status == http.StatusOK {
			t.Error("a key of the first fleet is let in")
			return true
		}
		return serves(key) == http.StatusOK
	})
	check(t, edge.stop())
	check(t, second.stop())
	edge = start(t, app.Options{Role: fairlead.RoleEdge, Data: data})
	if status := serves(key); status != http.StatusOK {
		t.Errorf("alone it answers with status %d", status)
	}
}

// fleetAt starts a fleet of one, and an edge of it with a data folder.
func fleetAt(t *testing.T, config, data string) (one, edge *node) {
	t.Helper()
	one = start(t, app.Options{Name: "one", BusListen: "127.0.0.1:0"})
	one.must(http.MethodPut, "/control/v1/config", config)
	var added struct{ Token string }
	check(t, json.Unmarshal([]byte(one.must(http.MethodPost, "/control/v1/nodes", `{"name":"paris","role":"edge"}`)), &added))
	return one, start(t, app.Options{Role: fairlead.RoleEdge, Data: data, Join: fairlead.NewSecret(added.Token)})
}
