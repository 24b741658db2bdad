package dialect_test

import (
	"strings"
	"testing"

	"fairlead/dialect"
)

func TestToolID(t *testing.T) {
	for id, want := range map[string]string{
		"call_1":                "call_1",
		"toolu_01-AbC":          "toolu_01-AbC",
		strings.Repeat("a", 64): strings.Repeat("a", 64),
		"":                      "flx_",
		"a:b":                   "flx_YTpi",
		"flx_YTpi":              "flx_Zmx4X1lUcGk",
		"é":                     "flx_w6k",
		"functions.weather:0":   "flx_ZnVuY3Rpb25zLndlYXRoZXI6MA",
		strings.Repeat("a", 65): "flx_" + strings.Repeat("YWFh", 21) + "YWE",
	} {
		if got := dialect.EncodeToolID(id); got != want {
			t.Errorf("EncodeToolID(%q) is %q, want %q", id, got, want)
		}
	}
	for _, id := range []string{"call_1", "flx_not base64!", "flx", "FLX_YTpi"} {
		if got := dialect.DecodeToolID(id); got != id {
			t.Errorf("DecodeToolID(%q) is %q: no id that was encoded", id, got)
		}
	}
}

// FuzzToolID holds that ids are plain once encoded, and come back as they were.
func FuzzToolID(f *testing.F) {
	f.Add("call_1")
	f.Add("flx_YTpi")
	f.Add("a b\x00é")
	f.Fuzz(func(t *testing.T, id string) {
		encoded := dialect.EncodeToolID(id)
		if strings.Trim(encoded, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			t.Fatalf("%q became %q", id, encoded)
		}
		if back := dialect.DecodeToolID(encoded); back != id {
			t.Fatalf("%q became %q and came back as %q", id, encoded, back)
		}
	})
}
