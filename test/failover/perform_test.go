package failover_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"fairlead/internal/fakellm"
)

// settleTime bounds the wait for what follows an answer: its log line, and the providers' end of it.
const settleTime = 2 * time.Second

// perform gives a play in its mode and tells what was not as wanted.
func perform(t *testing.T, p *play) (problems []string) {
	keys := map[string][]string{}
	for _, name := range p.providers {
		if v := p.settings["takes "+name]; v != "" {
			keys[name] = []string{credentials[v]}
		}
	}
	s := newStage(t, keys, fakellm.Options{KeepBodies: true}, p.providers...)
	s.start(p.config(s.urls))
	p.instruct(s)
	ctx, cancel := context.WithTimeout(t.Context(), p.within)
	defer cancel()
	happened := p.happen(ctx, s)
	var answers []*answer
	for _, a := range p.asks {
		answers = append(answers, p.callAll(ctx, s, a)...)
	}
	returned := p.back == ""
	if p.back != "" {
		var more []*answer
		more, returned = p.untilBack(ctx, s)
		answers = append(answers, more...)
	}
	if ctx.Err() != nil {
		problems = append(problems, fmt.Sprintf("not over after %s", p.within))
	}
	cancel()
	if err := <-happened; err != nil {
		problems = append(problems, err.Error())
	}
	if !returned {
		problems = append(problems, fmt.Sprintf("%s did not answer again within %s", p.back, p.backBy))
	}
	s.settle(len(answers))
	for i, a := range answers {
		for _, problem := range p.judge(a) {
			problems = append(problems, fmt.Sprintf("answer %d: %s", i+1, problem))
		}
	}
	return append(problems, p.judgeProviders(s)...)
}

// happen makes the play's events happen in their time and gives the first error when all are over or ctx ends.
func (p *play) happen(ctx context.Context, s *stage) <-chan error {
	done := make(chan error, 1)
	events := slices.Clone(p.events)
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	start := time.Now()
	next := 0
	for ; next < len(events) && events[next].at == 0; next++ {
		if err := p.act(s, events[next]); err != nil {
			done <- err
			return done
		}
	}
	go func() {
		for _, e := range events[next:] {
			select {
			case <-ctx.Done():
				done <- nil
				return
			case <-time.After(time.Until(start.Add(e.at))):
			}
			if err := p.act(s, e); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	return done
}

// callAll makes the exchanges of one ask, one after the other.
func (p *play) callAll(ctx context.Context, s *stage, a ask) (list []*answer) {
	start := time.Now()
	for i := range a.times {
		select {
		case <-ctx.Done():
			return list
		case <-time.After(time.Until(start.Add(time.Duration(i) * a.each))):
		}
		list = append(list, s.call(ctx, a, p.mode))
	}
	return list
}

// untilBack asks on until the endpoint that is wanted back answers.
func (p *play) untilBack(ctx context.Context, s *stage) (list []*answer, back bool) {
	ctx, cancel := context.WithTimeout(ctx, p.backBy)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return list, false
		case <-tick.C:
		}
		a := s.call(ctx, p.asks[len(p.asks)-1], p.mode)
		if ctx.Err() != nil {
			return list, false
		}
		list = append(list, a)
		if a.header.Get("X-Fairlead-Endpoint") == "play/"+p.back {
			return list, true
		}
	}
}

// settle waits until every exchange is in the log and no provider is still at one of them.
func (s *stage) settle(exchanges int) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := s.records()
		open := slices.ContainsFunc(s.attempts(), func(a attempt) bool { return a.Outcome == "open" })
		if err == nil && len(list) >= exchanges && !open {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
