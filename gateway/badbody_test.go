package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"fairlead"
)

// badBody is a body that is refused, and how.
type badBody struct {
	name, body string
	status     int
	code       fairlead.Code
	param      string
	says       string
}

func badBodies() []badBody {
	messages := `"messages":[{"role":"user","content":"hi"}],"max_tokens":9`
	return []badBody{
		{"empty", "", 400, fairlead.CodeInvalidJSON, "", ""},
		{"blank", " \n\t ", 400, fairlead.CodeInvalidJSON, "", ""},
		{"not JSON", "model=openai/echo&stream=true", 400, fairlead.CodeInvalidJSON, "", ""},
		{"array", `[{"model":"openai/echo"}]`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"text", `"openai/echo"`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"null", `null`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"number", `17`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"cut off", `{"model":"openai/echo",` + messages, 400, fairlead.CodeInvalidJSON, "", ""},
		{"trailing garbage", `{"model":"openai/echo",` + messages + `} x`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"a second object", `{"model":"openai/echo",` + messages + `}{"model":"openai/echo"}`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"a NUL behind", `{"model":"openai/echo",` + messages + "}\x00", 400, fairlead.CodeInvalidJSON, "", ""},
		{"a NUL in a text", `{"model":"openai/ec` + "\x00" + `ho",` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"byte order mark", "\xef\xbb\xbf" + `{"model":"openai/echo",` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"UTF-16", "\xff\xfe{\x00}\x00", 400, fairlead.CodeInvalidJSON, "", ""},
		{"comma at the end", `{"model":"openai/echo",` + messages + `,}`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"comment", `{"model":"openai/echo",/* */` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"NaN", `{"model":"openai/echo","temperature":NaN,` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"invalid UTF-8", `{"model":"openai/echo","user":"` + "\xc3\x28" + `",` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", "UTF-8"},
		{"invalid UTF-8 in a name", `{"model":"openai/echo","` + "\xff" + `":1,` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", "UTF-8"},
		{"overlong UTF-8", `{"model":"openai/echo","user":"` + "\xc0\xaf" + `",` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", "UTF-8"},
		{"half a surrogate pair", `{"model":"openai/echo","user":"\ud800",` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", ""},
		{"a pair the wrong way round", `{"model":"openai/echo","user":"\udc00\ud800",` + messages + `}`, 400, fairlead.CodeInvalidJSON, "", ""},

		{"model twice", `{"model":"openai/echo","model":"openai/other",` + messages + `}`, 400, fairlead.CodeDuplicateField, "model", "model"},
		{"model twice, escaped", `{"model":"openai/echo","mod\u0065l":"openai/other",` + messages + `}`, 400, fairlead.CodeDuplicateField, "model", "model"},
		{"model twice, both escaped", `{"\u006dodel":"openai/echo","mod\u0065l":"openai/other",` + messages + `}`, 400, fairlead.CodeDuplicateField, "model", "model"},
		{"stream twice", `{"model":"openai/echo","stream":false,"stream":true,` + messages + `}`, 400, fairlead.CodeDuplicateField, "stream", "stream"},
		{"twice further in", `{"model":"openai/echo","metadata":{"a":1,"\u0061":2},` + messages + `}`, 400, fairlead.CodeDuplicateField, "a", ""},
		{"Model", `{"Model":"openai/echo",` + messages + `}`, 400, fairlead.CodeDuplicateField, "Model", "lower case"},
		{"Model beside model", `{"model":"openai/echo","Model":"openai/other",` + messages + `}`, 400, fairlead.CodeDuplicateField, "Model", "lower case"},
		{"an escaped MODEL", `{"model":"openai/echo","\u004dODEL":"openai/other",` + messages + `}`, 400, fairlead.CodeDuplicateField, "MODEL", "lower case"},
		{"STREAM", `{"model":"openai/echo","STREAM":true,` + messages + `}`, 400, fairlead.CodeDuplicateField, "STREAM", "lower case"},
		{"the Kelvin sign in max_tokens", `{"model":"openai/echo","max_to` + "\u212a" + `ens":5,"messages":[{"role":"user","content":"hi"}]}`, 400, fairlead.CodeDuplicateField, "max_to\u212aens", ""},
		{"the long s in stream", `{"model":"openai/echo","` + "\u017f" + `tream":true,` + messages + `}`, 400, fairlead.CodeDuplicateField, "\u017ftream", ""},

		{"1,000 arrays deep", `{"model":"openai/echo","x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `,` + messages + `}`, 400, fairlead.CodeTooDeep, "", ""},
		{"1,000 objects deep", `{"model":"openai/echo","x":` + strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000) + `,` + messages + `}`, 400, fairlead.CodeTooDeep, "", ""},
		{"1,000 deep and never closed", strings.Repeat("[", 1000), 400, fairlead.CodeInvalidJSON, "", ""},
		{"too many names", `{"model":"openai/echo","x":{` + manyNames(70_000) + `},` + messages + `}`, 400, fairlead.CodeInvalidRequest, "", "names"},

		{"no model", `{` + messages + `}`, 400, fairlead.CodeInvalidRequest, "model", ""},
		{"empty model", `{"model":"",` + messages + `}`, 400, fairlead.CodeInvalidRequest, "model", ""},
		{"model is a number", `{"model":7,` + messages + `}`, 400, fairlead.CodeInvalidRequest, "model", ""},
		{"model is null", `{"model":null,` + messages + `}`, 400, fairlead.CodeInvalidRequest, "model", ""},
		{"model is a list", `{"model":["openai/echo"],` + messages + `}`, 400, fairlead.CodeInvalidRequest, "model", ""},
		{"stream is a text", `{"model":"openai/echo","stream":"true",` + messages + `}`, 400, fairlead.CodeInvalidRequest, "stream", ""},
		{"max_tokens is negative", `{"model":"openai/echo","messages":[{"role":"user","content":"hi"}],"max_tokens":-1}`, 400, fairlead.CodeInvalidRequest, "max_tokens", ""},
		{"max_tokens beyond int64", `{"model":"openai/echo","messages":[{"role":"user","content":"hi"}],"max_tokens":99999999999999999999}`, 400, fairlead.CodeInvalidRequest, "max_tokens", ""},

		{"unknown model", `{"model":"openal/gpt",` + messages + `}`, 404, fairlead.CodeModelNotFound, "model", "openal/gpt"},
		{"a near name", `{"model":"opena1/gpt-4o-mini",` + messages + `}`, 404, fairlead.CodeModelNotFound, "model", "near: openai/gpt-4o-mini"},
		{"a near alias", `{"model":"fasd",` + messages + `}`, 404, fairlead.CodeModelNotFound, "model", "near: fast"},
		{"another case of an alias", `{"model":"FAST",` + messages + `}`, 404, fairlead.CodeModelNotFound, "model", "fast"},
		{"a wildcard itself", `{"model":"openai/",` + messages + `}`, 404, fairlead.CodeModelNotFound, "model", ""},
		{"a model of 100,000 letters", `{"model":"` + strings.Repeat("m", 100_000) + `",` + messages + `}`, 404, fairlead.CodeModelNotFound, "model", ""},

		{"one byte too many", filled(`{"model":"openai/echo",`+messages+`,"x":"`, `"}`, 1<<20+1), 413, fairlead.CodeBodyTooLarge, "", "1MiB"},
	}
}

// TestBadBody sends bodies that no one may understand in two ways, or at all, in both dialects: each
// gets its code in the caller's own envelope, the connection stays usable, and nothing goes upstream.
func TestBadBody(t *testing.T) {
	r := newRig(t, "max_body: 1MiB")
	for _, c := range badBodies() {
		for _, caller := range callers {
			for _, framing := range []string{"length", "chunked"} {
				name := fmt.Sprintf("%s, %s, %s", c.name, caller.dialect, framing)
				status, header, body := r.sendBody(t, caller.path, c.body, framing == "chunked")
				e, err := readRefusal(caller.dialect, body)
				switch {
				case err != nil:
					t.Errorf("%s: %v", name, err)
				case status != c.status || e.Error.Code != string(c.code) || !strings.Contains(e.Error.Message, c.says):
					t.Errorf("%s: %d %s, want %d %s: %s", name, status, e.Error.Code, c.status, c.code, body)
				case c.param != "" && (e.Error.Param == nil || *e.Error.Param != c.param):
					t.Errorf("%s: param %v, want %q", name, e.Error.Param, c.param)
				case len(body) > 2048:
					t.Errorf("%s: an answer of %d bytes", name, len(body))
				case header.Get("X-Request-Id") == "" || header.Get("Content-Type") != "application/json":
					t.Errorf("%s: headers %v", name, header)
				}
			}
		}
	}
	if log := r.fake.Log(); len(log) != 0 {
		t.Errorf("%d requests went upstream, the first for %q", len(log), log[0].Model)
	}
}

// TestGoodBody holds that the door refuses no more than it must: what is odd but clear goes through.
func TestGoodBody(t *testing.T) {
	r := newRig(t, "max_body: 1MiB")
	messages := `"messages":[{"role":"user","content":"hi"}],"max_tokens":9`
	for _, c := range []struct{ name, body string }{
		{"escapes", `{"mod\u0065l":"openai\/echo",` + messages + `}`},
		{"space around", " \r\n" + `{"model":"openai/echo",` + messages + "}\n\t "},
		{"256 levels deep", `{"model":"openai/echo","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","x":` +
			strings.Repeat("[", 251) + strings.Repeat("]", 251) + `}}}],` + messages + `}`},
		{"a surrogate pair", `{"model":"openai/echo","messages":[{"role":"user","content":"\ud83d\ude00 \u0000"}],"max_tokens":9}`},
		{"same names in different objects", `{"model":"openai/echo","metadata":{"model":"x"},` + messages + `}`},
		{"exactly max_body", filled(`{"model":"openai/echo",`+messages+`,"user":"`, `"}`, 1<<20)},
	} {
		for _, framing := range []bool{false, true} {
			if status, _, body := r.sendBody(t, "/v1/chat/completions", c.body, framing); status != 200 {
				t.Errorf("%s: status %d: %.300s", c.name, status, body)
			}
		}
	}
}

// sendBody posts a body with the good key; chunked leaves its length untold.
func (r *rig) sendBody(t *testing.T, path, body string, chunked bool) (int, http.Header, []byte) {
	t.Helper()
	var from io.Reader = strings.NewReader(body)
	if chunked {
		from = io.MultiReader(from)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.addr+path, from)
	check(t, err)
	req.Header.Set("X-Api-Key", r.key)
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	check(t, err)
	return resp.StatusCode, resp.Header, answer
}

// filled gives a text of exactly n bytes between a start and an end.
func filled(start, end string, n int) string {
	return start + strings.Repeat("x", n-len(start)-len(end)) + end
}

func manyNames(n int) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `%q:1,`, fmt.Sprintf("%x", i))
	}
	return strings.TrimSuffix(b.String(), ",")
}
