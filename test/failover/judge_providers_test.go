package failover_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fairlead"
)

// judgeProviders tells what of the attempts and the records is not as wanted.
func (p *play) judgeProviders(s *stage) (problems []string) {
	list := s.attempts()
	var names []string
	for _, a := range list {
		names = append(names, a.who)
	}
	if len(p.attempts) > 0 && !slices.Equal(names, p.attempts) {
		problems = append(problems, fmt.Sprintf("want attempts: %s: got %s", strings.Join(p.attempts, ", "), strings.Join(names, ", ")))
	}
	for who, most := range p.most {
		if n := count(names, who); n > most {
			problems = append(problems, fmt.Sprintf("want most %s: %d: got %d", who, most, n))
		}
	}
	for n, wait := range p.waits {
		if n < 2 || n > len(list) {
			problems = append(problems, fmt.Sprintf("want wait %d: there are %d attempts", n, len(list)))
			continue
		}
		before := list[n-2]
		got := list[n-1].Time.Sub(before.Time.Add(time.Duration(before.TookMS * float64(time.Millisecond))))
		if got < wait.least-time.Millisecond || got > wait.most {
			problems = append(problems, fmt.Sprintf("want wait %d: %s..%s: got %s", n, wait.least, wait.most, got.Round(time.Microsecond)))
		}
	}
	for n, key := range p.keys {
		if n > len(list) || list[n-1].key() != key {
			problems = append(problems, fmt.Sprintf("want key %d: %s: not so in %d attempts", n, key, len(list)))
		}
	}
	for _, who := range p.left {
		i := len(names) - 1
		for i >= 0 && names[i] != who {
			i--
		}
		if i < 0 || !list[i].Left {
			problems = append(problems, fmt.Sprintf("want left: %s: it was not cancelled", who))
		}
	}
	problems = append(problems, p.judgeProbes(s)...)
	return append(problems, p.judgeRecords(s)...)
}

// judgeProbes holds the numbers that are wanted against what was seen.
func (p *play) judgeProbes(s *stage) (problems []string) {
	pages, probes, failures, returns := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for name, fake := range s.fakes {
		pages[name]-- // a stage's own
		for _, a := range fake.Log() {
			switch {
			case a.Path == "/health":
				pages[name]++
			case isProbe(a):
				probes[name+"/"+a.Model]++
			}
		}
	}
	records, err := s.records()
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range records {
		for _, a := range e.tries {
			if a.Outcome != string(fairlead.OutcomeOK) {
				failures[strings.TrimPrefix(a.Endpoint, "play/")]++
			}
		}
	}
	for line := range strings.Lines(s.log.String()) {
		_, rest, is := strings.Cut(line, `"msg":"endpoint is back by probes","endpoint":"play/`)
		if endpoint, _, _ := strings.Cut(rest, `"`); is {
			returns[endpoint]++
		}
	}
	for word, got := range map[string]map[string]int{"pages": pages, "probes": probes, "failures": failures, "returns": returns} {
		for who, b := range p.counted(word) {
			if n := got[who]; n < b.least || n > b.most {
				problems = append(problems, fmt.Sprintf("want %s %s: %d..%d: got %d", word, who, b.least, b.most, n))
			}
		}
	}
	return problems
}

// count counts those that begin with a word: PROVIDER/ counts all of a provider.
func count(names []string, word string) (n int) {
	for _, name := range names {
		if name == word || strings.HasSuffix(word, "/") && strings.HasPrefix(name, word) {
			n++
		}
	}
	return n
}

// key is the name of the credential that an attempt showed.
func (a attempt) key() string {
	for _, name := range []string{"Authorization", "X-Api-Key"} {
		for _, v := range a.Headers[name] {
			for key, secret := range credentials {
				if strings.HasSuffix(secret, strings.TrimPrefix(v, "…")) && v != "" {
					return key
				}
			}
		}
	}
	return ""
}

// judgeRecords compares the attempts of all exchanges, as their log lines tell them.
func (p *play) judgeRecords(s *stage) []string {
	list, err := s.records()
	if err != nil {
		return []string{err.Error()}
	}
	if len(p.record) == 0 {
		return nil
	}
	var got []string
	for _, e := range list {
		for _, a := range e.tries {
			got = append(got, strings.TrimPrefix(a.Endpoint, "play/")+" "+a.Outcome)
		}
	}
	if !slices.Equal(got, p.record) {
		return []string{fmt.Sprintf("want record: %s: got %s", strings.Join(p.record, ", "), strings.Join(got, ", "))}
	}
	return nil
}
