// Package share divides one limit among the edges of a fleet, such that together they never let in more than the limit. It is pure:
// asks and times in, answers out.
//
// A tenth of a limit is split into floors, which an edge has for ever, with control or without. The rest is lent for fairlead.ShareTerm
// to who has a use for it. At any time the parts that edges may believe to have (their floors, what they hold, what was offered to
// them since) and the lender's own pool are the whole limit at most. What nobody has fills the pool's bucket, and goes
// to the next borrower with its part; buckets of edges are never filled by a change of their part.
package share

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"fairlead"
)

// Limit is what a lender divides.
type Limit struct {
	Whole  fairlead.Share
	Period time.Duration       // 0 of concurrency
	Linger time.Duration       // of concurrency: the longest that an exchange may take
	Clocks fairlead.ClockError // of the lender's clock and of the edges'
}

const lenderTerm = fairlead.ShareTerm + fairlead.ShareTermLate

// Lender divides one limit. There is one of it for a limit at a time: who takes over has to know that the one before has stopped.
// It is not for concurrent use.
type Lender struct {
	limit  Limit
	floors fairlead.Share // all of them together
	opens  time.Duration  // it does not lend before
	edges  map[string]*edge
	pool   fairlead.Bucket
}

// edge is what the lender knows of one of them.
type edge struct {
	name             string
	incarnation, seq int64
	floor            fairlead.Share // that it may have
	held, offered    grant          // what it may believe to have been lent
	want, least, use int64
	heard            time.Duration
	spoke            bool // since the lender began

	took          bool          // something, since it holds a part
	since, served time.Duration // when it began to hold a part, when it last had its turn
	last          fairlead.ShareReply
}

// grant is an answer's part.
type grant struct {
	seq   int64
	share fairlead.Share
	until time.Duration
}

// New makes a lender that knows of the lender before it no more than the floors (Floors; all edges that ever asked are in them, those
// without a floor too). It lends when whatever was lent before must have ended: after a term. The exchanges that were
// let in by a share of concurrency may last: it then waits also until it has heard every known edge, or for Linger.
// now is the time of its monotonic clock; since is the time at which the limit's pool was empty, at the worst: now for a lender without
// memory, a period or more before it for a limit that is new.
func New(l Limit, floors map[string]fairlead.Share, since, now time.Duration) *Lender {
	r := &Lender{
		limit: l, floors: l.Whole.Floors(), opens: now + lenderTerm,
		edges: map[string]*edge{}, pool: fairlead.EmptyBucket(since),
	}
	r.limit.Period = l.Clocks.Stretch(l.Period)
	r.limit.Linger = l.Linger + (l.Linger+8)/9 // by a slow clock the longest exchange is longer
	for name, floor := range floors {
		r.edges[name] = &edge{name: name, floor: floor, served: -1, heard: now - lenderTerm}
	}
	r.settle(now)
	return r
}

// Floors is what each edge's floor may be at most, to be stored before an answer that changes it (moved) is sent.
func (r *Lender) Floors() map[string]fairlead.Share {
	m := make(map[string]fairlead.Share, len(r.edges))
	for name, e := range r.edges {
		m[name] = e.floor
	}
	return m
}

// Forget takes back the floor and the part of an edge that will not run any more.
func (r *Lender) Forget(name string, now time.Duration) {
	r.settle(now)
	delete(r.edges, name)
}

// Answer answers an ask. There is no answer (ok is false) to one that was overtaken by a later one, and to who holds what a lender
// before this one lent: it keeps that to the end of its term. An ask that comes twice gets the same answer twice.
func (r *Lender) Answer(now time.Duration, a fairlead.ShareAsk) (reply fairlead.ShareReply, moved, ok bool) {
	r.settle(now)
	e := r.edges[a.Edge]
	if e == nil {
		e = &edge{name: a.Edge, served: -1}
		r.edges[a.Edge] = e
		moved = true
	}
	switch {
	case a.Incarnation < e.incarnation, a.Incarnation == e.incarnation && a.Seq < e.seq:
		return reply, false, false
	case a.Incarnation == e.incarnation && a.Seq == e.seq:
		return e.last, false, e.last.Seq == a.Seq
	}
	floor := e.floor
	r.note(e, now, a)
	if r.waits(now) && a.Held != 0 {
		return reply, moved || e.floor != floor, false
	}
	reply = r.offer(e, now)
	return reply, moved || e.floor != floor, true
}

// offer gives an edge whose ask was noted its floor and its part.
func (r *Lender) offer(e *edge, now time.Duration) fairlead.ShareReply {
	before := e.floor.Burst + e.held.share.Burst
	next := r.floorOf(e)
	e.floor = e.floor.Max(next)
	var lent fairlead.Share
	if !r.waits(now) {
		lent = r.partOf(e, now, next)
	}
	e.offered = grant{e.seq, lent, now + lenderTerm + r.limit.Linger}
	if e.held.share.Amount == 0 && lent.Amount > 0 {
		e.since, e.took = now, false
	}
	var fill fairlead.Fill
	if r.limit.Period > 0 {
		fill = r.pool.Draw(next.Burst + lent.Burst - before)
	}
	e.last = fairlead.ShareReply{Incarnation: e.incarnation, Seq: e.seq, Floor: next, Lent: lent, Fill: fill}
	return e.last
}

