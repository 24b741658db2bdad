package anthropic_test

import (
	"testing"

	"fairlead/dialect/anthropic"
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
		{`"tools":[{"name":"web_search","input_schema":{"type":"object"}}],`, false},
		{`"tools":[{"type":"custom","name":"f"},{"type":null,"name":"g"}],`, false},
		{`"tools":[{"name":"f"},{"type":"web_search_20250305","name":"web_search"}],`, true},
		{`"tools":[{"type":"code_execution_20250825","name":"code_execution"}],`, true},
		{`"tools":[{"type":"bash_20250124","name":"bash"}],`, true},
		{`"tools":{"name":"f"},`, true},
		{`"mcp_servers":[{"url":"https://a"}],`, true},
		{`"mcp_servers":[ ],`, false},
		{`"mcp_servers":null,`, false},
	} {
		if got := anthropic.New().Acts(scan(t, `{`+c.fields+`"model":"m","max_tokens":1,"messages":[{}]}`)); got != c.want {
			t.Errorf("%s: %v", c.fields, got)
		}
	}
}
