package bench

import (
	"strings"
	"testing"
	"time"

	"fairlead/compile"
)

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		rounds []float64
		want   Measure
		best   float64
	}{
		{[]float64{3}, Measure{3, 3, 3}, 3},
		{[]float64{5, 1, 3}, Measure{3, 1, 5}, 1},
		{[]float64{4, 1, 2, 3}, Measure{2.5, 1, 4}, 1},
	} {
		if got := *summary(c.rounds); got != c.want {
			t.Errorf("summary of %v is %v, want %v", c.rounds, got, c.want)
		}
		if got := best(c.rounds); got.Value != c.best || got.Max != c.want.Max {
			t.Errorf("best of %v is %v", c.rounds, got)
		}
	}
	if summary(nil) != nil || best(nil) != nil {
		t.Error("no rounds have a measure")
	}
}

func TestRatios(t *testing.T) {
	got := ratios([]float64{4, 9, 5, 7}, []float64{2, 3, 0})
	if len(got) != 2 || got[0] != 2 || got[1] != 3 {
		t.Errorf("ratios are %v", got)
	}
}

func TestAdded(t *testing.T) {
	if m := added(60, 40); m == nil || m.Value != 1.5 {
		t.Errorf("ratio is %v", m)
	}
	for _, c := range [][2]float64{{-5, 40}, {0, 40}, {60, -1}, {60, 0}} {
		if m := added(c[0], c[1]); m != nil {
			t.Errorf("%g to %g has the ratio %v", c[0], c[1], m)
		}
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, c := range []struct {
		times []time.Duration
		p     float64
		want  time.Duration
	}{
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{hundred, 0, 1},
		{[]time.Duration{7}, 0.99, 7},
		{nil, 0.5, 0},
		{[]time.Duration{2, 1}, 0.5, 1},
	} {
		if got := percentile(c.times, c.p); got != c.want {
			t.Errorf("percentile %g of %d times is %d, want %d", c.p, len(c.times), got, c.want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		value, bound float64
		unit, want   string
	}{
		{1.5, 2, "", "met"},
		{2, 2, "", "met"},
		{2.5, 2, "", "missed by 0.50 (+25%)"},
		{44, 40, "KiB", "missed by 4 KiB (+10%)"},
		{312.4, 100, "ms", "missed by 212 ms (+212%)"},
	} {
		var r Row
		r.judge(c.value, c.bound, c.unit)
		if r.Verdict != c.want {
			t.Errorf("%g of %g: %q, want %q", c.value, c.bound, r.Verdict, c.want)
		}
	}
	r := Row{}
	r.atMost(2)
	if r.Verdict != notCompared || r.Target != "<= 2.0 x nginx" {
		t.Errorf("without nginx: %q, %q", r.Target, r.Verdict)
	}
	report := Report{Rows: []Row{{Verdict: "met"}, {Verdict: "missed by 1"}, {Verdict: "failed: x"}, {Verdict: "for information"}, {Verdict: notCompared}}}
	if n := len(report.Missed()); n != 2 {
		t.Errorf("%d rows missed, want 2", n)
	}
}

func TestMarkdown(t *testing.T) {
	report := Report{
		Facts: Facts{Commit: "abc", Nginx: "nginx/1.0"},
		Rows:  []Row{{What: "a|b", Unit: "µs", Fairlead: &Measure{1.25, 1, 2}, Verdict: "failed: two\nlines", Note: "why"}},
		Notes: []string{"Something else."},
	}
	for _, want := range []string{`| a\|b | - | 1.25 µs (1 to 2) | - | - | - | failed: two lines |`, "- a|b: why.\n", "- Something else.\n", "commit abc"} {
		if got := report.Markdown(); !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestScript(t *testing.T) {
	want := script{120, 50 * time.Millisecond}
	if got, ok := parseScript([]byte(chatBody("m", want.String()))); !ok || got != want {
		t.Errorf("script is %v, %v", got, ok)
	}
	for _, bad := range []string{"", "bench-script", "bench-script 1", "bench-script 0 1;", "bench-script x 1;", "bench-script 1 0;", "bench-script 9999999999 1;", "bench-script 1 -5;"} {
		if got, ok := parseScript([]byte(bad)); ok {
			t.Errorf("%q is the script %v", bad, got)
		}
	}
}

func TestStamp(t *testing.T) {
	now := time.Now()
	if got, ok := stamp(appendChunk(nil, now)); !ok || got != now.UnixNano() {
		t.Errorf("stamp is %d, %v; want %d", got, ok, now.UnixNano())
	}
	for _, other := range []string{"", roleChunk, stopChunk, usageChunk, doneChunk, `data: {"content":"@123`, `data: {"content":"@12345678901234567x9"}`} {
		if _, ok := stamp([]byte(other)); ok {
			t.Errorf("%q has a stamp", other)
		}
	}
}

// TestSizes holds what the table says of the exchange.
func TestSizes(t *testing.T) {
	if n := len(chatBody(modelPlain, "")); n < 1000 || n > 1100 {
		t.Errorf("a request has %d bytes", n)
	}
	if n := len(chatAnswer); n < 1600 || n > 1800 {
		t.Errorf("an answer has %d bytes", n)
	}
}

func TestNodeConfigCompiles(t *testing.T) {
	up := Addresses{Plain: "127.0.0.1:9001", TLS: "127.0.0.1:9002"}
	cert, _, err := writeCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, s, found := compile.Load(nodeText(up, cert), "bench.yaml", 1, compile.Local(func(string) (string, bool) { return "key", true }))
	if len(found) > 0 || len(s.Models) != 4 {
		t.Errorf("findings: %v", found)
	}
}
