package fakellm

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// plan is what a request will be answered with, worked out from its bytes alone.
type plan struct {
	op        *operation
	model     string
	stream    bool
	ask       *ask
	behaviour *Behaviour
	good, bad *script // good is nil for a model that varies: composed at every attempt
	refused   string  // why the request is invalid; "" = it is not
	sum       string  // SHA-256 of the body
	once      bool    // of this request alone: the next equal one may be answered otherwise
}

// memo keeps the plans of requests that came before: an answer depends on nothing but the path, the
// body and the rules, so a bench that sends one body for ever pays for reading it once.
type memo struct {
	mu    sync.RWMutex
	plans [8]map[string]*plan // by operation, then body
	era   int                 // raised when the rules change
	size  int                 // bytes of bodies and scripts
}

const (
	largestBody   = 16 << 10
	largestScript = 1 << 20
	largestMemo   = 64 << 20
	longestModel  = 1024    // bytes; names are kept in counts and in the log
	mostTokens    = 400_000 // of all choices of one answer
)

// plan finds or makes the plan of a body.
func (s *Server) plan(op *operation, body []byte) *plan {
	s.memo.mu.RLock()
	pl, era := s.memo.plans[op.index][string(body)], s.memo.era
	s.memo.mu.RUnlock()
	if pl != nil {
		return pl
	}
	pl = s.newPlan(op, body)
	if !pl.once && len(body) <= largestBody && pl.size() <= largestScript {
		s.memo.put(op.index, string(body), pl, era)
	}
	return pl
}

func (m *memo) put(op int, body string, pl *plan, era int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if era != m.era {
		return // made under rules that no longer hold
	}
	// A plan holds its ask, which is about as large as the body, and some fixed parts.
	if m.size += 2*len(body) + pl.size() + 2048; m.size > largestMemo {
		m.plans, m.size = [8]map[string]*plan{}, 0
	}
	if m.plans[op] == nil {
		m.plans[op] = map[string]*plan{}
	}
	m.plans[op][body] = pl
}

// size is that of the scripts.
func (pl *plan) size() int {
	n := 0
	for _, sc := range []*script{pl.good, pl.bad} {
		if sc != nil {
			n += sc.size() + len(sc.repeat) + 64*len(sc.steps)
		}
	}
	return n
}

// forget drops every plan, after the rules changed.
func (m *memo) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.era++
	m.plans, m.size = [8]map[string]*plan{}, 0
}

// newPlan reads, checks and composes.
func (s *Server) newPlan(op *operation, body []byte) *plan {
	sum := sha256.Sum256(body)
	pl := &plan{op: op, sum: hex.EncodeToString(sum[:])}
	refuse := func(p *problem) *plan {
		pl.behaviour = newBehaviour()
		pl.good, pl.refused = problemScript(op.shape, p), p.message
		return pl
	}
	o, p := parse(op.shape, body)
	if p != nil {
		return refuse(p)
	}
	if pl.model, _ = o["model"].(string); len(pl.model) > longestModel {
		pl.model = ""
		return refuse(invalid("model", "The name of the model is too long."))
	}
	a, p := op.read(o)
	if p != nil {
		return refuse(p)
	}
	pl.model, pl.stream, pl.ask = a.model, a.stream, a
	b, steady, err := s.rules.behaviour(a.model)
	pl.once = !steady
	if err != nil {
		p := invalid("model", "fake model: "+err.Error())
		p.code = "invalid_fake_model"
		return refuse(p)
	}
	if a.n*b.tokens > mostTokens {
		return refuse(invalid("n", "n x tokens is more than the fake provider gives."))
	}
	if b.noPrefill && a.prefill {
		return refuse(noPrefill)
	}
	pl.behaviour = b
	if b.steady() {
		pl.good = s.compose(pl, 0, false)
	}
	if b.broken() && b.steady() {
		pl.bad = s.compose(pl, 0, true)
	}
	return pl
}

// choose gives the script of an attempt: the broken one while the behaviour's times last.
func (s *Server) choose(pl *plan, t tally) *script {
	b := pl.behaviour
	broken := pl.refused == "" && b.broken() && (b.times == 0 || t.broken <= b.times)
	switch {
	case broken && b.steady():
		return pl.bad
	case pl.good != nil && !broken:
		return pl.good
	default:
		return s.compose(pl, s.nextTake(), broken)
	}
}

// nextTake gives every attempt at a model that varies a text of its own, unlike those of any other
// server.
func (s *Server) nextTake() uint32 { return uint32(mix(s.nonce + s.takes.Add(1))) }

// compose makes the script of a plan, healthy or broken.
func (s *Server) compose(pl *plan, take uint32, broken bool) *script {
	op, a, b := pl.op, pl.ask, pl.behaviour
	if broken && b.fail == "slow_headers" {
		sc := *s.compose(pl, take, false)
		sc.act, sc.outcome = actSlowHeaders, b.outcome()
		return &sc
	}
	if broken {
		if sc := failing(op, a, b); sc != nil {
			return sc
		}
	}
	if op.voice == nil {
		return plainScript(string(op.reply(a)), 0, b, failureJSON(op.shape), broken)
	}
	if broken && b.fail == "empty" {
		a, b = mute(a, b)
	}
	r := answerTo(a, b, s.opts.Seed^hash(a.model), take)
	r.created = s.created
	var sc *script
	if a.stream {
		sc = streamScript(op.voice.flow(r), b, broken)
	} else {
		sc = plainScript(string(op.voice.plain(r)), r.chunks(), b, failureJSON(op.shape), broken)
	}
	if broken {
		sc.outcome = b.outcome()
	}
	return sc
}

// failureJSON is the error that takes the place of an answer that is not streamed.
func failureJSON(sh shape) string { return classes["server_error"].problem(sh).body(sh, "") }

// mute gives an ask and a behaviour that lead to an answer without content.
func mute(a *ask, b *Behaviour) (*ask, *Behaviour) {
	still, asked := *b, *a
	still.tokens, still.tokensSet, still.tools, still.think, still.echo, still.vary = 0, true, 0, 0, false, false
	asked.tools, asked.schema, asked.turns, asked.thinking = nil, nil, nil, false
	return &asked, &still
}
