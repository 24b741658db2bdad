// Package upstream goes to the providers: it walks a plan, one attempt after another, until one
// commits, and gives the answer back in the caller's own dialect.
//
// Everything is pulled by the goroutine that serves the caller: no goroutine stands behind a walk, a
// stream or a connection, and cancelling the context ends them all.
package upstream

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/provider"
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
	dialects map[fairlead.Dialect]dialect.Dialect
	room     *semaphore.Weighted // bytes, for large bodies while they are translated

	mu         sync.Mutex
	transports map[transportKey]transport.Transport

	ways atomic.Pointer[ways]
}

// way is how exchanges reach a provider.
type way struct {
	*provider.Way
	transport transport.Transport
	err       error // why there is no transport
}

// ways are those of the snapshot in force and of the one before it.
type ways struct{ now, before map[*fairlead.Provider]*way }

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
	}
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
	used := map[transportKey]transport.Transport{}
	now := map[*fairlead.Provider]*way{}
	for _, p := range s.Providers {
		if u.dialects[p.Dialect] == nil {
			return fmt.Errorf("provider %s: dialect %q is not spoken here", p.Name, p.Dialect)
		}
		key := keyOf(p)
		t := used[key]
		if t == nil {
			t = u.current(key)
		}
		if t == nil {
			var err error
			if t, err = transport.New(transport.Options{Connect: p.Timeouts.Connect}, p.Transport); err != nil {
				return fmt.Errorf("provider %s: make transport: %w", p.Name, err)
			}
		}
		used[key], now[p] = t, &way{Way: provider.NewWay(p, u.dialects[p.Dialect]), transport: t}
	}
	u.adopt(used, now)
	return nil
}

func (u *Upstream) current(key transportKey) transport.Transport {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.transports[key]
}

// adopt brings the transports of a new snapshot into use. Those of the snapshot before it stay known to
// the exchanges that began under it.
func (u *Upstream) adopt(used map[transportKey]transport.Transport, now map[*fairlead.Provider]*way) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, t := range u.transports {
		if used[key] == nil {
			_ = t.Close() // closing an idle connection has nothing to report
		}
	}
	u.transports = used
	u.ways.Store(&ways{now: now, before: u.ways.Load().now})
}

// keyOf looks at the files that the configuration names: one that was replaced makes another key.
func keyOf(p *fairlead.Provider) transportKey {
	key := transportKey{config: p.Transport, connect: p.Timeouts.Connect}
	for _, file := range []string{p.Transport.CA, p.Transport.Cert, p.Transport.Key} {
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
		_ = t.Close() // likewise
	}
}

// way finds the way to a provider. One that is known no more, for two snapshots have come since, gets
// one that keeps no connection.
func (u *Upstream) way(p *fairlead.Provider) *way {
	known := u.ways.Load()
	if w := known.now[p]; w != nil {
		return w
	}
	if w := known.before[p]; w != nil {
		return w
	}
	w := &way{Way: provider.NewWay(p, u.dialects[p.Dialect])}
	t, err := transport.New(transport.Options{Connect: p.Timeouts.Connect}, p.Transport)
	if err != nil {
		w.err = fmt.Errorf("make transport: %w", err)
		return w
	}
	w.transport, w.err = t, t.Close()
	return w
}

// Journey is what a walk needs to know.
type Journey struct {
	Ask    *provider.Ask
	Plan   fairlead.Plan
	Most   int // attempts to make
	Start  time.Time
	Until  time.Time // the end of the exchange; zero = none
	Encode dialect.EncodeOptions
}

// Walk makes w, whose memory is reused, the walk along a plan. Nothing is sent before Commit.
func (u *Upstream) Walk(ctx context.Context, w *Walk, j Journey) {
	if w.up != nil {
		w.Reset()
	}
	w.up, w.ctx, w.Journey = u, ctx, j
}
