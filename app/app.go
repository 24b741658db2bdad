// Package app is the program as a value: Options, New, Run. It is the only room that knows all the
// others, and it wires them; nothing here decides anything about an exchange.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/bus"
	"fairlead/control"
	"fairlead/edge"
	"fairlead/gateway"
	"fairlead/record"
	"fairlead/replica"
	"fairlead/ship"
	"fairlead/store"
	"fairlead/upstream"
	"fairlead/vault"
)

// App is one node. New makes it with its listeners open, Run serves until its context ends.
type App struct {
	Options
	started time.Time
	born    string // names the process
	metrics *record.Metrics
	bus     *bus.Bus
	// parts are what works beside the listeners from New on: the feed and the edge's loop.
	parts parts

	// The control plane; nil on an edge.
	alone *os.File // locked as long as this process writes the SQLite store
	store *store.Store
	vault *vault.Vault
	fleet *control.Fleet
	api   *control.Control
	desk  *ship.Desk
	token fairlead.Secret
	// Of nameHeld and nameTaken one is set once it is known who holds this control node's name: it, or another one.
	nameHeld, nameTaken atomic.Bool

	// The data plane; nil on a node of role control.
	identity *bus.Identity // of an edge that has joined
	replica  *replica.Replica
	upstream *upstream.Upstream
	gateway  *gateway.Gateway
	edge     *edge.Edge
	evidence evidence
	counted  counted
	feed     feed
	base     base
	file     *watched // the file of -c; nil = there is none
	first    fairlead.Secret

	server                        *http.Server // of the control address
	dataListener, controlListener net.Listener
}

// New opens everything that a node needs: its files, its bus, its configuration, its listeners. What fails
// closes what was opened before.
func New(ctx context.Context, o Options) (*App, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	a := &App{Options: o, started: o.Clock().UTC(), born: fairlead.NewID(""), metrics: record.NewMetrics()}
	a.parts.begin()
	for _, step := range []func(context.Context) error{
		a.openData, a.openStore, a.openIdentity, a.openBus, a.openReplica, a.openEvidence, a.openListeners, a.openPlanes, a.openFeed, a.openConfig,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	return a, nil
}

func (a *App) openData(context.Context) error {
	if err := os.MkdirAll(a.Data, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	return nil
}

// openListeners opens the addresses: before the configuration, which must not send requests back to them. Who
// connects meanwhile waits until Run serves.
func (a *App) openListeners(context.Context) (err error) {
	if err := a.checkCertificate(); err != nil {
		return err
	}
	if a.hasEdge() {
		if a.dataListener, err = net.Listen("tcp", a.Listen); err != nil {
			return fmt.Errorf("open data plane: %w", err)
		}
	}
	if a.controlListener, err = net.Listen("tcp", a.Control); err != nil {
		return fmt.Errorf("open control plane: %w", err)
	}
	if a.NoAuth && a.hasEdge() {
		a.Log.Warn("--no-auth: everyone who reaches the data plane is let in, without a key", "listen", a.Listen, "all_interfaces", a.everywhere())
	}
	return nil
}

// Run serves until ctx ends, then refuses new exchanges, lets those in flight end within Drain, and
// closes everything. It gives nil after an orderly end. Run may be called once.
func (a *App) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var served sync.WaitGroup
	var failed errorList
	serve := func(f func() error) {
		served.Go(func() {
			if err := f(); err != nil {
				failed.add(err)
				stop(err)
			}
		})
	}
	serve(a.serveControl)
	if a.gateway != nil {
		serve(func() error { return a.gateway.Serve(a.dataListener, a.TLSCert, a.TLSKey) })
		served.Go(func() { a.upstream.RunProbes(ctx, a.Log) })
	}
	if a.file != nil {
		served.Go(func() { a.file.watch(ctx) })
	}
	<-ctx.Done()
	failed.add(a.drain())
	served.Wait()
	failed.add(a.close())
	return failed.err()
}

func (a *App) serveControl() error {
	if err := a.server.Serve(a.controlListener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control plane: %w", err)
	}
	return nil
}

// drain ends both planes. Exchanges that are not done in time are broken off, which is said but no error.
func (a *App) drain() error {
	a.Log.Info("draining", "at_most", a.Drain.String())
	ctx, cancel := context.WithTimeout(context.Background(), a.Drain)
	defer cancel()
	if a.gateway != nil {
		if err := a.gateway.Shutdown(ctx); err != nil {
			a.Log.Warn("exchanges were broken off", "error", err.Error())
		}
	}
	last, cancelLast := context.WithTimeout(context.Background(), time.Second)
	defer cancelLast()
	if a.server.Shutdown(last) != nil { // a request to it hangs: it is broken off
		return a.server.Close()
	}
	return nil
}

// Close closes a node that was never run. Run closes what it ran.
func (a *App) Close() error { return a.close() }

// close closes what was opened, in the opposite order.
func (a *App) close() error {
	var errs []error
	for _, l := range []net.Listener{a.dataListener, a.controlListener} {
		if l != nil {
			_ = l.Close() // closed already where it was served
		}
	}
	a.parts.end()
	errs = append(errs, a.evidence.close())
	if a.bus != nil {
		a.bus.Close()
	}
	if a.upstream != nil {
		a.upstream.Close()
	}
	a.base.close()
	if a.replica != nil {
		errs = append(errs, a.replica.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.alone != nil {
		errs = append(errs, a.alone.Close())
	}
	return errors.Join(errs...)
}

// Token is what the control API wants.
func (a *App) Token() fairlead.Secret { return a.token }

// errorList collects the errors of goroutines.
type errorList struct {
	mu   sync.Mutex
	list []error
}

func (l *errorList) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, err)
}

func (l *errorList) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.list...)
}

// parts are goroutines that end together.
type parts struct {
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup
}

func (p *parts) begin() { p.ctx, p.cancel = context.WithCancel(context.Background()) }

func (p *parts) run(f func(context.Context)) { p.group.Go(func() { f(p.ctx) }) }

func (p *parts) end() {
	p.cancel()
	p.group.Wait()
}
