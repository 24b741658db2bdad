package control

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"fairlead"
)

// FuzzReadBody holds that whatever is taken means the same to another parser, and that whatever is
// refused is the caller's fault, told in few words.
func FuzzReadBody(f *testing.F) {
	for _, s := range []string{
		`{"name":"a"}`, `{}`, ``, `[]`, `null`, `{"name":null}`, `{"name":1}`, `{"name":"a","name":"b"}`, `{"Name":"a"}`,
		`{"name":"\ud800"}`, "{\"name\":\"\xff\"}", `{"name":"a"} x`, `{"na\u006de":"a"}`, `{"name":{"name":"a"}}`,
		strings.Repeat(`{"name":`, 200), `{"` + strings.Repeat("n", 500) + `":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want struct {
			Name string `json:"name"`
		}
		err := readBody(httptest.NewRequestWithContext(t.Context(), "POST", "/", bytes.NewReader(body)), &got)
		if err == nil {
			if err := json.Unmarshal(body, &want); err != nil || got != want {
				t.Errorf("took %q as %q, another parser as %q (%v)", body, got.Name, want.Name, err)
			}
			return
		}
		e := fairlead.AsError(err)
		if s := e.HTTPStatus(); s < 400 || s > 499 || len(e.Message)+len(e.Param) > 300 {
			t.Errorf("status %d: %s", s, e.Message)
		}
	})
}
