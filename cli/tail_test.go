package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"fairlead/client"
)

// TestTailed holds that a tail has titles, once, that its columns stand below each other, and what a notice says.
func TestTailed(t *testing.T) {
	var out, errs bytes.Buffer
	tail := tailed{program: &program{Env: Env{Stdout: &out, Stderr: &errs}, output: outputText}}
	at := time.Date(2026, 11, 21, 9, 34, 22, 299_000_000, time.UTC)
	for _, r := range []client.Record{
		{ID: "req_1", At: at, Node: "edge-1", Status: 200, Served: "a/m", Endpoint: "a/m@p"},
		{ID: "req_2", At: at, Node: "n", Status: 502, Code: "upstream_failed", Model: "x\x1b[2J"},
		{ID: "req_3", At: at, Node: "n", Status: 200, Served: "a/m", Endpoint: "a/m@p"},
	} {
		if err := tail.show(&r, nil); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "WHEN  ") || strings.Count(out.String(), "WHEN") != 1 {
		t.Fatalf("shown:\n%s", out.String())
	}
	for title, cell := range map[string]string{"STATUS": "200", "MODEL": "a/m", "ENDPOINT": "a/m@p", "ID": "req_1"} {
		if strings.Index(lines[0], title) != strings.LastIndex(lines[1], cell) && title != "MODEL" {
			t.Errorf("%s is not below %s:\n%s", cell, title, out.String())
		}
	}
	if strings.Index(lines[2], "req_2") != strings.Index(lines[3], "req_3") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("shown:\n%s", out.String())
	}
	if err := tail.show(nil, &client.Notice{Dropped: 2, LeftOut: 1}); err != nil || errs.String() != "(2 more match; of 1 exchange there is no record)\n" {
		t.Errorf("notice %q, %v", errs.String(), err)
	}
}
