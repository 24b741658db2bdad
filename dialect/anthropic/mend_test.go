package anthropic_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/internal/jsonscan"
)

// Pieces of bodies that Mend gets.
const (
	mendThinking = `"thinking":{"type":"enabled","budget_tokens":2000},`
	mendHead     = `{"model":"m","max_tokens":4000,` + mendThinking + `"messages":[{"role":"user","content":"go"},`
	mendCall     = `{"type":"tool_use","id":"t1","name":"f","input":{}}`
	mendSigned   = `{"type":"thinking","thinking":"hm","signature":"Ep"},`
	mendUnsigned = `{"type":"thinking","thinking":"hm","signature":""},`
	mendResult   = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"4"}]}`
	mendTail     = `,` + mendResult + `]}`
)

func mendTurn(blocks string) string { return `{"role":"assistant","content":[` + blocks + `]}` }

// TestMend holds what is sent for each body, byte by byte; want is as it is but for the model, "" where the
// body passes.
func TestMend(t *testing.T) {
	off := strings.Replace(mendHead, mendThinking, `"thinking":{"type":"disabled"},`, 1)
	quiet := strings.Replace(mendHead, mendThinking, "", 1)
	round := mendTurn(mendCall) + `,` + mendResult + `,`
	search := `{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]},`
	for _, c := range []struct{ name, body, want string }{
		{"signed thinking passes", mendHead + mendTurn(mendSigned+mendCall) + mendTail, ""},
		{"redacted thinking passes", mendHead + mendTurn(`{"type":"redacted_thinking","data":"xx"},`+mendCall) + mendTail, ""},
		{"no tools pass", mendHead + mendTurn(`{"type":"text","text":"yes"}`) + `,{"role":"user","content":"more"}]}`, ""},
		{"another provider's tool turn", mendHead + mendTurn(mendCall) + mendTail, off + mendTurn(mendCall) + mendTail},
		{"another provider's thinking", mendHead + mendTurn(mendUnsigned+mendCall) + mendTail, off + mendTurn(mendCall) + mendTail},
		{"thinking without the field", mendHead + mendTurn(`{"type":"thinking","thinking":"hm"},`+mendCall) + mendTail, off + mendTurn(mendCall) + mendTail},
		{"a signature that is null", mendHead + mendTurn(`{"signature":null,"type":"thinking","thinking":"hm"},`+mendCall) + mendTail, off + mendTurn(mendCall) + mendTail},
		{"any spacing", mendHead + mendTurn("{ \"signature\" :\n\"\" , \"type\"\t: \"thinking\", \"thinking\" : \"hm\" } , "+mendCall) + mendTail, off + mendTurn(mendCall) + mendTail},
		{"spelt with escapes", mendHead + mendTurn(`{"type":"th\u0069nking","thinking":"hm","signatur\u0065":""},`+mendCall) + mendTail, off + mendTurn(mendCall) + mendTail},
		{"redacted thinking without data", quiet + mendTurn(`{"type":"redacted_thinking"},`+mendCall) + mendTail, quiet + mendTurn(mendCall) + mendTail},
		{
			"signed thinking of an earlier turn goes too where thinking goes off",
			mendHead + mendTurn(mendSigned+`{"type":"text","text":"yes"}`) + `,{"role":"user","content":"on"},` + mendTurn(mendCall) + mendTail,
			off + mendTurn(`{"type":"text","text":"yes"}`) + `,{"role":"user","content":"on"},` + mendTurn(mendCall) + mendTail,
		},
		{
			"unsigned thinking of an earlier turn", mendHead + mendTurn(mendUnsigned+`{"type":"text","text":"yes"}`) + `,{"role":"user","content":"more"}]}`,
			mendHead + mendTurn(`{"type":"text","text":"yes"}`) + `,{"role":"user","content":"more"}]}`,
		},
		{
			"a turn of unsigned thinking alone", mendHead + mendTurn(strings.TrimSuffix(mendUnsigned, ",")) + `,{"role":"user","content":"more"}]}`,
			mendHead + `{"role":"user","content":"more"}]}`,
		},
		{"nothing would be left", quietOf(`[` + mendTurn(strings.TrimSuffix(mendUnsigned, ",")) + `]`), ""},
		{"several rounds, the first signed", mendHead + mendTurn(mendSigned+mendCall) + `,` + mendResult + `,` + mendTurn(mendCall) + mendTail, ""},
		{"several rounds, none signed", mendHead + round + mendTurn(mendCall) + mendTail, off + round + mendTurn(mendCall) + mendTail},
		{"thinking not asked for", quiet + mendTurn(mendCall) + mendTail, ""},
		{"thinking not asked for, unsigned", quiet + mendTurn(mendUnsigned+mendCall) + mendTail, quiet + mendTurn(mendCall) + mendTail},
		{"the words in a text", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"\"type\":\"thinking\" \"signature\":\"\""}]}`, ""},
		{
			"a system message between", mendHead + mendTurn(mendCall) + `,{"role":"system","content":"be brief"}` + mendTail,
			off + mendTurn(mendCall) + `,{"role":"system","content":"be brief"}` + mendTail,
		},
		{
			"what the neutral form cannot hold", mendHead + mendTurn(mendUnsigned+search+mendCall) + mendTail,
			off + mendTurn(search+mendCall) + mendTail,
		},
		{"no messages", `{"model":"m",` + mendThinking + `"messages":"thinking"}`, ""},
		{"no JSON", `{"thinking":`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := anthropic.Dialect{}.Mend([]byte(c.body), dialect.Target{Model: "up/\"x"}, strings.Contains(c.body, mendThinking))
			want := strings.Replace(c.want, `"model":"m"`, `"model":"up/\"x"`, 1)
			if string(got) != want || ok != (c.want != "") {
				t.Errorf("got  %s, %v\nwant %s", got, ok, want)
			}
			if ok && !json.Valid(got) {
				t.Error("that is no JSON")
			}
		})
	}
}

