package cli

import (
	"cmp"
	"fmt"
	"strings"

	"fairlead/client"
)

// showBesides says what a price is made of beside input and output; "-" where that is what it is by default.
func showBesides(p *client.Price) string {
	parts := besides(&p.Rates)
	for i := range p.Tiers {
		t := &p.Tiers[i]
		list := append([]string{"input " + t.Input, "output " + t.Output}, besides(&t.Rates)...)
		parts = append(parts, fmt.Sprintf("above %d (%s)", t.Above, strings.Join(list, ", ")))
	}
	return cmp.Or(strings.Join(parts, ", "), "-")
}

func besides(r *client.Rates) (parts []string) {
	for _, part := range []struct{ name, value, usual string }{
		{"cache_read", r.CacheRead, r.Input},
		{"cache_write", r.CacheWrite, r.Input},
		{"reasoning", r.Reasoning, r.Output},
		{"audio_input", r.AudioInput, r.Input},
		{"audio_output", r.AudioOutput, r.Output},
		{"image", r.Image, "0"},
		{"request", r.Request, "0"},
	} {
		if part.value != "" && part.value != part.usual { // an older node does not tell all of them
			parts = append(parts, part.name+" "+part.value)
		}
	}
	return parts
}
