package record_test

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/record"
)

func exchange(change func(*fairlead.Record)) *fairlead.Record {
	cost := fairlead.USD(1_500_000)
	r := &fairlead.Record{
		Request: fairlead.Request{ID: "req_1", Operation: fairlead.OpChat, Dialect: fairlead.OpenAI, Model: "fast", Stream: true},
		Served:  "a/m", Endpoint: "a/m@p~two", Status: 200, Revision: 3, KeyID: "key_1", Account: "acc_1", Team: "team_1",
		Attempts: []fairlead.Attempt{
			{Endpoint: "a/m@q", Outcome: fairlead.OutcomeServerError, Status: 500},
			{Endpoint: "a/m@p~two", Outcome: fairlead.OutcomeOK, Status: 200},
		},
		Usage: fairlead.Usage{Input: 10, CacheRead: 4, Output: 11, Reasoning: 5}, Cost: &cost,
		TTFT: 100 * time.Millisecond, Duration: 1100 * time.Millisecond, Overhead: 80 * time.Microsecond,
	}
	if change != nil {
		change(r)
	}
	return r
}

func scrape(t *testing.T, m *record.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d", w.Code)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := record.NewMetrics()
	ok := exchange(nil)
	m.Entered(ok)
	if text := scrape(t, m); !strings.Contains(text, "\nfairlead_in_flight 1\n") {
		t.Error("the exchange is not in flight")
	}
	m.Left(ok)
	refused := exchange(func(r *fairlead.Record) {
		r.Endpoint, r.Status, r.Code, r.Cost, r.Attempts = "", 400, "string_above_max_length", nil, nil
	})
	m.Entered(refused)
	m.Left(refused)
	unpriced := exchange(func(r *fairlead.Record) { r.Cost, r.Stream = nil, false })
	m.Entered(unpriced)
	m.Left(unpriced)

	labels := `endpoint="a/m@p~two",gen_ai_operation_name="chat",gen_ai_provider_name="p",gen_ai_request_model="a/m"`
	text := scrape(t, m)
	for _, want := range []string{
		`fairlead_in_flight 0`,
		`fairlead_requests_total{code="",model="a/m",operation="chat",status="200"} 2`,
		`fairlead_requests_total{code="refused_by_provider",model="a/m",operation="chat",status="400"} 1`,
		`fairlead_attempts_total{endpoint="a/m@q",outcome="server_error"} 2`,
		`fairlead_attempts_total{endpoint="a/m@p~two",outcome="ok"} 2`,
		`gen_ai_server_time_to_first_token_seconds_count{` + labels + `} 1`,
		`gen_ai_server_time_to_first_token_seconds_sum{` + labels + `} 0.1`,
		`gen_ai_server_time_per_output_token_seconds_sum{` + labels + `} 0.1`,
		`gen_ai_server_request_duration_seconds_count{` + labels + `} 2`,
		`gen_ai_client_token_usage_sum{endpoint="a/m@p~two",gen_ai_operation_name="chat",gen_ai_provider_name="p",gen_ai_request_model="a/m",gen_ai_token_type="input"} 28`,
		`fairlead_tokens_total{endpoint="a/m@p~two",gen_ai_token_type="cache_read",model="a/m"} 8`,
		`fairlead_tokens_total{endpoint="a/m@p~two",gen_ai_token_type="output",model="a/m"} 22`,
		`fairlead_cost_usd_total{endpoint="a/m@p~two",model="a/m"} 0.0015`,
		`fairlead_unpriced_exchanges_total{endpoint="a/m@p~two",model="a/m"} 1`,
		`fairlead_overhead_seconds_count 3`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("missing %s", want)
		}
	}
	if strings.Contains(text, "string_above") || strings.Contains(text, "fast") {
		t.Error("a label holds what a caller or a provider chose")
	}
}

func TestLog(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*fairlead.Record)
		want   []string
		not    []string
	}{
		{
			"all went well after a failover", nil,
			[]string{"level=INFO", "id=req_1", "endpoint=a/m@p~two", "attempts=2", "ttft_ms=100", "cost_usd=0.0015", "tokens_in=14", "tokens_out=11", "attempt_1.outcome=server_error", "attempt_2.outcome=ok"},
			[]string{"code=", "error="},
		},
		{
			"the provider's fault", func(r *fairlead.Record) { r.Code, r.Err = fairlead.CodeUpstreamFailed, errors.New("boom") },
			[]string{"level=WARN", "code=upstream_failed", "error=boom"},
			nil,
		},
		{
			"the caller's fault", func(r *fairlead.Record) { r.Code, r.Attempts = fairlead.CodeInvalidJSON, nil },
			[]string{"level=INFO", "code=invalid_json"},
			[]string{"attempt_"},
		},
		{
			"a provider's own code", func(r *fairlead.Record) { r.Code = "string_above_max_length" },
			[]string{"level=INFO", "code=string_above_max_length"},
			nil,
		},
		{
			"what a caller chose is clipped", func(r *fairlead.Record) { r.Model = strings.Repeat("m", 5000) },
			[]string{"model=" + strings.Repeat("m", 128) + "…"},
			[]string{strings.Repeat("m", 129)},
		},
	} {
		var text strings.Builder
		record.NewLog(slog.New(slog.NewTextHandler(&text, nil))).Left(exchange(c.change))
		if n := strings.Count(text.String(), "\n"); n != 1 {
			t.Errorf("%s: %d lines", c.name, n)
		}
		for _, want := range c.want {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: %q is missing in %s", c.name, want, text.String())
			}
		}
		for _, not := range c.not {
			if strings.Contains(text.String(), not) {
				t.Errorf("%s: %q is in %s", c.name, not, text.String())
			}
		}
	}
}
