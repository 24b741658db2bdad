package failover_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"fairlead/internal/fakellm"
)

// judge tells what of an answer is not as wanted.
func (p *play) judge(a *answer) (problems []string) {
	problems = append(problems, a.odd...)
	for _, w := range p.wants {
		if problem := p.hold(a, w); problem != "" {
			problems = append(problems, fmt.Sprintf("want %s: %s: %s", w.word, w.value, problem))
		}
	}
	if len(problems) > 0 {
		if a.err != nil {
			problems = append(problems, "the connection: "+a.err.Error())
		}
		problems = append(problems, fmt.Sprintf("the answer ends: ...%q", a.raw[max(0, len(a.raw)-300):]))
	}
	return problems
}

// hold tells how an answer differs from one want; "" where it does not.
func (p *play) hold(a *answer, w want) string {
	is := func(got string) string {
		if got == w.value {
			return ""
		}
		return "got " + strconv.Quote(got)
	}
	switch w.word {
	case "status":
		return is(strconv.Itoa(a.status))
	case "code":
		return is(a.code)
	case "finish":
		return is(a.finish)
	case "model":
		return is(a.model)
	case "end":
		return is(a.end)
	case "answered":
		return is(strings.TrimPrefix(a.header.Get("X-Fairlead-Endpoint"), "play/"))
	case "should-retry":
		return is(orElse(a.header.Get("X-Should-Retry"), "unsaid"))
	case "retry-after":
		return is(map[bool]string{true: "yes", false: "no"}[a.header.Get("Retry-After") != ""])
	case "reasoning":
		return is(map[bool]string{true: "some", false: "none"}[a.reasoning != ""])
	case "continued":
		return is(a.continued())
	case "header":
		name, value, _ := strings.Cut(w.value, " ")
		return differ(a.header.Get(name), value)
	case "tells":
		if !strings.Contains(a.message, w.value) {
			return "got " + strconv.Quote(a.message)
		}
	case "text":
		return p.holdText(a, w.value)
	case "usage":
		return a.holdUsage(w.value)
	case "tool":
		return a.holdTool(w.value)
	case "honest":
		return p.honest(a)
	}
	return ""
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func differ(got, want string) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("got %q", got)
}

// expected is the whole text that the play's model says. One that varies says which text it is by how it begins.
func (p *play) expected(a *answer) (text string) {
	n, size, seed, varies := 24, 0, uint64(0), false
	for _, f := range fields(p.says) {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "tokens":
			n, _ = strconv.Atoi(value) // parse has read it
		case "size":
			size, _ = strconv.Atoi(value)
		case "seed":
			seed, _ = strconv.ParseUint(value, 10, 64)
		case "vary":
			varies = true
		}
	}
	text = fakellm.Text(seed, n, size)
	if varies {
		text, _ = fakellm.Take(a.text, n, size)
	}
	return text
}

// holdText compares to the letter: `whole`, `none`, `begins N` (the first N tokens, and nothing more) or
// `begins` (any part from the start, but not all).
func (p *play) holdText(a *answer, wanted string) string {
	whole := p.expected(a)
	want := whole
	word, number, _ := strings.Cut(wanted, " ")
	switch word {
	case "none":
		want = ""
	case "whole":
		if whole == "" {
			return fmt.Sprintf("got %q, the text of no model", a.text)
		}
	case "begins":
		if number == "" {
			if a.text == "" || a.text == whole || !strings.HasPrefix(whole, a.text) {
				return fmt.Sprintf("got %q", a.text)
			}
			return ""
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			return err.Error()
		}
		want = first(whole, n)
	default:
		return "no text is called so"
	}
	if a.text == want {
		return ""
	}
	at := 0
	for at < min(len(a.text), len(want)) && a.text[at] == want[at] {
		at++
	}
	return fmt.Sprintf("%d bytes instead of %d, which differ from byte %d on: %q instead of %q", len(a.text), len(want), at, cut(a.text, at), cut(want, at))
}

// cut shows a part around a place.
func cut(s string, at int) string { return s[max(0, at-20):min(len(s), at+40)] }

// first gives the first n tokens of a text whose tokens begin with a space, but for its first one.
func first(text string, n int) string {
	for i := range text {
		if text[i] == ' ' {
			if n--; n == 0 {
				return text[:i]
			}
		}
	}
	return text
}

// holdUsage compares `IN OUT`, each a number or a range A..B.
func (a *answer) holdUsage(wanted string) string {
	f := strings.Fields(wanted)
	if len(f) != 2 {
		return "two numbers are needed"
	}
	got := fmt.Sprintf("got %d and %d, told is %v", a.in, a.out, a.hasUsage)
	for i, n := range []int64{a.in, a.out} {
		least, most, ok := strings.Cut(f[i], "..")
		if !ok {
			most = least
		}
		low, err := strconv.ParseInt(least, 10, 64)
		high, err2 := strconv.ParseInt(most, 10, 64)
		if err != nil || err2 != nil {
			return "no number"
		}
		if n < low || n > high {
			return got
		}
	}
	return ""
}

// holdTool holds that there is one whole call, none, or the beginning of one.
func (a *answer) holdTool(wanted string) string {
	switch {
	case wanted == "none" && len(a.calls) == 0:
		return ""
	case wanted == "whole" && len(a.calls) == 1 && a.calls[0].name == "weather" && json.Valid([]byte(a.calls[0].input)):
		return ""
	case wanted == "part" && len(a.calls) == 1 && !json.Valid([]byte(a.calls[0].input)):
		return ""
	}
	return fmt.Sprintf("got %q", a.calls)
}

// honest holds that the answer is whole, or says that it is not and holds nothing that is not of it.
func (p *play) honest(a *answer) string {
	whole := p.expected(a)
	switch {
	case a.end == "proper" && a.status == 200 && a.text == whole && a.finish == "stop":
		return ""
	case a.end == "error" && a.text == "":
		return ""
	case a.end == "error" && strings.HasPrefix(whole, a.text):
		return ""
	}
	return fmt.Sprintf("it ends %s, status %d, reason %q, with %d of %d bytes: %q", a.end, a.status, a.finish, len(a.text), len(whole), a.text)
}