// note takes over what an ask says. Every answer before the ask is void but that which the edge holds; a new incarnation holds none, for
// the process before it has ended, and all that it had with it.
func (r *Lender) note(e *edge, now time.Duration, a fairlead.ShareAsk) {
	counted := r.lentTo(e).Burst
	switch {
	case a.Held != 0 && e.offered.seq == a.Held:
		e.held = e.offered
	case a.Held == 0 || e.held.seq != a.Held:
		e.held = grant{}
	}
	e.offered = grant{}
	e.incarnation, e.seq, e.floor = a.Incarnation, a.Seq, a.Floor
	e.want, e.least, e.use, e.heard, e.spoke = a.Want, a.Least, a.InUse, now, true
	e.took = e.took || a.Took
	r.takeBack(a.Back, counted-e.held.share.Burst)
	if e.held.share.Amount > 0 && e.took && now-e.since >= fairlead.ShareTerm {
		e.served, e.since, e.took = now, now, false
	}
}

// takeBack pours what an edge gave back into the pool, as far as its part was not lent anew meanwhile.
func (r *Lender) takeBack(f fairlead.Fill, most int64) {
	if r.limit.Period == 0 || most <= 0 {
		return
	}
	if f.Units >= most {
		f = fairlead.Fill{Units: most}
	}
	r.pool.Pour(f, r.pace())
}

// floorOf is the floor that an edge gets: an even part of all floors, as far as others do not have it. One that gets less than it has
// still counts as having it until its next ask says that it does not.
func (r *Lender) floorOf(e *edge) fairlead.Share {
	names := slices.Sorted(maps.Keys(r.edges))
	part := r.floors.Split(slices.Index(names, e.name), len(names))
	var others fairlead.Share
	for _, o := range r.edges {
		if o != e {
			others = others.Plus(o.floor)
		}
	}
	return part.Min(r.floors.Minus(others)).Min(e.floor.Plus(r.left()))
}

// partOf is what an edge is lent: what divide gives it, as far as nobody else may still have it.
func (r *Lender) partOf(e *edge, now time.Duration, floor fairlead.Share) fairlead.Share {
	var live []*edge
	pool := r.limit.Whole.Minus(r.floors)
	for _, o := range r.edges {
		if now-o.heard < lenderTerm {
			live = append(live, o)
		} else {
			pool = pool.Minus(r.lentTo(o)) // that of a silent one cannot be divided anew yet
		}
	}
	slices.SortFunc(live, precedes)
	claims := make([]claim, len(live))
	for i, o := range live {
		f := o.floor
		if o == e {
			f = floor
		}
		claims[i] = claim{want: o.want - f.Amount, least: max(o.least-f.Burst, 0)}
		if o.want > 0 && r.limit.Period > 0 && o.least > f.Burst {
			claims[i].want = max(claims[i].want, 1)
		}
	}
	part := divide(pool, r.limit.Period > 0, claims)[slices.Index(live, e)]
	free := r.limit.Whole.Minus(r.floors)
	for _, o := range r.edges {
		if o != e {
			free = free.Minus(r.lentTo(o))
		}
	}
	return part.Min(free).Min(r.lentTo(e).Plus(r.left()))
}

// left is what of the limit no edge may believe to have.
func (r *Lender) left() fairlead.Share {
	left := r.limit.Whole
	for _, e := range r.edges {
		left = left.Minus(e.floor).Minus(r.lentTo(e))
	}
	return left
}

func (r *Lender) pace() fairlead.Pace {
	left := r.left()
	return fairlead.Pace{Amount: left.Amount, Period: r.limit.Period, Burst: left.Burst}
}

// precedes has those first that waited longest, and of those who waited alike who has a part already.
func precedes(a, b *edge) int {
	return cmp.Or(cmp.Compare(a.served, b.served), cmp.Compare(holds(b), holds(a)), cmp.Compare(a.name, b.name))
}

func holds(e *edge) int {
	if e.held.share.Amount > 0 || e.offered.share.Amount > 0 {
		return 1
	}
	return 0
}

// lentTo is what an edge may believe to have been lent, or still uses of it.
func (r *Lender) lentTo(e *edge) fairlead.Share {
	s := e.held.share.Max(e.offered.share)
	if r.limit.Period == 0 {
		s.Amount = max(s.Amount, e.use-e.floor.Amount)
	}
	return s
}

// waits reports whether the lender does not lend yet.
func (r *Lender) waits(now time.Duration) bool {
	if now < r.opens {
		return true
	}
	if now >= r.opens+r.limit.Linger {
		return false
	}
	for _, e := range r.edges {
		if !e.spoke {
			return true
		}
	}
	return false
}

// settle fills the pool until now, and ends what was lent as its time comes.
func (r *Lender) settle(now time.Duration) {
	for {
		at := now
		for _, e := range r.edges {
			for _, g := range []*grant{&e.held, &e.offered} {
				if g.seq != 0 && g.until < at {
					at = g.until
				}
			}
		}
		if r.limit.Period > 0 {
			r.pool.Fill(at, r.pace())
		}
		for _, e := range r.edges {
			for _, g := range []*grant{&e.held, &e.offered} {
				if g.seq != 0 && g.until <= at {
					*g = grant{}
				}
			}
		}
		if at == now {
			r.settleUse(now)
			return
		}
	}
}

// settleUse ends what silent edges used when they were last heard: no exchange lasts longer.
func (r *Lender) settleUse(now time.Duration) {
	for _, e := range r.edges {
		if now-e.heard >= lenderTerm+r.limit.Linger {
			e.use = 0
		}
	}
}
