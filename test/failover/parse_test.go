package failover_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead/internal/fakellm"
)

// line is one line of a play: `WORD[CONDITION ...] WORD ...: VALUE`.
type line struct {
	number     int
	conditions []string
	words      []string
	value      string
}

var lineForm = regexp.MustCompile(`^([^\s\[\]:]+)(?:\[([a-z ]+)\])?((?: \S*[^\s:])*?)(?::(?: +(.*))?)?$`)

// lines cuts a text into its lines, without those that are empty or comments.
func lines(text string) ([]line, error) {
	var list []line
	number := 0
	for s := range strings.Lines(text) {
		number++
		s = strings.TrimSpace(s)
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		m := lineForm.FindStringSubmatch(s)
		if m == nil {
			return nil, fmt.Errorf("line %d: not of the form WORD ...: VALUE: %s", number, s)
		}
		l := line{number, strings.Fields(m[2]), append([]string{m[1]}, strings.Fields(m[3])...), m[4]}
		if err := checkConditions(l.conditions); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		list = append(list, l)
	}
	return list, nil
}

// parse reads a play as it is given in one mode. Its errors name the line.
func parse(name, text string, m mode) (*play, error) {
	list, err := lines(text)
	if err != nil {
		return nil, err
	}
	p := &play{
		name: name, mode: m, within: 10 * time.Second, says: "seed=7,tokens=24",
		does: map[string][]string{}, settings: map[string]string{}, most: map[string]int{}, keys: map[int]string{}, waits: map[int]span{},
		pages: map[string]bounds{}, probes: map[string]bounds{}, failures: map[string]bounds{}, returns: map[string]bounds{},
	}
	for _, l := range list {
		if !m.is(l.conditions) {
			continue
		}
		if err := p.line(l); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.number, err)
		}
	}
	return p, p.whole()
}

// line takes one line in.
func (p *play) line(l line) (err error) {
	word, rest := l.words[0], l.words[1:]
	if provider, _, ok := strings.Cut(word, "/"); ok {
		return p.behaviour(provider, word, rest, l.value)
	}
	count, known := map[string]int{
		"pending": 0, "only": 0, "within": 0, "says": 0, "settings": 0, "provider": 1, "takes": 1, "endpoint": 1, "model": 1, "at": 1, "ask": 1, "want": -1,
	}[word]
	switch {
	case !known:
		return fmt.Errorf("nothing is called %q", word)
	case count >= 0 && len(rest) != count:
		return fmt.Errorf("%s takes %d words, not %d", word, count, len(rest))
	}
	switch word {
	case "pending":
		p.pending = l.value
	case "only":
		p.only = strings.Fields(l.value)
		err = checkConditions(p.only)
	case "within":
		p.within, err = time.ParseDuration(l.value)
	case "says":
		p.says = l.value
		_, err = fakellm.ParseSpec(l.value)
	case "settings":
		p.settings[""] = l.value
	case "provider":
		p.providers = append(p.providers, rest[0])
		p.settings["provider "+rest[0]] = l.value
	case "takes":
		p.settings["takes "+rest[0]] = l.value
	case "endpoint":
		err = p.endpoint(rest[0], l.value)
	case "model":
		p.settings["model "+rest[0]] = l.value
	case "at":
		err = p.event(rest[0], l.value)
	case "ask":
		err = p.ask(rest[0], l.value)
	case "want":
		err = p.want(rest, l.value)
	}
	return err
}

// endpoint takes `MODEL@PROVIDER[~NAME]`; those of a model stand in the order in which they are asked.
func (p *play) endpoint(id, config string) error {
	model, provider, ok := strings.Cut(id, "@")
	provider, name, _ := strings.Cut(provider, "~")
	if !ok || !slices.Contains(p.providers, provider) {
		return fmt.Errorf("%q is not MODEL@PROVIDER with a provider of this play", id)
	}
	e := endpoint{model: model, provider: provider, name: name, config: config}
	if slices.ContainsFunc(p.endpoints, func(o endpoint) bool { return o.id() == e.id() }) {
		return fmt.Errorf("endpoint %s stands twice", id)
	}
	p.endpoints = append(p.endpoints, e)
	return nil
}

var ordinal = regexp.MustCompile(`^([1-9])(?:st|nd|rd|th)$`)

// behaviour takes what a model at a provider does: at its first attempt, its second one, ..., then; or so many
// times.
func (p *play) behaviour(provider, who string, when []string, spec string) error {
	if len(when) == 2 && when[1] == "times" && !p.closed(who) {
		n, err := strconv.Atoi(when[0])
		if err != nil || n < 1 || n > 1000 {
			return fmt.Errorf("%s: %q is no number of times", who, when[0])
		}
		_, err = fakellm.ParseSpec(spec)
		p.does[who] = append(p.does[who], slices.Repeat([]string{spec}, n)...)
		return err
	}
	if len(when) != 1 || !slices.Contains(p.providers, provider) {
		return fmt.Errorf("%s: not PROVIDER/MODEL and one of 1st, 2nd, ..., then, always", who)
	}
	if _, err := fakellm.ParseSpec(spec); err != nil {
		return err
	}
	at := len(p.does[who]) + 1
	m := ordinal.FindStringSubmatch(when[0])
	switch {
	case p.closed(who):
		return fmt.Errorf("%s has its last behaviour already", who)
	case when[0] == "always" && at == 1, when[0] == "then" && at > 1:
		p.last = append(p.last, who)
	case m == nil || m[1] != strconv.Itoa(at):
		return fmt.Errorf("%s: %q where attempt %d is due", who, when[0], at)
	}
	p.does[who] = append(p.does[who], spec)
	return nil
}

func (p *play) closed(who string) bool { return slices.Contains(p.last, who) }

// event takes what happens at a time after the first ask began: `PROVIDER down DURATION MODE`,
// `PROVIDER up`, or `PROVIDER/MODEL SPEC`.
func (p *play) event(at, what string) error {
	d, err := time.ParseDuration(at)
	if err != nil {
		return err
	}
	e := event{at: d}
	f := strings.Fields(what)
	provider, _, _ := strings.Cut(strings.Join(f[:min(1, len(f))], ""), "/")
	switch {
	case !slices.Contains(p.providers, provider):
		return fmt.Errorf("%q does not begin with a provider of this play", what)
	case strings.Contains(f[0], "/") && len(f) <= 2:
		e.who, e.spec = f[0], strings.Join(f[1:], "")
		_, err = fakellm.ParseSpec(e.spec)
	case len(f) == 4 && f[1] == "down" && slices.Contains([]string{"refuse", "reset", "503"}, f[3]):
		e.who, e.mode = f[0], f[3]
		e.down, err = time.ParseDuration(f[2])
	case len(f) == 2 && f[1] == "up":
		e.who, e.mode = f[0], "up"
	default:
		return fmt.Errorf("%q is no event", what)
	}
	p.events = append(p.events, e)
	return err
}

// whole holds that a play can be given and proves something.
func (p *play) whole() error {
	for who := range p.does {
		if !p.closed(who) {
			return fmt.Errorf("%s: what it does at last is not said: then or always", who)
		}
	}
	switch {
	case len(p.endpoints) == 0:
		return fmt.Errorf("there is no endpoint")
	case len(p.asks) == 0:
		return fmt.Errorf("nobody asks")
	case len(p.wants) == 0 || len(p.attempts)+len(p.most) == 0:
		return fmt.Errorf("nothing is wanted of the caller or of the providers")
	}
	return nil
}
