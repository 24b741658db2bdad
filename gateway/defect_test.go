package gateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fairlead"
	"fairlead/admit"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/gateway"
	"fairlead/upstream"
)

// brokenKeys is a defect of ours.
type brokenKeys struct{}

func (brokenKeys) Holder(context.Context, fairlead.KeyHash) (fairlead.Holder, bool, error) {
	panic("index out of range")
}

// TestDefect holds that a panic is an error of its exchange: answered, recorded and told in the log under
// the request's id.
func TestDefect(t *testing.T) {
	var seen records
	var log strings.Builder
	languages := []dialect.Dialect{openai.New(), anthropic.New()}
	g := gateway.New(gateway.Options{
		Door: admit.NewDoor(brokenKeys{}, false), Upstream: upstream.New(languages...), Dialects: languages, Observer: &seen,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	g.Swap(&fairlead.Snapshot{Revision: 1})
	s := httptest.NewServer(g)
	defer s.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/messages", strings.NewReader("{}"))
	check(t, err)
	req.Header.Set("X-Api-Key", "k")
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	body := text(t, resp)
	if resp.StatusCode != 500 || !strings.Contains(body, `"code":"internal"`) || strings.Contains(body, "index") {
		t.Errorf("%d: %s", resp.StatusCode, body)
	}
	all := seen.all()
	if len(all) != 1 || all[0].Status != 500 || all[0].Code != fairlead.CodeInternal {
		t.Fatalf("records %+v", all)
	}
	if !strings.Contains(log.String(), "id="+all[0].ID) || !strings.Contains(log.String(), "index out of range") {
		t.Errorf("the log has %s", log.String())
	}
}
