package steer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"fairlead"
)

// Bounds of a guard.
const (
	maxGuard = 500 // bytes
	maxRatio = 100
	maxTime  = time.Hour
)

// Guard is what must hold while a ramp or a trial goes on: conditions, all of them. Its zero value asks for nothing.
//
//	guard     = condition { "and" condition }
//	condition = metric "<" value
//	metric    = "error_rate" | "refusal_rate" | "ttft_p50" | "ttft_p95" | "ttft_p99" | "tpot_p50" | "tpot_p95"
//	value     = "2%"       of the exchanges, for rates: more than 0 and less than 100
//	          | "800ms"    for times: more than 0, at most an hour
//	          | "1.5x"     of what the peers show, for both: more than 0, at most 100
//
// Spaces may stand between all of these.
type Guard struct{ conditions []condition }

type condition struct {
	metric *metric
	unit   unit
	value  float64 // percent, or the factor
	time   time.Duration
}

type unit uint8

const (
	percent unit = iota
	span
	ratio
)

// Empty reports whether the guard asks for nothing.
func (g Guard) Empty() bool { return len(g.conditions) == 0 }

// String gives the guard in its one form: Parse reads it, and gives an equal one.
func (g Guard) String() string {
	list := make([]string, len(g.conditions))
	for i := range g.conditions {
		list[i] = g.conditions[i].String()
	}
	return strings.Join(list, " and ")
}

func (c *condition) String() string { return c.metric.name + "<" + c.bound() }

// bound is the condition's value as guards write it.
func (c *condition) bound() string {
	switch c.unit {
	case percent:
		return number(c.value) + "%"
	case span:
		return c.time.String()
	}
	return number(c.value) + "x"
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Parse reads a guard; nothing but spaces is the empty one. Errors have the code invalid_request, point at the place,
// and say what could stand there.
func Parse(text string) (Guard, error) {
	p := parser{text: text}
	if len(text) > maxGuard {
		return Guard{}, p.fault(maxGuard, fmt.Sprintf("a guard has at most %d characters", maxGuard))
	}
	if p.space(); p.at == len(text) {
		return Guard{}, nil
	}
	var g Guard
	for {
		from := p.at
		c, err := p.condition()
		if err != nil {
			return Guard{}, err
		}
		for i := range g.conditions {
			if o := &g.conditions[i]; o.metric == c.metric && o.unit == c.unit {
				return Guard{}, p.fault(from, c.metric.name+" is bounded before by "+o.bound())
			}
		}
		g.conditions = append(g.conditions, c)
		if p.space(); p.at == len(text) {
			return g, nil
		}
		if from = p.at; p.word() != "and" {
			return Guard{}, p.fault(from, "conditions are joined by `and`")
		}
		p.space()
	}
}

// parser reads a guard from its begin to its end.
type parser struct {
	text string
	at   int
}

func (p *parser) condition() (c condition, err error) {
	from := p.at
	if c.metric = metricNamed(p.word()); c.metric == nil {
		return c, p.fault(from, "a metric is one of "+strings.Join(metricNames(), ", "))
	}
	p.space()
	if p.at == len(p.text) || p.text[p.at] != '<' {
		return c, p.fault(p.at, "the one comparison is <")
	}
	p.at++
	p.space()
	from = p.at
	value := p.word()
	if !c.set(value) {
		return c, p.fault(from, c.metric.wants())
	}
	return c, nil
}

// set takes the value, if it is one for the metric.
func (c *condition) set(value string) bool {
	if v, ok := strings.CutSuffix(value, "x"); ok {
		c.unit = ratio
		return c.read(v, maxRatio)
	}
	if c.metric.rate != nil {
		v, ok := strings.CutSuffix(value, "%")
		c.unit = percent
		return ok && c.read(v, 100) && c.value < 100
	}
	d, err := time.ParseDuration(value)
	c.unit, c.time = span, d
	return err == nil && d > 0 && d <= maxTime
}

// read takes a plain decimal above 0: no sign and no exponent, which people misread.
func (c *condition) read(text string, most float64) bool {
	if strings.Trim(text, "0123456789.") != "" || len(text) > 12 {
		return false
	}
	v, err := strconv.ParseFloat(text, 64)
	c.value = v
	return err == nil && v > 0 && v <= most
}

// wants says which values a metric can be bounded by.
func (m *metric) wants() string {
	if m.rate != nil {
		return m.name + " is bounded by a percentage such as 2%, or by a ratio to the peers such as 1.5x"
	}
	return m.name + " is bounded by a time such as 800ms, or by a ratio to the peers such as 1.5x"
}

// word reads up to a space or a comparison.
func (p *parser) word() string {
	from := p.at
	for p.at < len(p.text) && !strings.ContainsRune(" \t\r\n<>=", rune(p.text[p.at])) {
		p.at++
	}
	return p.text[from:p.at]
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.ContainsRune(" \t\r\n", rune(p.text[p.at])) {
		p.at++
	}
}

// fault points at a place: what stands there, and what could.
func (p *parser) fault(at int, wants string) error {
	found := p.text[min(at, len(p.text)):]
	if len(found) > 20 {
		found = found[:20] + "…"
	}
	where := fmt.Sprintf("at character %d, %q", at+1, found)
	if found == "" {
		where = "at its end"
	}
	return &fairlead.Error{Code: fairlead.CodeInvalidRequest, Message: "guard: " + where + ": " + wants, Param: "guard"}
}
