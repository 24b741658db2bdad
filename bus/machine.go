package bus

import (
	"errors"
	"time"

	"fairlead"
	"fairlead/internal/jitter"
)

const (
	// grace is how long a change that is missing may be on its way, at least: two control nodes publish in any order.
	grace = 20 * time.Millisecond
	// spread is how much longer than that an edge may wait: all edges miss the same.
	spread = 2 * grace
	// copyBeyond is how many missed changes make a whole copy cheaper than fetching them.
	copyBeyond = 20_000
	// noesToCopy is how many beats must find this node's position off the log before everything is copied.
	noesToCopy = 3
	// ahead bounds the changes that wait for one before them.
	aheadChanges = 4096
	aheadBytes   = 8 << 20
	// slowest is the longest pause between two tries of what failed.
	slowest = time.Second
	// failsAfterConnect is how many failures count on after a connect: a connection that comes and goes is no success.
	failsAfterConnect = 2
)

// stepKind is what a follower does next.
type stepKind uint8

const (
	stepWait  stepKind = iota // for something to be heard, or for step.wait
	stepApply                 // step.changes
	stepFetch                 // what comes after the position
	stepAsk                   // whether the position lies on the log
	stepCopy                  // everything
)

type step struct {
	kind    stepKind
	wait    time.Duration // of stepWait; 0 = until something is heard
	changes []fairlead.Change
	foreign bool // of stepCopy: the log is another one, so what was applied may be lost
}

// machine decides what a follower does. It is pure: what was heard and what came of the last step go in, the next step
// comes out.
type machine struct {
	beatEvery time.Duration
	at        fairlead.Position // what is applied

	waiting map[int64]heard // what is heard and not applied
	bytes   int

	want   int64     // the highest number that is known of
	since  time.Time // when it was first beyond at
	hurry  bool      // nothing is on its way: fetch at once
	doubt  bool      // a beat disagrees
	sure   bool      // the position was found on the log, some time
	asked  time.Time // the last answer about that, or the last no
	noes   int
	reload bool // copy, for the log is far ahead

	fails int
	rest  time.Time // no step that may fail again before

	refused int64 // changes that did not fit the chain, for logs

	luck float64 // from 0 to 1: when this edge does what others do as well
}

func newMachine(at fairlead.Position, beatEvery time.Duration) *machine {
	return &machine{beatEvery: beatEvery, at: at, want: at.Number, waiting: map[int64]heard{}}
}

// next is the step to take now.
func (m *machine) next(now time.Time) step {
	if rest := m.rest.Sub(now); rest > 0 {
		return step{kind: stepWait, wait: rest}
	}
	switch {
	case m.noes >= noesToCopy:
		return step{kind: stepCopy, foreign: true}
	case m.reload:
		return step{kind: stepCopy}
	}
	if run := m.run(); len(run) > 0 {
		return step{kind: stepApply, changes: run}
	}
	if m.doubt {
		m.doubt = false
		return step{kind: stepAsk}
	}
	if m.want <= m.at.Number {
		return step{kind: stepWait}
	}
	if left := m.since.Add(grace + time.Duration(m.luck*float64(spread))).Sub(now); left > 0 && !m.hurry {
		return step{kind: stepWait, wait: left}
	}
	return step{kind: stepFetch}
}

// run is what can be applied: the changes without a gap from the position on, as far as their hashes fit and a batch
// goes. The first that does not fit is dropped, and fetched.
func (m *machine) run() []fairlead.Change {
	if m.at.Log == "" {
		return nil // which log it is comes with a beat or a page
	}
	var list []fairlead.Change
	before, size := m.at.Hash, 0
	for n := m.at.Number + 1; len(list) < pageChanges; n++ {
		h, ok := m.waiting[n]
		if !ok || h.large {
			break
		}
		if h.Chain(before) != h.Hash {
			m.drop(n)
			m.refused++
			break
		}
		if size += len(h.Content); size > pageBytes && len(list) > 0 {
			break
		}
		list, before = append(list, h.Change), h.Hash
	}
	return list
}

// hear takes a change from the feed.
func (m *machine) hear(h heard, now time.Time) {
	if h.Number <= m.at.Number {
		return
	}
	m.known(h.Number, now)
	m.keep(h)
}

// keep holds a change until it can be applied, if there is room; what is not kept is fetched.
func (m *machine) keep(h heard) {
	_, known := m.waiting[h.Number]
	if !known && h.Number <= m.at.Number+aheadChanges && m.bytes+len(h.Content) <= aheadBytes {
		m.put(h)
	}
}

