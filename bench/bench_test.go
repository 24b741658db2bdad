package bench_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"fairlead/bench"
	"fairlead/cli"
)

// actAsFairlead makes this test program the fairlead that the bench starts.
const actAsFairlead = "BENCH_TEST_ACT_AS_FAIRLEAD"

func TestMain(m *testing.M) {
	if os.Getenv(actAsFairlead) != "" {
		os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Env{
			Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv,
		}))
	}
	os.Exit(m.Run())
}

// TestRun goes through every row with real processes: fairlead, an upstream, and nginx where the
// machine has it. What the numbers are is not asserted, only that they are there and consistent.
func TestRun(t *testing.T) {
	t.Setenv(actAsFairlead, "1")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var progress strings.Builder
	o := bench.Options{Binary: binary, Upstream: []string{binary, "bench-upstream"}, Progress: &progress}
	report, err := bench.Run(t.Context(), o.Tiny())
	if err != nil {
		t.Fatal(err)
	}
	compared := len(report.Notes) == 0
	rows := map[string]bench.Row{}
	for _, row := range report.Rows {
		rows[row.Name] = row
		if strings.HasPrefix(row.Verdict, "failed") || row.Verdict == "" {
			t.Errorf("%s: %s", row.Name, row.Verdict)
		}
	}
	for _, c := range []struct {
		name  string
		nginx bool // has a number of nginx's
	}{
		{"exchange-64", true},
		{"exchange-64-edge", true},
		{"rate-64", true},
		{"exchange-16", true},
		{"exchange-16-edge", true},
		{"rate-16", true},
		{"exchange-tls", true},
		{"exchange-tls-std", true},
		{"exchange-translated", false},
		{"chunk-cpu", true},
		{"chunk-delay", true},
		{"chunks", false},
		{"added-p50", true},
		{"added-p99", true},
		{"failover-p50", false},
		{"failover-p99", false},
		{"silence-first-token", false},
		{"silence-idle", false},
		{"stream-memory", true},
		{"change-p50", false},
		{"change-p99", false},
		{"converge", false},
		{"reload", false},
		{"reload-p99", false},
		{"boot", false},
		{"lookup-cold", false},
		{"lookup-cached", false},
		{"scale-apply", false},
		{"scale-diff", false},
		{"scale-change", false},
		{"scale-weight", false},
		{"scale-p99", false},
		{"scale-memory-control", false},
		{"scale-memory-edge", false},
		{"decision", false},
	} {
		row, ok := rows[c.name]
		switch {
		case !ok || row.Fairlead == nil:
			t.Errorf("%s: not measured", c.name)
		case (row.Nginx != nil) != (c.nginx && compared):
			t.Errorf("%s: nginx: %v", c.name, row.Nginx)
		}
	}
	if row := rows["chunks"]; row.Fairlead.Value != 8*20 || row.Direct.Value != 8*20 {
		t.Errorf("chunks: %v read, %v sent; want 160", row.Fairlead.Value, row.Direct.Value)
	}
	checkForms(t, report)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func checkForms(t *testing.T, report *bench.Report) {
	b, err := json.Marshal(report)
	var again bench.Report
	if err == nil {
		err = json.Unmarshal(b, &again)
	}
	if err != nil || len(again.Rows) != len(report.Rows) {
		t.Errorf("JSON: %d rows of %d, %v", len(again.Rows), len(report.Rows), err)
	}
	for _, form := range []string{report.Text(), report.Markdown()} {
		if !strings.Contains(form, "CPU per exchange, 64 connections") || strings.Contains(form, "sk-fl-") {
			t.Errorf("report:\n%s", form)
		}
	}
}

// TestRunFails tells why nothing could be measured, and leaves nothing behind.
func TestRunFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(actAsFairlead, "1")
	for _, c := range []struct {
		name, binary string
		upstream     []string
		want         string
	}{
		{"no upstream", binary, []string{"/nonexistent"}, "start upstream"},
		{"an upstream that ends", binary, []string{"/bin/false"}, "upstream"},
		{"no fairlead", "/nonexistent", []string{binary, "bench-upstream"}, "start fairlead"},
		{"a fairlead that ends", "/bin/false", []string{binary, "bench-upstream"}, "fairlead ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := bench.Run(t.Context(), bench.Options{Binary: c.binary, Upstream: c.upstream})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want one about %q", err, c.want)
			}
		})
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
