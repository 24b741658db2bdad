package lease_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/ledger/lease"
)

// world is a control plane, edges and a channel between them on which asks and answers are lost, come twice, late and in any order.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	plays plays
	sizes lease.Sizes
	now   time.Time

	control
	backup  *control
	edges   []*edge
	channel []message
	spools  map[spool]*lines
	made    int   // incarnations and processes
	apart   int64 // the numbers of two processes' asks; 0 = they begin anew, and no answer reaches another process than the asker's
	beyond  fairlead.USD
	lost    map[fairlead.PoolID]fairlead.USD // what forgotten edges had left
	held    int                              // holds that were given
}

// plays are the things that happen in a world.
type plays struct{ over, crash, forget, restore bool }

// control is the truth, as SQL would keep it.
type control struct {
	era     int64
	pools   map[fairlead.PoolID]lease.Pool
	paid    map[fairlead.PoolID]fairlead.USD // into a pool
	taken   map[fairlead.PoolID]lease.Taken  // by charges
	leases  map[leaseKey]lease.Lease
	settled map[spool]int // lines
}

type spool struct{ edge, incarnation string }

type leaseKey struct {
	pool fairlead.PoolID
	spool
}

// lines are a spool on a disk.
type lines struct {
	all   []fairlead.ChargeLine
	ended bool // forgotten
}

// edge is a process with its spool; the books of earlier incarnations are still to be given back.
type edge struct {
	name  string
	spool spool
	book  *admit.Book
	old   map[spool]*admit.Book
	open  []*exchange
}

type exchange struct {
	purse *admit.Purse
	hold  admit.Hold
	line  fairlead.ChargeLine
	spool spool
}

// message is an ask to control or its answer.
type message struct {
	from  spool
	book  *admit.Book
	ask   *fairlead.LeaseAsk
	grant *fairlead.LeaseGrant
}

func newWorld(t *testing.T, seed uint64, p plays) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{
		t: t, rng: rng, plays: p, apart: int64(seed%2) * 1_000_000,
		sizes: lease.Sizes{Share: int64(rng.IntN(1001)), Least: fairlead.USD(rng.IntN(50)), Most: fairlead.USD(50 + rng.IntN(1000)), Near: fairlead.USD(rng.IntN(300))},
		now:   time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), spools: map[spool]*lines{}, lost: map[fairlead.PoolID]fairlead.USD{},
		control: control{
			era: 1, pools: map[fairlead.PoolID]lease.Pool{}, paid: map[fairlead.PoolID]fairlead.USD{}, taken: map[fairlead.PoolID]lease.Taken{},
			leases: map[leaseKey]lease.Lease{}, settled: map[spool]int{},
		},
	}
	if err := w.sizes.Validate(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		e := &edge{name: fmt.Sprint("edge", i), old: map[spool]*admit.Book{}}
		w.edges = append(w.edges, e)
		w.newSpool(e)
	}
	return w
}

// newSpool gives an edge a new incarnation; the book of the one before is to be given back.
func (w *world) newSpool(e *edge) {
	if e.book != nil {
		e.old[e.spool] = e.book
	}
	w.made++
	e.spool = spool{e.name, fmt.Sprint("i", w.made)}
	w.spools[e.spool] = &lines{}
	e.book = w.openBook(e.spool)
}

// openBook opens a book from the lines that a spool has.
func (w *world) openBook(s spool) *admit.Book {
	spent := admit.Totals{}
	for i := range w.spools[s].all {
		if err := spent.Add(&w.spools[s].all[i]); err != nil {
			w.t.Fatal(err)
		}
	}
	w.made++
	return admit.NewBook(admit.Purses{
		Incarnation: s.incarnation, Ahead: fairlead.USD(w.rng.IntN(500)), Low: 300, First: int64(w.made) * w.apart, Spent: spent,
	})
}

func (w *world) bookOf(s spool) *admit.Book {
	for _, e := range w.edges {
		if e.name == s.edge {
			if e.spool == s {
				return e.book
			}
			return e.old[s]
		}
	}
	return nil
}

// pool gives a pool as it is, or as it begins.
func (w *world) pool(id fairlead.PoolID) lease.Pool {
	p, ok := w.pools[id]
	if !ok {
		p = lease.Pool{ID: id, Era: w.era, Balance: 2_000}
		if id.Per == "" {
			p.Balance = 5_000
		}
		w.pools[id], w.paid[id] = p, p.Balance
	}
	return p
}

func (w *world) send(m message) {
	if m.book == nil {
		m.book = w.bookOf(m.from)
	}
	switch w.rng.IntN(8) {
	case 0: // lost
	case 1: // twice
		w.channel = append(w.channel, m, m)
	default:
		w.channel = append(w.channel, m)
	}
}

// deliver takes one message out of the channel, whichever, and acts on it.
func (w *world) deliver() {
	if len(w.channel) == 0 {
		return
	}
	i := w.rng.IntN(len(w.channel))
	m := w.channel[i]
	w.channel = slices.Delete(w.channel, i, i+1)
	if m.ask != nil {
		answer := w.answer(m.from, *m.ask)
		w.send(message{from: m.from, book: m.book, grant: &answer})
	} else if b := w.bookOf(m.from); b != nil && (b == m.book || w.apart != 0) {
		b.Apply(*m.grant)
	}
}

// answer is control's transaction for an ask.
func (w *world) answer(from spool, ask fairlead.LeaseAsk) fairlead.LeaseGrant {
	if err := lease.Check(ask); err != nil {
		w.t.Fatal(err)
	}
	var states []lease.State
	for _, l := range ask.Levels {
		states = append(states, lease.State{
			Pool: w.pool(l.Pool), Lease: w.leases[leaseKey{l.Pool, from}], Recent: fairlead.USD(w.rng.IntN(400)),
		})
		states[len(states)-1].Lease.Ended = w.spools[from].ended
	}
	after, answer := lease.Grant(ask, states, w.sizes)
	for i, l := range ask.Levels {
		w.pools[l.Pool], w.leases[leaseKey{l.Pool, from}] = after[i].Pool, after[i].Lease
	}
	return answer
}

// settle settles some lines of a spool, in their order.
func (w *world) settle(s spool, count int) {
	for _, l := range w.spools[s].all[w.settled[s]:][:count] {
		w.settled[s]++
		payer, ok := l.Payer()
		if !ok {
			w.t.Fatalf("line %+v has no payer", l)
		}
		for _, id := range payer.Append(nil) {
			key := leaseKey{id, s}
			p, now, taken, err := lease.Settle(w.pool(id), w.leases[key], *l.Charge)
			if err != nil {
				w.t.Fatal(err)
			}
			if sum := taken.Lease + taken.Free + taken.Short; sum != *l.Charge {
				w.t.Fatalf("of a charge of %d %d were taken", *l.Charge, sum)
			}
			w.pools[id], w.leases[key] = p, now
			before := w.taken[id]
			w.taken[id] = lease.Taken{Lease: before.Lease + taken.Lease, Free: before.Free + taken.Free, Short: before.Short + taken.Short}
		}
	}
}