func quietOf(messages string) string {
	return `{"model":"m","max_tokens":9,"messages":` + messages + `}`
}

// TestMendKeepsTheRest holds that members which the neutral form does not know stay as they are, with the
// white space around them.
func TestMendKeepsTheRest(t *testing.T) {
	const before = "{\n  \"cache_control\" : {\"type\":\"ephemeral\"},\n  \"context_management\":{\"edits\":[{\"type\":\"clear_tool_uses_20250919\"}]},\n" +
		"  \"tools\":[ {\"name\":\"f\",\"defer_loading\":true}, {\"type\":\"web_search_20250305\",\"name\":\"web_search\"} ],\n  \"model\" : "
	const after = ",\n  \"novelty\" : 1.50 ,\n  \"max_tokens\":9 }\n"
	const quoted = `{"role":"user","content":[{"type":"document","source":{"type":"text","data":"d"},"citations":{"enabled":true}},{"type":"search_result","source":"s"}], "x":1}`
	body := before + `"m", "messages" : [` + quoted + `, { "role" : "assistant" , "y":2, "content" : [` + mendUnsigned + `{"type":"text","text":"so","citations":[{"a":1}]}]}]` + after
	want := before + `"up", "messages" : [` + quoted + `,{ "role" : "assistant" , "y":2, "content" : [{"type":"text","text":"so","citations":[{"a":1}]}]}]` + after
	got, ok := anthropic.Dialect{}.Mend([]byte(body), dialect.Target{Model: "up"}, false)
	if !ok || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, ok, want)
	}
}

// TestMendDropsClearing holds that a body whose thinking goes off does not ask for old thinking to be cleared.
func TestMendDropsClearing(t *testing.T) {
	clear, other := `{"type":"clear_thinking_20251015","keep":"all"}`, `{"type":"clear_tool_uses_20250919"}`
	for edits, want := range map[string]string{
		`{"edits":[` + clear + `]}`:               ``,
		`{"edits":[` + clear + `,` + other + `]}`: `"context_management":{"edits":[` + other + `]},`,
		`{"edits":[` + clear + `],"novelty":1}`:   `"context_management":{"novelty":1},`,
		`{"edits":[` + other + `]}`:               `"context_management":{"edits":[` + other + `]},`,
		`null`:                                    `"context_management":null,`,
	} {
		off := strings.Replace(mendHead, mendThinking, `"thinking":{"type":"disabled"},`, 1)
		body := strings.Replace(mendHead, mendThinking, mendThinking+`"context_management":`+edits+`,`, 1) + mendTurn(mendCall) + mendTail
		sent := strings.Replace(off, `"thinking":{"type":"disabled"},`, `"thinking":{"type":"disabled"},`+want, 1) + mendTurn(mendCall) + mendTail
		got, ok := anthropic.Dialect{}.Mend([]byte(body), dialect.Target{Model: "m"}, true)
		if wanted := strings.Replace(sent, `"model":"m"`, `"model":"m"`, 1); !ok || string(got) != wanted {
			t.Errorf("%s:\n got %s, %v\nwant %s", edits, got, ok, wanted)
		}
	}
}

// FuzzMend holds that what is mended is one JSON object whose other members are as they were, and needs no
// mending again.
func FuzzMend(f *testing.F) {
	f.Add([]byte(mendHead+mendTurn(mendUnsigned+mendCall)+mendTail), true)
	f.Add([]byte(mendHead+mendTurn(mendSigned+mendUnsigned+mendCall)+` , `+mendTurn(mendCall)+mendTail), true)
	f.Add([]byte(strings.Replace(mendHead, mendThinking, mendThinking+`"context_management":{"edits":[{"type":"clear_thinking_20251015"}]},`, 1)+mendTurn(mendCall)+mendTail), true)
	f.Add([]byte(`{"messages":[{"content":[{"type":"redacted_thinking"}],"role":"assistant"},{"role":"user"}],"x":"thinking"}`), false)
	f.Fuzz(func(t *testing.T, body []byte, thinks bool) {
		mender := anthropic.Dialect{}
		got, ok := mender.Mend(body, dialect.Target{Model: "up"}, thinks)
		if !ok {
			return
		}
		var before, after jsonscan.Object
		if err := before.Scan(body); err != nil {
			t.Fatal(err)
		}
		if err := after.Scan(got); err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		for i := range before.Members {
			m := &before.Members[i]
			switch string(m.Name) {
			case "model", "messages", "thinking":
				continue
			case "context_management": // TestMendDropsClearing
				if bytes.Contains(before.Value(m), []byte("clear_")) || bytes.ContainsRune(before.Value(m), '\\') {
					continue
				}
			}
			if v, ok := after.Get(string(m.Name)); !ok || !bytes.Equal(v, before.Value(m)) {
				t.Fatalf("%s became %s", before.Value(m), v)
			}
		}
		thinking, _ := after.Get("thinking")
		disabled := string(thinking) == `{"type":"disabled"}`
		if again, ok := mender.Mend(got, dialect.Target{Model: "up"}, thinks && !disabled); ok {
			t.Fatalf("mended again:\n%s\n%s", got, again)
		}
	})
}
