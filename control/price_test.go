package control

import (
	"testing"

	"github.com/go-json-experiment/json"

	"fairlead"
)

// TestShowPrice holds that all of a price is shown.
func TestShowPrice(t *testing.T) {
	rates := fairlead.Price{Input: 1, Output: 2, CacheRead: 3, CacheWrite: 4, Reasoning: 5, AudioInput: 6, AudioOutput: 7, Image: 8, Request: 9}
	tiered := rates
	tiered.Tiers = []fairlead.Tier{{Above: 200_000, Price: fairlead.Price{Input: 1_000_000, Output: 1_500_000}}}
	const shown = `"input":"0.000001","output":"0.000002","cache_read":"0.000003","cache_write":"0.000004","reasoning":"0.000005",` +
		`"audio_input":"0.000006","audio_output":"0.000007","image":"0.000008","request":"0.000009"`
	const zero = `"cache_read":"0","cache_write":"0","reasoning":"0","audio_input":"0","audio_output":"0","image":"0","request":"0"`
	for _, c := range []struct {
		price *fairlead.Price
		want  string
	}{
		{nil, `null`},
		{&fairlead.Price{}, `{"input":"0","output":"0",` + zero + `}`},
		{&rates, `{` + shown + `}`},
		{&tiered, `{` + shown + `,"tiers":[{"above":200000,"input":"1","output":"1.5",` + zero + `}]}`},
	} {
		if got, err := json.Marshal(showPrice(c.price)); err != nil || string(got) != c.want {
			t.Errorf("%+v is shown as %s, %v", c.price, got, err)
		}
	}
}

// TestShowUsage holds that a record and a charge line show everything that was counted.
func TestShowUsage(t *testing.T) {
	want := usageAnswer{
		Input: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, AudioInput: 6, AudioOutput: 7, ImageInput: 8, Images: 9,
		Estimated: true, NormalPrompt: 10, NormalOutput: 11,
	}
	r := fairlead.StoredRecord{
		Input: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, AudioInput: 6, AudioOutput: 7, ImageInput: 8, Images: 9,
		Estimated: true, NormalPrompt: 10, NormalOutput: 11,
	}
	if got := showRecord(&r).usageAnswer; got != want {
		t.Errorf("a record shows %+v", got)
	}
	l := fairlead.FoundLine{ChargeLine: fairlead.ChargeLine{
		Input: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, AudioInput: 6, AudioOutput: 7, ImageInput: 8, Images: 9,
		Estimated: true, NormalPrompt: 10, NormalOutput: 11,
	}}
	if got := showLine(&l).usageAnswer; got != want {
		t.Errorf("a line shows %+v", got)
	}
}
