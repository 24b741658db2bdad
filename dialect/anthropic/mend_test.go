package anthropic_test

import (
	"strings"
	"testing"

	"fairlead/dialect"
	"fairlead/dialect/anthropic"
)

func TestMend(t *testing.T) {
	head := `{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000},"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"go"},`
	call := `{"type":"tool_use","id":"t1","name":"f","input":{}}`
	tail := `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"4"}]}]}`
	turn := func(blocks string) string { return `{"role":"assistant","content":[` + blocks + call + `]}` }
	for _, c := range []struct {
		name, body string
		thinks     bool
		mended     bool
		off        bool // thinking is off in what is sent
	}{
		{"signed thinking passes", head + turn(`{"type":"thinking","thinking":"hm","signature":"Ep"},`) + tail, true, false, false},
		{"redacted thinking passes", head + turn(`{"type":"redacted_thinking","data":"xx"},`) + tail, true, false, false},
		{"another provider's tool turn", head + turn(``) + tail, true, true, true},
		{"another provider's thinking", head + turn(`{"type":"thinking","thinking":"hm","signature":""},`) + tail, true, true, true},
		{"spaced", strings.ReplaceAll(head+turn(`{"type":"thinking","thinking":"hm","signature":""},`)+tail, `":"`, `": "`), true, true, true},
		{"unsigned thinking of an earlier turn", head + `{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"yes"}]},{"role":"user","content":"more"}]}`, true, true, false},
		{"thinking not asked for", strings.Replace(head, `"thinking":{"type":"enabled","budget_tokens":2000},`, "", 1) + turn(``) + tail, false, false, false},
		{"the words in a text", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"\"signature\":\"\""}]}`, false, false, false},
		{"what the neutral form cannot hold passes", strings.Replace(head+turn(``)+tail, `{"name":"f",`, `{"type":"web_search_20250305","name":"web_search"},{"name":"f",`, 1), true, false, false},
	} {
		got, ok := anthropic.Dialect{}.Mend([]byte(c.body), dialect.Target{Model: "u"}, c.thinks)
		if ok != c.mended {
			t.Errorf("%s: mended %v, want %v: %s", c.name, ok, c.mended, got)
			continue
		}
		if !ok {
			continue
		}
		if strings.Contains(string(got), `"signature":""`) || !strings.Contains(string(got), `"model":"u"`) {
			t.Errorf("%s: sent %s", c.name, got)
		}
		if off := !strings.Contains(string(got), `"type":"enabled"`); off != c.off {
			t.Errorf("%s: thinking off %v, want %v: %s", c.name, off, c.off, got)
		}
	}
}
