// Package upstream goes to the providers: it walks a plan, one attempt after another, until one
// commits, and gives the answer back in the caller's own dialect.
//
// Everything is pulled by the goroutine that serves the caller: no goroutine stands behind a walk, a
// stream or a connection, and cancelling the context ends them all. Only while two attempts are made side
// by side (race.go) each has one, which the walk awaits.
package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/provider"
	"fairlead/upstream/health"
	"fairlead/upstream/transport"

	"golang.org/x/sync/semaphore"
)

const (
	largeBody       = 64 << 10 // smaller ones are translated without asking for room
	translationRoom = 64 << 20 // for all translations under way
	translationPart = 2        // of a body's size: the neutral form and what is written of it
)

// Upstream sends exchanges to providers. It is safe for concurrent use.
type Upstream struct {
	// Egress is the address range that providers see this node from; what they refuse to it, and how they do
	// there, is remembered by it. It is set before the first exchange.
	Egress string

	dialects map[fairlead.Dialect]dialect.Dialect
	room     *semaphore.Weighted // bytes, for large bodies while they are translated

	mu         sync.Mutex
	transports map[transportKey]transport.Transport

	ways  atomic.Pointer[ways]
	board atomic.Pointer[health.Board]
	known *fairlead.Snapshot // that the board knows

	remade *health.Budget // of text that is made again, in nano-dollars
	wake   chan struct{}  // tells the prober that something opened, or that the snapshot is another
	hedges *health.Hedges
}

// way is how exchanges reach a provider by one of its credentials.
type way struct {
	*provider.Way
	credential string // its name
	place      string // the provider's row in the table of places; "" where it has none
	transport  transport.Transport
	err        error // why there is no transport
}

// ways are those of the snapshot in force and of the last one before it that had other providers.
type ways struct{ now, before map[*fairlead.Provider][]*way }

// transportKey is what two providers must have in common to share connections. files says which state
// of the certificates that the configuration names was read.
type transportKey struct {
	config  fairlead.TransportConfig
	connect time.Duration
	files   string
}

// New makes an Upstream that speaks the given dialects.
func New(dialects ...dialect.Dialect) *Upstream {
	u := &Upstream{
		dialects:   map[fairlead.Dialect]dialect.Dialect{},
		transports: map[transportKey]transport.Transport{},
		room:       semaphore.NewWeighted(translationRoom),
		remade:     health.NewBudget(spendTerms, time.Now()),
		wake:       make(chan struct{}, 1),
		hedges:     health.NewHedges(time.Now()),
	}
	u.board.Store(u.newBoard())
	u.ways.Store(&ways{})
	for _, d := range dialects {
		u.dialects[d.Name()] = d
	}
	return u
}

// Prepare makes what a snapshot's providers need before the snapshot is used, so that everything that
// can fail (a certificate that cannot be read, a dialect that is not spoken) fails there. Connections
// that no provider of it uses are retired: exchanges that began earlier go on with theirs.
func (u *Upstream) Prepare(s *fairlead.Snapshot) error {
	last, transports := u.ways.Load(), u.current()
	used := make(map[transportKey]transport.Transport, len(transports))
	now, same := make(map[*fairlead.Provider][]*way, len(s.Providers)), true
	for _, p := range providersOf(s) {
		if now[p] != nil {
			continue // both sides of a trial have it
		}
		if u.dialects[p.Dialect] == nil {
			return fmt.Errorf("provider %s: dialect %q is not spoken here", p.Name, p.Dialect)
		}
		key := keyOf(p)
		t := used[key]
		if t == nil {
			t = transports[key]
		}
		if t == nil {
			var err error
			if t, err = transport.New(transport.Options{Connect: p.Timeouts.Connect}, p.Transport); err != nil {
				return fmt.Errorf("provider %s: make transport: %w", p.Name, err)
			}
		}
		used[key] = t
		list, known := last.now[p]
		if !known || slices.ContainsFunc(list, func(w *way) bool { return w.transport != t }) {
			list, same = u.waysTo(p, t, nil), false
		}
		now[p] = list
	}
	next := last // where no provider is another, as after a change of weights, those before are kept longer
	if !same || len(now) != len(last.now) {
		next = &ways{now: now, before: last.now}
	}
	u.adopt(s, used, next)
	return nil
}

