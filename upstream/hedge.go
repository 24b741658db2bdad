package upstream

import (
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

// Why an attempt is made beside another one, for records.
const (
	choseHedge  = "hedge"        // the other takes longer than 19 of 20
	choseBeside = "beside_trial" // the other is the trial of an endpoint that failed
)

const (
	hedgePrompt = 4000 // tokens: a longer prompt is too dear to be read twice
	hedgeOutput = 512  // tokens that the loser of two whole answers may have written until it is cut
)

// expectCompany sets when another attempt may be sent beside this one: none where it could not be.
func (a *attempt) expectCompany() {
	w := a.walk
	if !a.ticket.Trial() && !w.Hedge {
		return
	}
	if w.legs != nil || !w.Ask.Facts.Stateless || w.tried >= w.Most || len(w.Plan.Steps) == 1 {
		return
	}
	wait, ok := a.hedgeWait()
	if a.ticket.Trial() {
		wait, ok = max(health.TrialPatience, a.usual()), true
	}
	if !ok {
		return
	}
	a.beside = a.start.Add(wait)
	a.alone()
}

// hedgeWait is how long to wait before this attempt is hedged; ok is false where it is not.
func (a *attempt) hedgeWait() (wait time.Duration, ok bool) {
	if !a.walk.mayHedge() {
		return 0, false
	}
	if a.walk.Ask.Facts.Stream {
		return a.lane.Deadlines().Hedge(a.size(), a.start)
	}
	return a.lane.Deadlines().HedgeTotal(a.size(), a.start)
}

// usual is how long such an attempt takes at this endpoint, as far as that is learned. A trial that is
// silent for no longer is as well as it ever was; were it not waited for, a slow endpoint would never be back.
func (a *attempt) usual() (typical time.Duration) {
	if a.walk.Ask.Facts.Stream {
		typical, _ = a.lane.Deadlines().Expected(a.size(), a.start)
	} else {
		typical, _ = a.lane.Deadlines().ExpectedTotal(a.size(), a.start)
	}
	return typical
}

// mayHedge reports what costs little to know: whether the exchange is one of those that may be sent to two
// endpoints at once.
func (w *Walk) mayHedge() bool {
	facts := &w.Ask.Facts
	return w.Hedge && !w.hedged && w.Ask.Op == fairlead.OpChat && facts.Stateless && w.Prompt <= hedgePrompt && facts.MediaParts == 0
}

// company begins a second attempt beside a, ready to run; nil where none may be sent.
func (w *Walk) company(a *attempt) *attempt {
	trial := a.ticket.Trial()
	if !trial && (!w.mayHedge() || w.Ask.Caller.Acts(w.Ask.Top)) {
		return nil
	}
	for {
		now := time.Now()
		c, ok := w.chooseBeside(a, trial, now)
		if !ok {
			return nil
		}
		ticket, ok := c.lane.Acquire(now, false)
		if !ok { // it has just been shut
			return nil
		}
		if trial {
			c.lane.Budget().Deposit(1, now)
		} else if !w.payHedge(c, now) {
			c.lane.Release(ticket, health.Evidence{}, now)
			return nil
		}
		w.tried++
		second, mem := w.slotBeside(a)
		w.pair.put(second)
		second.begin(w, c, ticket, now, mem)
		second.alone()
		fail := second.build()
		if fail == nil {
			w.hedged = w.hedged || !trial
			return second
		}
		w.pair.drop(second)
		w.failed(second, fail)
		if !trial {
			w.refundHedge(c, now)
		}
		if fail.final != nil {
			return nil
		}
	}
}

// slotBeside is the slot that a is not in, and its memory.
func (w *Walk) slotBeside(a *attempt) (*attempt, *memory) {
	if a == &w.slot {
		return &w.pair.second, &w.pair.mem
	}
	return &w.slot, &w.mem
}

// chooseBeside finds the endpoint for an attempt beside a: one that was not tried and is well. A hedge stays
// with the model, for it only spares time, and goes where nothing is being recovered from.
func (w *Walk) chooseBeside(a *attempt, trial bool, now time.Time) (choice, bool) {
	if w.tried >= w.Most {
		return choice{}, false
	}
	why := choseHedge
	if trial {
		why = choseBeside
	}
	for i := range w.Plan.Steps {
		if !w.untried(i) || w.asks(i) || (!trial && w.Plan.Steps[i].Asked != a.step.Asked) {
			continue
		}
		way, lane, view := w.lane(i, now)
		if way == nil || view.State != health.Closed || (!trial && view.Share < 100) {
			continue
		}
		return choice{step: i, way: way, lane: lane, at: now, why: why}, true
	}
	return choice{}, false
}

// payHedge pays for a hedge: out of the budget of all hedges, and the retry budget of the endpoint that
// receives it.
func (w *Walk) payHedge(c choice, now time.Time) bool {
	if !c.lane.Budget().Take(1, now) {
		return false
	}
	if w.up.hedges.Take(w.hedgeCost(c), now) {
		return true
	}
	c.lane.Budget().Refund(1, now)
	return false
}

// refundHedge takes back what was paid for a hedge that could not be sent.
func (w *Walk) refundHedge(c choice, now time.Time) {
	c.lane.Budget().Refund(1, now)
	w.up.hedges.Refund(w.hedgeCost(c), now)
}

// hedgeCost is what a hedge is expected to waste: the prompt, read once more, and of a whole answer what its
// loser has written by then; nil where the price is unknown.
func (w *Walk) hedgeCost(c choice) *fairlead.USD {
	price := w.Plan.Steps[c.step].Endpoint.Price
	if price == nil {
		return nil
	}
	usage := fairlead.Usage{Input: int64(w.Prompt), Images: int64(w.Ask.Facts.Images)}
	if facts := &w.Ask.Facts; !facts.Stream {
		usage.Output = hedgeOutput
		if facts.MaxOutput > 0 {
			usage.Output = min(usage.Output, facts.MaxOutput)
		}
	}
	cost, err := price.Cost(usage)
	if err != nil {
		return nil
	}
	return &cost
}

// Settled takes note that the exchange is over and what it cost (nil = its price is unknown): hedges are a
// share of what exchanges that may be hedged are and cost.
func (w *Walk) Settled(cost *fairlead.USD) {
	if w.Hedge {
		w.up.hedges.Deposit(cost, time.Now())
	}
}
