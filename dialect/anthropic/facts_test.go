package anthropic_test

import (
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
)

func TestFacts(t *testing.T) {
	const head = `{"model":"m","max_tokens":7,`
	const hello = `"messages":[{"role":"user","content":"hello"}]`
	base := dialect.Facts{Model: "m", MaxOutput: 7, Stateless: true}
	with := func(change func(*dialect.Facts)) dialect.Facts {
		f := base
		change(&f)
		return f
	}
	cases := []struct {
		name string
		body string
		want dialect.Facts
	}{
		{"plain", head + hello + `}`, base},
		{"stream", head + `"stream":true,` + hello + `}`, with(func(f *dialect.Facts) { f.Stream = true })},
		{"stream null", head + `"stream":null,` + hello + `}`, base},
		{"cache warming", `{"model":"m","max_tokens":0,` + hello + `}`, with(func(f *dialect.Facts) { f.MaxOutput = 0 })},
		{"tools", head + `"tools":[{"name":"f"}],` + hello + `}`, with(func(f *dialect.Facts) { f.Needs = fairlead.Tools })},
		{"no tools", head + `"tools":[ ],` + hello + `}`, base},
		{
			"image", head + `"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}`,
			with(func(f *dialect.Facts) { f.Needs, f.MediaParts, f.Images = fairlead.Vision, 1, 1 }),
		},
		{
			"image in a tool result",
			head + `"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"image"}]}]}]}`,
			with(func(f *dialect.Facts) { f.Needs, f.MediaParts, f.Images = fairlead.Vision, 1, 1 }),
		},
		{"text that says image", head + `"messages":[{"role":"user","content":"image"}]}`, base},
		{"block that says image", head + `"messages":[{"role":"user","content":[{"type":"text","text":"image"}]}]}`, base},
		{
			"tool called image",
			head + hello + `,"tools":[{"name":"image","input_schema":{"properties":{"image":{}}}}]}`,
			with(func(f *dialect.Facts) { f.Needs = fairlead.Tools }),
		},
		{
			"document", head + `"messages":[{"role":"user","content":[{"type":"document","source":{}}]}]}`,
			with(func(f *dialect.Facts) { f.Needs, f.MediaParts = fairlead.Files, 1 }),
		},
		{
			"format", head + `"output_config":{"format":{"type":"json_schema"}},` + hello + `}`,
			with(func(f *dialect.Facts) { f.Needs = fairlead.JSONSchema }),
		},
		{"effort only", head + `"output_config":{"effort":"low"},` + hello + `}`, base},
		{
			"thinking", head + `"thinking":{"type":"enabled","budget_tokens":1024},` + hello + `}`,
			with(func(f *dialect.Facts) { f.Thinks, f.Needs = true, fairlead.Reasoning }),
		},
		{
			"adaptive", head + `"thinking":{"type":"adaptive"},` + hello + `}`,
			with(func(f *dialect.Facts) { f.Thinks, f.Needs = true, fairlead.Reasoning }),
		},
		{"thinking off", head + `"thinking":{"type":"disabled"},` + hello + `}`, base},
		{"container", head + `"container":"c_1",` + hello + `}`, with(func(f *dialect.Facts) { f.Stateless = false })},
		{"no container", head + `"container":null,` + hello + `}`, base},
		{"remote tools", head + `"mcp_servers":[{}],` + hello + `}`, with(func(f *dialect.Facts) { f.Stateless = false })},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := d.Facts(fairlead.OpChat, scan(t, c.body))
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestFactsMedia holds what of a body is no text: base64 is counted as it stands there.
func TestFactsMedia(t *testing.T) {
	for _, c := range []struct {
		name, messages string
		want           dialect.Facts
	}{
		{"base64 and url", `[{"role":"user","content":[{"type":"text","text":"base64"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAABBBB"}},{"type":"image","source":{"type":"url","url":"https://a/b"}},{"source":{"data":"QUJD","type":"base64"},"type":"document"}]}]`, dialect.Facts{Needs: fairlead.Vision | fairlead.Files, Media: 12, MediaParts: 3, Images: 2}},
		{"base64 in a tool result", `[{"role":"user","content":[{"type":"tool_result","content":[{"type":"image","source":{"type":"base64","data":"AAAA"}}]}]}]`, dialect.Facts{Needs: fairlead.Vision, Media: 4, MediaParts: 1, Images: 1}},
		{"documents of text and blocks", `[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"words"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"},{"type":"image","source":{"type":"base64","data":"AAAA"}}]}}]}]`, dialect.Facts{Needs: fairlead.Vision | fairlead.Files, Media: 4, MediaParts: 1, Images: 1}},
	} {
		c.want.Model, c.want.MaxOutput, c.want.Stateless = "m", 7, true
		got, err := d.Facts(fairlead.OpChat, scan(t, `{"model":"m","max_tokens":7,"messages":`+c.messages+`}`))
		if err != nil || got != c.want {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
	}
}

func TestFactsOfCountTokens(t *testing.T) {
	body := scan(t, `{"model":"m","messages":[{"role":"user","content":"hello"}]}`)
	if _, err := d.Facts(fairlead.OpCountTokens, body); err != nil {
		t.Fatal(err)
	}
	streamed := scan(t, `{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}`)
	if f, err := d.Facts(fairlead.OpCountTokens, streamed); err != nil || f.Stream {
		t.Errorf("a count that streams: %+v, %v", f, err)
	}
	_, err := d.Facts(fairlead.OpChat, body)
	wantError(t, err, fairlead.CodeInvalidRequest, "max_tokens")
}

func TestFactsRefuses(t *testing.T) {
	cases := []struct {
		body  string
		code  fairlead.Code
		param string
	}{
		{`{"max_tokens":1,"messages":[{}]}`, fairlead.CodeInvalidRequest, "model"},
		{`{"model":"","max_tokens":1,"messages":[{}]}`, fairlead.CodeInvalidRequest, "model"},
		{`{"model":null,"max_tokens":1,"messages":[{}]}`, fairlead.CodeInvalidRequest, "model"},
		{`{"model":["m"],"max_tokens":1,"messages":[{}]}`, fairlead.CodeInvalidRequest, "model"},
		{`{"model":"m","max_tokens":null,"messages":[{}]}`, fairlead.CodeInvalidRequest, "max_tokens"},
		{`{"model":"m","max_tokens":-1,"messages":[{}]}`, fairlead.CodeInvalidRequest, "max_tokens"},
		{`{"model":"m","max_tokens":9223372036854775807,"messages":[{}]}`, fairlead.CodeInvalidRequest, "max_tokens"},
		{`{"model":"m","max_tokens":"9","messages":[{}]}`, fairlead.CodeInvalidRequest, "max_tokens"},
		{`{"model":"m","max_tokens":1.5,"messages":[{}]}`, fairlead.CodeInvalidRequest, "max_tokens"},
		{`{"model":"m","max_tokens":1,"messages":[{}],"stream":"true"}`, fairlead.CodeInvalidRequest, "stream"},
		{`{"model":"m","max_tokens":1,"messages":[{}],"stream":1}`, fairlead.CodeInvalidRequest, "stream"},
		{`{"model":"m","max_tokens":1,"messages":[{}],"tools":{}}`, fairlead.CodeInvalidRequest, "tools"},
		{`{"model":"m","max_tokens":1}`, fairlead.CodeInvalidRequest, "messages"},
		{`{"model":"m","max_tokens":1,"messages":"hello"}`, fairlead.CodeInvalidRequest, "messages"},
		{`{"model":"m","max_tokens":1,"messages":[ ]}`, fairlead.CodeInvalidRequest, "messages"},
		{`{"model":"m","Model":"n","max_tokens":1,"messages":[{}]}`, fairlead.CodeDuplicateField, "Model"},
		{`{"model":"m","max_tokens":1,"messages":[{}],"STREAM":true}`, fairlead.CodeDuplicateField, "STREAM"},
		{`{"model":"m","MAX_TOKENS":1,"messages":[{}]}`, fairlead.CodeDuplicateField, "MAX_TOKENS"},
	}
	for _, c := range cases {
		t.Run(c.body, func(t *testing.T) {
			_, err := d.Facts(fairlead.OpChat, scan(t, c.body))
			wantError(t, err, c.code, c.param)
		})
	}
}

func TestFactsAllocatesOnlyTheModel(t *testing.T) {
	body := scan(t, request1K)
	if n := testing.AllocsPerRun(100, func() { _, _ = d.Facts(fairlead.OpChat, body) }); n > 1 {
		t.Errorf("%v allocations; the model's name is the only one", n)
	}
}

var request1K = `{"model":"anthropic/claude-x","max_tokens":512,"stream":true,"system":"Be brief.","messages":[` +
	`{"role":"user","content":"` + strings.Repeat("weather in Oslo? ", 50) + `"}]}`

func BenchmarkFacts(b *testing.B) {
	body := scan(b, request1K)
	b.ReportAllocs()
	b.SetBytes(int64(len(request1K)))
	for b.Loop() {
		if _, err := d.Facts(fairlead.OpChat, body); err != nil {
			b.Fatal(err)
		}
	}
}
