package fakellm

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// rules are what the control interface has set, and the counts that `times` needs.
type rules struct {
	mu       sync.Mutex
	specs    map[string]string    // by model, its NAME, or "*"
	set      map[string]*sequence // likewise
	attempts map[string]int       // by model; "" is the sum
	broken   map[string]int       // by model, or model and exchange: attempts under a rule with times
}

// sequence is how a model behaves at one request after another; from the last one on it stays so.
type sequence struct {
	steps []*Behaviour
	next  int
}

// take gives the behaviour of the next request, and whether it is that of every request.
func (q *sequence) take() (b *Behaviour, steady bool) {
	b = q.steps[min(q.next, len(q.steps)-1)]
	q.next++
	return b, len(q.steps) == 1
}

// parseSequence reads specs that are separated by semicolons.
func parseSequence(spec string) (*sequence, error) {
	q := &sequence{}
	for part := range strings.SplitSeq(spec, ";") {
		b, err := ParseSpec(part)
		if err != nil {
			return nil, err
		}
		q.steps = append(q.steps, b)
	}
	return q, nil
}

// mostCounts bounds the maps that grow by what clients send.
const mostCounts = 1 << 16

// Set makes a model behave by a spec, whatever its name says. model is a whole model name, the NAME
// before its ':', or "*" for every model; the first of these that is set counts. A spec of "" is healthy.
// Several specs, separated by semicolons, are those of the first request, the second one and so on; the
// last of them stays.
func (s *Server) Set(model, spec string) error {
	q, err := parseSequence(spec)
	if err != nil {
		return err
	}
	s.rules.mu.Lock()
	if s.rules.specs == nil {
		s.rules.specs, s.rules.set = map[string]string{}, map[string]*sequence{}
	}
	s.rules.specs[model], s.rules.set[model] = spec, q
	s.rules.broken = nil
	s.rules.mu.Unlock()
	s.memo.forget()
	return nil
}

// Unset takes back what Set did for a model.
func (s *Server) Unset(model string) {
	s.rules.mu.Lock()
	delete(s.rules.specs, model)
	delete(s.rules.set, model)
	s.rules.broken = nil
	s.rules.mu.Unlock()
	s.memo.forget()
}

// Reset takes back every Set, every count and any outage; the log stays.
func (s *Server) Reset() {
	s.rules.mu.Lock()
	s.rules.specs, s.rules.set, s.rules.broken = nil, nil, nil
	s.rules.mu.Unlock()
	s.memo.forget()
	s.Up()
}

// Attempts counts the requests for a model by its whole name since the log was last emptied; ""
// counts those for all.
func (s *Server) Attempts(model string) int {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	return s.rules.attempts[model]
}

// behaviours gives what is set, for the control interface.
func (r *rules) behaviours() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.specs == nil {
		return map[string]string{}
	}
	return maps.Clone(r.specs)
}

// names are the models that rules are set for.
func (r *rules) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r.specs)), func(name string) bool {
		return name == "*" || slices.Contains(listed, name)
	})
}

// behaviour finds how a model behaves at this request, by a rule, else by its name, and whether it does
// so at every one.
func (r *rules) behaviour(model string) (b *Behaviour, steady bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, _, _ := strings.Cut(model, ":")
	for _, key := range []string{model, name, "*"} {
		if q := r.set[key]; q != nil {
			b, steady = q.take()
			return b, steady, nil
		}
	}
	b, err = ParseBehaviour(model)
	return b, true, err
}

// tally is which attempt a request is: of its model, and of those that `times` counts.
type tally struct{ try, broken int }

func (r *rules) count(pl *plan, req *http.Request) tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attempts == nil || len(r.attempts) > mostCounts {
		r.attempts = map[string]int{}
	}
	r.attempts[""]++
	t := tally{try: 1}
	if pl.model != "" {
		r.attempts[pl.model]++
		t.try = r.attempts[pl.model]
	}
	if pl.behaviour.times == 0 {
		return t
	}
	if r.broken == nil || len(r.broken) > mostCounts {
		r.broken = map[string]int{}
	}
	key := pl.model
	if pl.behaviour.each {
		exchange := traceID(req.Header)
		if exchange == "" {
			exchange = pl.sum
		}
		key += "\x00" + exchange
	}
	r.broken[key]++
	t.broken = r.broken[key]
	return t
}

func (r *rules) forgetCounts() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = nil
}
