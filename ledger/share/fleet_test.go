package share_test

import (
	"container/heap"
	"maps"
	"math/rand/v2"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/ledger/share"
)

// fleet is edges and a control node in simulated time, with a network between them that loses, repeats and delays. True time is in
// microseconds; a node's clock is that times its speed in thousandths, in nanoseconds, and so exact.
type fleet struct {
	rng    *rand.Rand
	limit  fairlead.Limit
	clocks fairlead.ClockError
	linger time.Duration
	net    network
	now    int64
	queue  events
	order  int

	edges    []*node
	lender   *share.Lender // nil while control is down
	clock    int64         // of control: its speed
	stored   map[string]fairlead.Share
	admitted []admission
	inUse    int64
	most     int64          // of inUse, ever
	shares   fairlead.Share // of all edges together, the most ever
}

// network is how bad the network is, in chances of a thousand.
type network struct{ lost, twice, late int }

type node struct {
	name        string
	speed       int64 // in thousandths
	incarnation int64
	up          bool
	limiter     *admit.Limiter
	borrower    *admit.Borrower
	perMinute   func(at int64) float64 // demand
	size        func() int64
	rest        int64 // of an exchange, in microseconds, at most, for concurrency
	admitted    int64
	inUse       int64
}

// admission is something that was let in, or, below zero, given back.
type admission struct{ at, n int64 }

