package app_test

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"fairlead/app"
	"fairlead/store/sqlite"
	"fairlead/test/harness"
)

// TestPublished holds that what is written goes down at once, not with the next beat: writes of the API, and the steps of a ramp.
func TestPublished(t *testing.T) {
	_, provider := fake(t)
	o := app.Options{Data: t.TempDir()}
	n := start(t, o.Beating(time.Hour))
	s, err := sqlite.Open(t.Context(), filepath.Join(o.Data, "fairlead.db"))
	check(t, err)
	defer s.Close()
	reaches := func(what string) {
		t.Helper()
		head, err := s.Head(t.Context())
		check(t, err)
		harness.Until(t, what, func() bool { return n.number("fairlead_log_number") >= float64(head.Number) })
	}
	n.must(http.MethodPut, "/control/v1/config", config(provider, "one"))
	reaches("a configuration is in force")
	n.must(http.MethodPatch, "/control/v1/endpoints/openai/one@first", `{"weight":90}`)
	reaches("a weight is in force")
	n.key()
	reaches("a key is known")
	n.must(http.MethodPut, "/control/v1/secrets/NAME", `{"value":"a value"}`)
	reaches("a secret is known")
	// One step a second, for a minute: its end, which the API publishes, is far away.
	n.must(http.MethodPatch, "/control/v1/endpoints/openai/one@first", `{"weight":30,"ramp":"1m"}`)
	before, err := s.Head(t.Context())
	check(t, err)
	harness.Until(t, "a step is taken", func() bool {
		now, err := s.Head(t.Context())
		check(t, err)
		return now.Number >= before.Number+2
	})
	reaches("the steps are in force")
}
