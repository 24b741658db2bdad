// Package upstream goes to the providers: it walks a plan, one attempt after another, until one
// commits, and gives the answer back in the caller's own dialect.
//
// Everything is pulled by the goroutine that serves the caller: no goroutine stands behind a walk, a
// stream or a connection, and cancelling the context ends them all.
package upstream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/provider"
	"fairlead/upstream/transport"
)

// Upstream sends exchanges to providers. It is safe for concurrent use.
type Upstream struct {
	dialects map[fairlead.Dialect]dialect.Dialect
	room     room

	mu         sync.RWMutex
	transports map[transportKey]transport.Transport
}

// transportKey is what two providers must have in common to share connections.
type transportKey struct {
	config  fairlead.TransportConfig
	connect time.Duration
}

// New makes an Upstream that speaks the given dialects.
func New(dialects ...dialect.Dialect) *Upstream {
	u := &Upstream{
		dialects:   map[fairlead.Dialect]dialect.Dialect{},
		transports: map[transportKey]transport.Transport{},
		room:       room{free: translationRoom, size: translationRoom},
	}
	for _, d := range dialects {
		u.dialects[d.Name()] = d
	}
	return u
}

// Prepare makes what a snapshot's providers need before the snapshot is used, so that everything that
// can fail (a certificate that cannot be read, a dialect that is not spoken) fails there.
func (u *Upstream) Prepare(s *fairlead.Snapshot) error {
	for _, p := range s.Providers {
		if u.dialects[p.Dialect] == nil {
			return fmt.Errorf("provider %s: dialect %q is not spoken here", p.Name, p.Dialect)
		}
		if _, err := u.transport(p); err != nil {
			return fmt.Errorf("provider %s: %w", p.Name, err)
		}
	}
	return nil
}

// Close closes the connections that no exchange uses.
func (u *Upstream) Close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range u.transports {
		_ = t.Close() // closing an idle connection has nothing to report
	}
}

func (u *Upstream) transport(p *fairlead.Provider) (transport.Transport, error) {
	key := transportKey{p.Transport, p.Timeouts.Connect}
	u.mu.RLock()
	t := u.transports[key]
	u.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if t := u.transports[key]; t != nil {
		return t, nil
	}
	t, err := transport.New(transport.Options{Connect: p.Timeouts.Connect}, p.Transport)
	if err != nil {
		return nil, fmt.Errorf("make transport: %w", err)
	}
	u.transports[key] = t
	return t, nil
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
	w.Reset()
	w.up, w.ctx, w.Journey = u, ctx, j
}