// providersOf lists those of both sides of a snapshot.
func providersOf(s *fairlead.Snapshot) (list []*fairlead.Provider) {
	for _, side := range s.Sides() {
		list = append(list, side.Providers...)
	}
	return list
}

// current are the transports of the snapshot in force; the map is never written again.
func (u *Upstream) current() map[transportKey]transport.Transport {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.transports
}

// adopt brings the transports of a new snapshot into use. Those of the snapshot before it stay known to
// the exchanges that began under it.
func (u *Upstream) adopt(s *fairlead.Snapshot, used map[transportKey]transport.Transport, next *ways) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, t := range u.transports {
		if used[key] == nil {
			_ = t.Close() // closing an idle connection has nothing to report
		}
	}
	u.transports = used
	u.ways.Store(next)
	u.known = s
	teach(u.board.Load(), s)
	u.wakeProber()
}

// teach tells a board what a snapshot says of its endpoints and of retries.
func teach(b *health.Board, s *fairlead.Snapshot) {
	b.Adopt(s, time.Now())
	terms := health.RetryTerms
	if terms.Share = s.Settings.RetryBudget; terms.Share == 0 {
		terms.PerSecond = 0
	}
	b.Tune(terms)
}

func (u *Upstream) newBoard() *health.Board {
	return health.NewBoard(health.Options{Epoch: time.Now(), Seed: rand.Uint64(), Opened: u.wake})
}

// keyOf looks at the files that the configuration names: one that was replaced makes another key.
func keyOf(p *fairlead.Provider) transportKey {
	key := transportKey{config: p.Transport, connect: p.Timeouts.Connect}
	for _, file := range []string{p.Transport.CA, p.Transport.Cert, p.Transport.Key} {
		if file == "" {
			continue
		}
		if info, err := os.Stat(file); err == nil {
			key.files += fmt.Sprintf("%d %d;", info.ModTime().UnixNano(), info.Size())
		}
	}
	return key
}

// Close closes the connections that no exchange uses.
func (u *Upstream) Close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range u.transports {
		_ = t.Close() // closing an idle connection has nothing to report
	}
}

// waysTo makes the ways to a provider, one for each credential that can be shown.
func (u *Upstream) waysTo(p *fairlead.Provider, t transport.Transport, err error) (list []*way) {
	place := ""
	if _, ok := provider.Lookup(p.Name); ok {
		place = p.Name
	}
	for _, c := range p.Usable() {
		list = append(list, &way{provider.NewWay(p, c, u.dialects[p.Dialect]), c.Name, place, t, err})
	}
	return list
}

// waysOf finds the ways to a provider. One that is known no more, for its own was replaced twice
// since, gets some that keep no connection.
func (u *Upstream) waysOf(p *fairlead.Provider) []*way {
	known := u.ways.Load()
	if w := known.now[p]; w != nil {
		return w
	}
	if w := known.before[p]; w != nil {
		return w
	}
	t, err := transport.New(transport.Options{Connect: p.Timeouts.Connect}, p.Transport)
	if err != nil {
		return u.waysTo(p, nil, fmt.Errorf("make transport: %w", err))
	}
	return u.waysTo(p, t, t.Close())
}

// Forget drops everything that is known of endpoints: whatever was held against one is so no more.
func (u *Upstream) Forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	b := u.newBoard()
	if u.known != nil {
		teach(b, u.known)
	}
	u.board.Store(b)
}

// Journey is what a walk needs to know.
type Journey struct {
	Ask    *provider.Ask
	Plan   fairlead.Plan
	Most   int // attempts to make
	Prompt int // tokens, estimated
	Start  time.Time
	Until  time.Time // the end of the exchange; zero = none
	Hedge  bool      // a second attempt may be sent beside a slow one
	Encode dialect.EncodeOptions

	Continue bool // an answer that breaks off may be gone on with by another attempt
}

// Walk makes w, whose memory is reused, the walk along a plan. Nothing is sent before Commit.
func (u *Upstream) Walk(ctx context.Context, w *Walk, j Journey) {
	if w.up != nil {
		w.Reset()
	}
	w.up, w.ctx, w.Journey = u, ctx, j
	w.stops = append(w.stops[:0], make([]stop, len(j.Plan.Steps))...)
}