func (m *machine) put(h heard) {
	m.drop(h.Number)
	m.waiting[h.Number] = h
	m.bytes += len(h.Content)
}

func (m *machine) drop(n int64) {
	m.bytes -= len(m.waiting[n].Content)
	delete(m.waiting, n)
}

// known notes that a change exists.
func (m *machine) known(n int64, now time.Time) {
	if m.want <= m.at.Number {
		m.since = now
	}
	m.want = max(m.want, n)
}

// beat takes a beat.
func (m *machine) beat(p fairlead.Position, now time.Time) {
	if m.at.Log == "" && m.at.Number == 0 {
		m.at.Log = p.Log // a new node follows whichever log there is
	}
	switch {
	case p.Log != m.at.Log:
		m.question(now)
	case p.Number > m.at.Number:
		m.known(p.Number, now)
	case p.Number == m.at.Number && p.Hash == m.at.Hash:
		m.noes, m.sure = 0, true
	default:
		m.question(now)
	}
}

// question has it asked whether the position lies on the log, once a beat however many control nodes beat.
func (m *machine) question(now time.Time) {
	if now.Sub(m.asked) >= m.beatEvery*3/4 {
		m.doubt = true
	}
}

// lookNow has the log looked at without waiting for a beat: after a connect.
func (m *machine) lookNow() {
	m.want, m.hurry = max(m.want, m.at.Number+1), true
	m.fails, m.rest = min(m.fails, failsAfterConnect), time.Time{}
}

// fetched takes the answer to a fetch, large changes with their contents.
func (m *machine) fetched(p page, err error, now time.Time) {
	if err != nil {
		m.failed(now)
		return
	}
	if m.at.Log == "" && m.at.Number == 0 {
		m.at.Log = p.Head.Log
	}
	if m.want = p.Head.Number; !p.OnChain || p.Head.Log != m.at.Log {
		m.fails = 0
		m.no(now)
		return
	}
	m.noes, m.sure = 0, true
	if p.Head.Number-m.at.Number > copyBeyond {
		m.reload = true
		return
	}
	m.since, m.hurry = now, true // what is still missing is not on its way
	sound := len(p.Changes) > 0 || p.Head.Number <= m.at.Number
	before := m.at.Hash
	for i, h := range p.Changes {
		if h.large || h.Number != m.at.Number+1+int64(i) || h.Chain(before) != h.Hash {
			m.refused++
			sound = false // what comes before it is applied
			break
		}
		m.put(h)
		before = h.Hash
	}
	if !sound {
		m.failed(now)
		return
	}
	m.fails = 0
}

// no counts a beat that found the position off the log; until the next one there is nothing to fetch.
func (m *machine) no(now time.Time) {
	if now.Sub(m.asked) >= m.beatEvery*3/4 {
		m.noes++
		m.asked = now
	}
	m.want = m.at.Number
}

// answered takes the answer whether the position lies on the log.
func (m *machine) answered(t tellHas, err error, now time.Time) {
	switch {
	case err != nil:
		m.failed(now) // the next beat asks again
	case t.Has && t.Head.Log == m.at.Log:
		m.noes, m.fails, m.asked, m.sure = 0, 0, now, true
	default:
		m.fails = 0
		m.no(now)
	}
}

// applied takes where the replica stands after changes were applied, or were not.
func (m *machine) applied(at fairlead.Position, err error, now time.Time) {
	if err != nil {
		m.reload = m.reload || errors.Is(err, ErrDiverged)
		m.failed(now)
		return
	}
	m.fails = 0
	m.moved(at, now)
}

// copied takes where the replica stands after a whole copy.
func (m *machine) copied(at fairlead.Position, err error, now time.Time) {
	if err != nil {
		m.failed(now)
		return
	}
	m.fails, m.noes, m.reload, m.doubt, m.sure = 0, 0, false, false, true
	m.want = at.Number
	m.moved(at, now)
	m.lookNow()
}

func (m *machine) moved(at fairlead.Position, now time.Time) {
	m.at, m.since = at, now
	m.hurry = m.hurry && m.want > at.Number
	for n := range m.waiting {
		if n <= at.Number {
			m.drop(n)
		}
	}
}

// failed makes a pause, each longer than the one before.
func (m *machine) failed(now time.Time) {
	pause := min(slowest, 50*time.Millisecond<<min(m.fails, 10))
	m.fails++
	m.rest = now.Add(jitter.At(pause, m.luck))
}
