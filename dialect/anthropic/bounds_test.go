package anthropic_test

import (
	"strings"
	"testing"

	"fairlead"
)

// list is a JSON array of n elements.
func list(n int, element string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

// TestReadRequestBoundsLists holds that no list of a body is read to any length: what it makes in memory is
// many times as large as the smallest element on the wire.
func TestReadRequestBoundsLists(t *testing.T) {
	const head = `{"model":"m","max_tokens":7,`
	const hello = `"messages":[{"role":"user","content":"hello"}]`
	const block = `{"type":"text","text":"a"}`
	user := func(content string) string { return `{"role":"user","content":` + content + `}` }
	result := func(content string) string {
		return `{"type":"tool_result","tool_use_id":"t","content":` + content + `}`
	}
	for _, c := range []struct {
		name, body, param string
		refused           bool
	}{
		{"blocks of one message", head + `"messages":[` + user(list(100_001, block)) + `]}`, "messages[0].content[100000]", true},
		{"as many as are taken", head + `"messages":[` + user(list(100_000, block)) + `]}`, "", false},
		{"blocks of many messages", head + `"messages":` + list(11, user(list(10_000, block))) + `}`, "messages[10]", true},
		{"messages", head + `"messages":` + list(100_001, user(`"a"`)) + `}`, "messages[100000]", true},
		{"blocks of tool results", head + `"messages":[` + user(list(11, result(list(10_000, block)))) + `]}`, "messages[0].content[9]", true},
		{"blocks of one tool result", head + `"messages":[` + user(list(1, result(list(100_001, block)))) + `]}`, "messages[0].content[0].content[100000]", true},
		{"system", head + `"system":` + list(100_001, block) + `,` + hello + `}`, "system[100000]", true},
		{"system messages", head + `"messages":` + list(11, `{"role":"system","content":`+list(10_000, block)+`}`) + `}`, "messages[10]", true},
		{"system and messages together", head + `"system":` + list(60_000, block) + `,"messages":[` + user(list(60_000, block)) + `]}`, "messages", true},
		{"messages and system together", head + `"messages":[` + user(list(60_000, block)) + `],"system":` + list(60_000, block) + `}`, "messages", true},
		{"stop_sequences", head + hello + `,"stop_sequences":` + list(1025, `"a"`) + `}`, "stop_sequences[1024]", true},
		{"as many stop_sequences as are taken", head + hello + `,"stop_sequences":` + list(1024, `"a"`) + `}`, "", false},
		{"tools", head + hello + `,"tools":` + list(10_001, `{"name":"f"}`) + `}`, "tools[10000]", true},
		{"as many tools as are taken", head + hello + `,"tools":` + list(10_000, `{"name":"f"}`) + `}`, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := d.ReadRequest([]byte(c.body))
			if !c.refused {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, fairlead.CodeInvalidRequest, c.param)
		})
	}
}

func TestReadAnswerBoundsBlocks(t *testing.T) {
	body := `{"type":"message","content":` + list(100_001, `{"type":"text","text":"a"}`) + `,"stop_reason":"end_turn"}`
	if _, err := d.ReadAnswer([]byte(body)); err == nil {
		t.Error("an answer of more than 100,000 blocks is read")
	}
}
