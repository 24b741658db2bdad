package fakellm

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseBehaviour(t *testing.T) {
	for _, c := range []struct {
		model string
		ok    func(*Behaviour) bool
	}{
		{"echo", func(b *Behaviour) bool { return b.echo && b.tokens == 24 }},
		{"fake/echo", func(b *Behaviour) bool { return b.echo }},
		{"fake/echo:tokens=50,pace=5ms", func(b *Behaviour) bool { return b.echo && b.tokens == 50 && b.pace == 5*time.Millisecond }},
		{"ttft=200ms,pace=20ms,tokens=100", func(b *Behaviour) bool { return b.ttft == 200*time.Millisecond && b.tokens == 100 }},
		{"fake/fail=overloaded", func(b *Behaviour) bool { return b.fail == "overloaded" && b.broken() }},
		{"gpt-4o", func(b *Behaviour) bool { return !b.broken() && b.name == "gpt-4o" }},
		{"llama3:8b", func(b *Behaviour) bool { return !b.broken() && b.name == "llama3" }},
		{"meta/llama3:8b-instruct", func(b *Behaviour) bool { return !b.broken() }},
		{"x:vary,tools=2", func(b *Behaviour) bool { return b.vary && b.tools == 2 }},
		{"x:echo=false", func(b *Behaviour) bool { return !b.echo }},
		{"close=idle:50ms", func(b *Behaviour) bool { return b.closing == "idle" && b.closeAfter == 50*time.Millisecond }},
		{"x:close=idle:50ms,tokens=1", func(b *Behaviour) bool { return b.closing == "idle" && b.tokens == 1 }},
		{"x:then=truncate", func(b *Behaviour) bool { return b.at == 1 }},
		{"x:then=no_finish", func(b *Behaviour) bool { return b.at == atEnd }},
		{"x:then=no_finish,at=2", func(b *Behaviour) bool { return b.at == 2 }},
		{"x:fail=huge,bytes=64KiB", func(b *Behaviour) bool { return b.bytes == 64<<10 }},
		{"x:retry_after=2s,status=503", func(b *Behaviour) bool { return b.retryAfter == 2*time.Second && b.status == 503 }},
		{"x:honour=prefill+anchor", func(b *Behaviour) bool { return b.honours("prefill") && !b.honours("final") }},
		{"", func(b *Behaviour) bool { return !b.broken() }},
	} {
		b, err := ParseBehaviour(c.model)
		if err != nil || !c.ok(b) {
			t.Errorf("%q: %+v, %v", c.model, b, err)
		}
	}
}

func TestParseBehaviourRefuses(t *testing.T) {
	for _, c := range []struct{ model, says string }{
		{"x:tokn=5", `did you mean "tokens"`},
		{"x:tokens=many", "not a number"},
		{"x:tokens=-1", "not a number"},
		{"x:tokens=200001", "not a number"},
		{"x:tokens=200000,size=4096", "more than"},
		{"x:ttft=5", "not a duration"},
		{"x:ttft=-5s", "not a duration"},
		{"x:pace=48h", "not a duration"},
		{"x:fail=overload", `did you mean "overloaded"`},
		{"x:fail", "needs a value"},
		{"x:fail=", "no failure"},
		{"x:then=cut", "no \"cut\""},
		{"x:status=200", "not a number"},
		{"x:bytes=lots", "not a size"},
		{"x:bytes=9223372036854775807GB", "not a size"},
		{"x:close=slowly", "no way to close"},
		{"x:honour=luck", "no way to continue"},
		{"x:tokens=5,", "unknown setting"},
		{"fail=nothing", "no failure"},
	} {
		if _, err := ParseBehaviour(c.model); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v; want one that says %q", c.model, err, c.says)
		}
	}
}

// TestDocs holds that docs/fake.md has a row for every setting, failure, break and operation.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/fake.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	var want []string
	for _, s := range settings {
		want = append(want, "| `"+s.key)
	}
	for _, f := range failures() {
		want = append(want, "| `"+f+"` |")
	}
	for _, list := range [][]string{breaks, usages, errorShapes} {
		for _, word := range list {
			want = append(want, "`"+word+"`")
		}
	}
	for _, op := range operations {
		want = append(want, "`/v1"+op.path+"`")
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("docs/fake.md does not say %s", w)
		}
	}
}

func FuzzParseBehaviour(f *testing.F) {
	for _, s := range []string{"echo", "x:tokens=5,pace=1ms", "a/b=c:d", ":::", "close=idle:1s", "x:at=end,then=reset", "bytes=1GiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, model string) {
		b, err := ParseBehaviour(model)
		if b == nil {
			t.Fatalf("%q: no behaviour", model)
		}
		if err == nil && (b.tokens*max(b.size, 8) > maxText || b.ttft < 0 || b.pace < 0 || b.bytes < 0) {
			t.Fatalf("%q: out of bounds: %+v", model, b)
		}
	})
}
