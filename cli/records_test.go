package cli

import (
	"strings"
	"testing"

	"fairlead/client"
)

// TestParseFilter holds what terms of a filter mean.
func TestParseFilter(t *testing.T) {
	for text, want := range map[string]client.RecordFilter{
		"":                                      {},
		"status>=500 provider=x":                {Status: ">=500", Provider: "x"},
		" status=502,model=a/b ,key=key_1":      {Status: "502", Model: "a/b", Key: "key_1"},
		"endpoint=a/b@c~d code=x duration>=2s":  {Endpoint: "a/b@c~d", Code: "x", MinDuration: "2s"},
		"node=n region=r stream=true kept=slow": {Node: "n", Region: "r", Stream: "true", Kept: "slow"},
		"trial=true":                            {Trial: "true"},
		"model=a=b":                             {Model: "a=b"},
		"status<500":                            {Status: "<500"},
		"status<=404,node=n":                    {Status: "<=404", Node: "n"},
		"status>499":                            {Status: ">499"},
		"status=5xx":                            {Status: "5xx"},
	} {
		if got, err := parseFilter(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"status": "not \"status\"", "=5": "not", "status=": "not", "nothing=1": "there are status, model", "node=a node=b": "twice",
		"duration=2s": "duration>=VALUE", "node>=a": "node=VALUE", "duration<2s": "duration>=VALUE", "<=5": "not", "status<": "not",
	} {
		if got, err := parseFilter(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// FuzzFilter holds that what a filter is read as holds each of its terms, and nothing else.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"status>=500 provider=x", "model=a=b,,", "status>=>=5", "duration>=1s\tnode=x", "kept==", ">=", "status>=500 status=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseFilter(text)
		if err != nil {
			return
		}
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
		set := 0
		for _, term := range recordTerms(&got) {
			if *term.value == "" {
				continue
			}
			set++
			found := false
			for _, w := range words {
				found = found || w == term.name+"="+*term.value || w == term.name+">="+*term.value || w == term.name+*term.value
			}
			if !found {
				t.Errorf("%q: %s is %q", text, term.name, *term.value)
			}
		}
		if set != len(words) {
			t.Errorf("%q has %d terms, %d are set", text, len(words), set)
		}
	})
}

// TestWhyText holds that an exchange's story says what there is of it, and what there is not.
func TestWhyText(t *testing.T) {
	lines := []client.Line{{Kind: "intent", Prompt: 12}, {Kind: "charge", Status: 200, Endpoint: "a/m@p"}}
	record := &client.Record{Kept: "failure", Model: "fast", Served: "a/m", Attempts: []client.Attempt{{Endpoint: "a/m@p", Why: "first", Outcome: "timeout", After: true, Detail: "x\x1b[2J"}}}
	tried := *record
	tried.Trial, tried.Shut = "trial_1", []string{"a/m@q", "a/m@r"}
	slow := &client.Record{Endpoint: "a/m@q", TTFT: 301_000, Duration: 812_000, Attempts: []client.Attempt{
		{Endpoint: "a/m@p", Start: 190, Duration: 140_000, Outcome: "overloaded"}, {Endpoint: "a/m@q", Start: 141_000, Duration: 160_000, Outcome: "ok"},
	}}
	for _, c := range []struct {
		name string
		x    client.Exchange
		want []string
		not  string
	}{
		{"where the time went", client.Exchange{Record: slow}, []string{"time went  190µs to the first attempt, 141ms until the one that answered, 160ms until its first token, 511ms until the end"}, "No endpoint"},
		{"saved by another", client.Exchange{Record: &client.Record{Kept: "failure", Status: 200, Attempts: slow.Attempts}}, []string{"kept       for a failed attempt"}, "as a failure"},
		{"no answer", client.Exchange{Record: &client.Record{Duration: 2000, Attempts: []client.Attempt{{Start: 500, Duration: 1000, Outcome: "timeout"}}}}, []string{"time went  500µs to the first attempt, 1.5ms until the end"}, "first token"},
		{"whole", client.Exchange{Node: "edge-1", Record: record, Lines: lines, Revision: &client.ExchangeRevision{Number: 7, By: "ops", Why: "a test", Origin: "weight"}}, []string{
			"on edge-1", "7 (weight by ops", "a test", "which is   a/m", "kept       as a failure", "timeout (after the commit)", `x\x1b[2J`, "intent ", "about 12 tokens in", "charge ", "attempts 0, endpoint a/m@p",
		}, "There is no"},
		{"on trial", client.Exchange{Record: &tried, Lines: lines, Revision: &client.ExchangeRevision{Number: 8}}, []string{"revision   8", "on trial   trial_1", "shut       a/m@q, a/m@r"}, "There is no"},
		{"not on trial", client.Exchange{Record: record, Lines: lines}, []string{"charge "}, "on trial"},
		{"sampled out", client.Exchange{Lines: lines}, []string{"There is no record", "charge "}, "ATTEMPT"},
		{"under way", client.Exchange{Lines: lines[:1]}, []string{"There is no charge yet"}, "charge    "},
		{"of an account", client.Exchange{Record: &client.Record{Key: "key_1", Account: "acc_1", Team: "team_1"}}, []string{"key        key_1", "account    acc_1 team_1"}, "answered by"},
		{"refused at the door", client.Exchange{Record: &client.Record{Kept: "failure"}}, []string{"No endpoint was asked", "Nothing was sent to a provider"}, "ATTEMPT"},
		{"ahead of its lines", client.Exchange{Record: record}, []string{"No charge line of it has arrived"}, "Nothing was sent"},
	} {
		got := whyText(&c.x)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, got)
			}
		}
		if strings.Contains(got, c.not) || strings.Contains(got, "\x1b") {
			t.Errorf("%s:\n%s", c.name, got)
		}
	}
}
