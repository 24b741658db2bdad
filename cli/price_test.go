package cli

import (
	"encoding/json"
	"testing"

	"fairlead/client"
)

// TestShowBesides holds that of a price everything is shown that is not as its input and output say.
func TestShowBesides(t *testing.T) {
	const rates = `"input":"1","output":"4","cache_read":"1","cache_write":"1","reasoning":"4","audio_input":"1","audio_output":"4","image":"0","request":"0"`
	for price, want := range map[string]string{
		`{` + rates + `}`: "-",
		`{"input":"0","output":"0","cache_read":"0","cache_write":"0","reasoning":"0","audio_input":"0","audio_output":"0","image":"0","request":"0"}`:          "-",
		`{"input":"1","output":"4","cache_read":"0.1","cache_write":"1.25","reasoning":"5","audio_input":"6","audio_output":"7","image":"8","request":"9"}`:     "cache_read 0.1, cache_write 1.25, reasoning 5, audio_input 6, audio_output 7, image 8, request 9",
		`{` + rates + `,"tiers":[{"above":200000,` + rates + `},{"above":400000,"input":"2","output":"4","cache_read":"2","cache_write":"2","reasoning":"3"}]}`: "above 200000 (input 1, output 4), above 400000 (input 2, output 4, reasoning 3)",
		`{"input":"1","output":"4","cache_read":"0.1","cache_write":"1"}`:                                                                                       "cache_read 0.1",
	} {
		var p client.Price
		if err := json.Unmarshal([]byte(price), &p); err != nil {
			t.Fatal(err)
		}
		if got := showBesides(&p); got != want {
			t.Errorf("%s: %q, want %q", price, got, want)
		}
	}
}

func TestTokensText(t *testing.T) {
	for _, c := range []struct {
		tokens client.Tokens
		want   string
	}{
		{client.Tokens{Input: 12, Output: 40}, "12 in, 40 out"},
		{
			client.Tokens{Input: 9, Output: 8, CacheRead: 7, CacheWrite: 6, Reasoning: 5, AudioInput: 4, AudioOutput: 3, ImageInput: 2, Images: 1, NormalPrompt: 30, NormalOutput: 20},
			"9 in, 8 out, 7 read from a cache, 6 written to a cache, 5 of reasoning, 4 in as sound, 3 out as sound, 2 in as images, 1 image; by bytes 30 in, 20 out",
		},
		{client.Tokens{Input: 9, Output: 8, Estimated: true, NormalPrompt: 9, NormalOutput: 8, Images: 2}, "9 in, 8 out, 2 images (estimated)"},
	} {
		if got := tokensText(&c.tokens); got != c.want {
			t.Errorf("%+v: %q, want %q", c.tokens, got, c.want)
		}
	}
}