type event struct {
	at    int64
	order int
	do    func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || (q[i].at == q[j].at && q[i].order < q[j].order)
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

const second, minute = int64(1_000_000), int64(60_000_000)

func newFleet(seed uint64, l fairlead.Limit, clocks fairlead.ClockError) *fleet {
	return &fleet{
		rng: rand.New(rand.NewPCG(seed, 1)), limit: l, clocks: clocks, clock: 1000, stored: map[string]fairlead.Share{},
	}
}

func (f *fleet) after(wait int64, do func()) {
	f.order++
	heap.Push(&f.queue, event{f.now + max(wait, 0), f.order, do})
}

func (f *fleet) run(until int64) {
	for len(f.queue) > 0 && f.queue[0].at <= until {
		e := heap.Pop(&f.queue).(event)
		f.now = e.at
		e.do()
	}
	f.now = until
}

func (f *fleet) local(speed int64) time.Duration { return time.Duration(f.now * speed) }

// addEdge starts an edge with a demand in units a minute.
func (f *fleet) addEdge(name string, speed int64, perMinute func(at int64) float64) *node {
	n := &node{name: name, speed: speed, perMinute: perMinute, size: func() int64 { return 1 }, rest: second}
	f.edges = append(f.edges, n)
	f.startEdge(n)
	return n
}

func (f *fleet) startEdge(n *node) {
	n.incarnation++
	n.up = true
	all := admit.NewSharedLimiters(100, f.clocks, f.local(n.speed))
	n.limiter, _ = all.Get(f.local(n.speed), "key k", f.limit)
	n.borrower = admit.NewBorrower(n.limiter, n.name, n.incarnation, f.local(n.speed))
	f.asks(n, n.incarnation)
	f.arrives(n, n.incarnation)
}

func (f *fleet) asks(n *node, incarnation int64) {
	if !n.up || n.incarnation != incarnation {
		return
	}
	if f.local(n.speed) >= n.borrower.Next() {
		ask := n.borrower.Ask(f.local(n.speed))
		f.send(func() { f.answer(n, ask) })
	}
	f.after(20_000, func() { f.asks(n, incarnation) })
}

// addShares notes what the edges believe to have, all at the same time.
func (f *fleet) addShares() {
	var sum fairlead.Share
	for _, n := range f.edges {
		if n.up {
			sum = sum.Plus(n.limiter.State(f.local(n.speed)).Share)
		}
	}
	f.shares = f.shares.Max(sum)
	f.after(100_000, f.addShares)
}

func (f *fleet) answer(n *node, ask fairlead.ShareAsk) {
	if f.lender == nil {
		return
	}
	reply, moved, ok := f.lender.Answer(f.local(f.clock), ask)
	if moved {
		f.stored = maps.Clone(f.lender.Floors())
	}
	if ok {
		f.send(func() {
			if n.up {
				n.borrower.Take(f.local(n.speed), reply)
			}
		})
	}
}

// send delivers a message: once, twice or never, soon or seconds later.
func (f *fleet) send(do func()) {
	copies := 1
	if f.chance(f.net.lost) {
		copies = 0
	} else if f.chance(f.net.twice) {
		copies = 2
	}
	for range copies {
		delay := f.rng.Int64N(10_000)
		if f.chance(f.net.late) {
			delay = f.rng.Int64N(8 * second)
		}
		f.after(delay, do)
	}
}

func (f *fleet) chance(thousandth int) bool { return f.rng.IntN(1000) < thousandth }

func (f *fleet) arrives(n *node, incarnation int64) {
	if !n.up || n.incarnation != incarnation {
		return
	}
	rate := n.perMinute(f.now)
	if rate <= 0 {
		f.after(50_000, func() { f.arrives(n, incarnation) })
		return
	}
	f.enter(n)
	f.after(int64(f.rng.ExpFloat64()*float64(minute)/rate), func() { f.arrives(n, incarnation) })
}

func (f *fleet) enter(n *node) {
	size := n.size()
	claims := admit.NewClaims([]admit.Claim{{Limiter: n.limiter, N: size}})
	if _, ok := claims.Take(f.local(n.speed)); !ok {
		return
	}
	f.admitted = append(f.admitted, admission{f.now, size})
	n.admitted += size
	f.correct(n, size)
	if f.limit.Of != fairlead.LimitConcurrency {
		return
	}
	f.inUse += size
	n.inUse += size
	f.most = max(f.most, f.inUse)
	incarnation := n.incarnation
	f.after(f.rng.Int64N(n.rest+1), func() {
		if n.incarnation == incarnation {
			claims.Leave()
			f.inUse -= size
			n.inUse -= size
		}
	})
}

// correct gives back, at the end of every other exchange, some of the tokens that it was thought to need.
func (f *fleet) correct(n *node, size int64) {
	if f.limit.Of != fairlead.LimitTokens || f.chance(500) {
		return
	}
	m, less := n.limiter, f.rng.Int64N(size+1)
	f.after(f.rng.Int64N(20*second), func() {
		if n.limiter == m && n.up {
			m.Correct(f.local(n.speed), -less)
			f.admitted = append(f.admitted, admission{f.now, -less})
		}
	})
}

// stopEdge kills an edge, and what is under way there.
func (f *fleet) stopEdge(n *node) {
	if !n.up {
		return
	}
	n.up = false
	n.incarnation++ // its exchanges have ended
	f.inUse -= n.inUse
	n.inUse = 0
}

func (f *fleet) startControl(since int64) {
	f.lender = share.New(share.Limit{
		Whole: f.limit.Whole(), Period: f.limit.Per.Duration(), Linger: f.linger, Clocks: f.clocks,
	}, f.stored, time.Duration(since*f.clock), f.local(f.clock))
}

// over is by how many units at most any window of true time was above rate x window + burst: 0 or less for never. It is a
// leaky bucket over all admissions, which is the maximum over all windows that begin and end with one.
func (f *fleet) over() float64 {
	whole, period := f.limit.Whole(), f.limit.Per.Duration().Microseconds()
	var level, worst, last int64 // in units / period
	for _, a := range f.admitted {
		level = max(level-whole.Amount*(a.at-last), 0) + a.n*period
		last = a.at
		worst = max(worst, level-whole.Burst*period)
	}
	return float64(worst) / float64(period)
}

// used is what was let in from a time on, as a part of what the limit's rate allows.
func (f *fleet) used(from, until int64) float64 {
	var n int64
	for _, a := range f.admitted {
		if a.at >= from && a.at < until {
			n += a.n
		}
	}
	return float64(n) * float64(f.limit.Per.Duration().Microseconds()) / (float64(f.limit.Amount) * float64(until-from))
}

func steady(perMinute float64) func(int64) float64 {
	return func(int64) float64 { return perMinute }
}
