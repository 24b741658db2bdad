package openai_test

import (
	"testing"

	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
)

// TestActs tables what a provider does beside writing text.
func TestActs(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   bool
	}{
		{``, false},
		{`"tools":null,`, false},
		{`"tools":[],`, false},
		{`"tools":[{"type":"function","function":{"name":"web_search"}}],`, false},
		{`"tools":[{"type":"func\u0074ion"}],`, false},
		{`"functions":[{"name":"f"}],`, false},
		{`"tools":[{"type":"function"},{"type":"web_search"}],`, true},
		{`"tools":[{"type":"code_interpreter","container":{"type":"auto"}}],`, true},
		{`"tools":[{"type":"mcp","server_url":"https://a"}],`, true},
		{`"tools":[{"function":{"name":"f"}}],`, true},
		{`"tools":["web_search"],`, true},
		{`"tools":{"type":"function"},`, true},
		{`"web_search_options":{},`, true},
		{`"web_search_options":null,`, false},
		{`"plugins":[{"id":"web"}],`, true},
		{`"search_parameters":{"mode":"auto"},`, true},
		{`"modalities":["text"],`, false},
		{`"modalities":["text","audio"],`, true},
		{`"modalities":["image"],`, true},
		{`"modalities":null,`, false},
		{`"audio":{"voice":"ash","format":"wav"},`, true},
		{`"audio":null,`, false},
	} {
		var o jsonscan.Object
		if err := o.Scan([]byte(`{` + c.fields + `"model":"m","messages":[{}]}`)); err != nil {
			t.Fatal(err)
		}
		if got := openai.New().Acts(&o); got != c.want {
			t.Errorf("%s: %v", c.fields, got)
		}
	}
}
