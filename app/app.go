// Package app is the program as a value: Options, New, Run. It is the only room that knows all the
// others, and it wires them; nothing here decides anything about an exchange.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/control"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/gateway"
	"fairlead/record"
	"fairlead/replica"
	"fairlead/store"
	"fairlead/store/sqlite"
	"fairlead/upstream"
)

// Options are the boot options; changing one needs a restart.
type Options struct {
	Listen     string // data plane, host:port; port 0 = any free one
	Control    string // control plane
	Data       string // folder of this node's files
	Name       string // this node's; "" = local
	Config     string // file mode: the configuration's file; "" = none
	NoAuth     bool   // let everyone in
	AdminToken string // "" = DATA/admin.token, made where there is none
	TLSCert    string // PEM files for the data plane
	TLSKey     string
	Egress     string        // the address range that providers see this node from; "" = not named
	Drain      time.Duration // how long exchanges in flight may take to end; 0 = 30s

	LookupEnv func(string) (string, bool) // nil = os.LookupEnv
	Log       *slog.Logger                // nil = discarded
}

const drainTime = 30 * time.Second

// App is one node. New makes it with its listeners open, Run serves until its context ends.
type App struct {
	Options
	store    *store.Store
	replica  *replica.Replica
	upstream *upstream.Upstream
	gateway  *gateway.Gateway
	metrics  *record.Metrics
	evidence evidence
	config   *configuration
	control  *http.Server
	fake     *builtin
	token    fairlead.Secret
	first    fairlead.Secret

	dataListener, controlListener net.Listener
}

// New opens everything that a node needs: its files, its configuration, its listeners. What fails
// closes what was opened before.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Drain <= 0 {
		o.Drain = drainTime
	}
	a := &App{Options: o}
	for _, step := range []func(context.Context) error{a.openFiles, a.openEvidence, a.openPlanes, a.openListeners, a.openConfig} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	return a, nil
}

// openFiles opens the store and the replica, and brings the replica up to date.
func (a *App) openFiles(ctx context.Context) (err error) {
	if err := os.MkdirAll(a.Data, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	if a.token, _, err = control.LoadToken(a.Data, a.AdminToken); err != nil {
		return fmt.Errorf("load admin token: %w", err)
	}
	if a.store, err = sqlite.Open(ctx, filepath.Join(a.Data, "fairlead.db")); err != nil {
		return err
	}
	if a.replica, err = replica.Open(ctx, filepath.Join(a.Data, "replica"), replica.WithLog(a.Log)); err != nil {
		return err
	}
	return control.Sync(ctx, a.store, a.replica)
}

// openPlanes makes the two planes.
func (a *App) openPlanes(context.Context) error {
	languages := []dialect.Dialect{openai.New(), anthropic.New()}
	a.metrics = record.NewMetrics()
	a.showEvidence()
	a.upstream = upstream.New(languages...)
	a.upstream.Egress = a.Egress
	a.gateway = gateway.New(gateway.Options{
		Door:     admit.NewDoor(a.replica, a.NoAuth),
		Upstream: a.upstream,
		Dialects: languages,
		Observer: observers{a.metrics, record.NewLog(a.Log), a.evidence.charges, a.evidence.rows},
		Node:     a.Name,
		Intents:  a.evidence.charges,
		Log:      a.Log,
		OwnPace:  a.set("GOGC") || a.set("GOMEMLIMIT"),
	})
	a.control = &http.Server{
		Handler: control.New(control.Options{
			Store: a.store, Feed: a.replica, Token: a.token, Metrics: a.metrics.Handler(), Status: a.status, Forget: a.upstream.Forget, Log: a.Log,
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	return nil
}

// openConfig brings the first snapshot into force.
func (a *App) openConfig(ctx context.Context) (err error) {
	a.config = &configuration{app: a, again: make(chan struct{}, 1)}
	if a.Config != "" {
		return a.config.openFile(a.Config)
	}
	found, err := a.config.openEnvironment()
	if err != nil {
		return err
	}
	if !found {
		if a.fake, err = startBuiltin(a.Log); err != nil {
			return err
		}
		if err := a.config.openBuiltin(a.fake.url); err != nil {
			return err
		}
	}
	if !a.NoAuth {
		a.first, err = a.firstKey(ctx)
	}
	return err
}

// set reports whether a variable has a value.
func (a *App) set(variable string) bool {
	v, _ := a.LookupEnv(variable)
	return v != ""
}

// openListeners opens the two addresses: before the configuration, which must not send requests back
// to them. Who connects meanwhile waits until Run serves.
func (a *App) openListeners(context.Context) (err error) {
	if (a.TLSCert == "") != (a.TLSKey == "") {
		return errors.New("a TLS certificate needs its key and the key its certificate")
	}
	if a.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(a.TLSCert, a.TLSKey); err != nil {
			return fmt.Errorf("load TLS certificate: %w", err)
		}
	}
	if a.dataListener, err = net.Listen("tcp", a.Listen); err != nil {
		return fmt.Errorf("open data plane: %w", err)
	}
	if a.controlListener, err = net.Listen("tcp", a.Control); err != nil {
		return fmt.Errorf("open control plane: %w", err)
	}
	if a.NoAuth {
		a.Log.Warn("--no-auth: everyone who reaches the data plane is let in, without a key", "listen", a.Listen, "all_interfaces", a.everywhere())
	}
	return nil
}

// Run serves until ctx ends, then refuses new exchanges, lets those in flight end within Drain, and
// closes everything. It gives nil after an orderly end. Run may be called once.
func (a *App) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	served := make(chan error, 2)
	serve := func(f func() error) {
		err := f()
		if err != nil {
			stop(err)
		}
		served <- err
	}
	go serve(func() error { return a.gateway.Serve(a.dataListener, a.TLSCert, a.TLSKey) })
	go serve(func() error { return a.serveControl() })
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.config.watch(ctx)
	}()
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		a.upstream.RunProbes(ctx, a.Log)
	}()
	sending, enough := context.WithCancel(context.WithoutCancel(ctx)) // until the last exchange has ended
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		a.sendUp(sending)
	}()
	<-ctx.Done()
	err := a.drain()
	enough()
	<-sent
	<-watched
	<-probed
	return errors.Join(<-served, <-served, err, a.close())
}

func (a *App) serveControl() error {
	if err := a.control.Serve(a.controlListener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control plane: %w", err)
	}
	return nil
}

// drain ends both planes. Exchanges that are not done in time are broken off, which is said but no error.
func (a *App) drain() error {
	a.Log.Info("draining", "at_most", a.Drain.String())
	ctx, cancel := context.WithTimeout(context.Background(), a.Drain)
	defer cancel()
	if err := a.gateway.Shutdown(ctx); err != nil {
		a.Log.Warn("exchanges were broken off", "error", err.Error())
	}
	last, cancelLast := context.WithTimeout(context.Background(), time.Second)
	defer cancelLast()
	if a.control.Shutdown(last) != nil { // a request to it hangs: it is broken off
		return a.control.Close()
	}
	return nil
}

// Close ends a node that was never run. Run closes what it ran.
func (a *App) Close() error { return a.close() }

// close closes what was opened, in the opposite order.
func (a *App) close() error {
	var errs []error
	for _, l := range []net.Listener{a.dataListener, a.controlListener} {
		if l != nil {
			_ = l.Close() // closed already where it was served
		}
	}
	if a.upstream != nil {
		a.upstream.Close()
	}
	if a.fake != nil {
		a.fake.stop()
	}
	if a.evidence.spool != nil {
		errs = append(errs, a.evidence.spool.Close())
	}
	if a.replica != nil {
		errs = append(errs, a.replica.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// Token is what the control API wants.
func (a *App) Token() fairlead.Secret { return a.token }

// observers tells several observers of each exchange.
type observers []gateway.Observer

func (o observers) Entered(r *fairlead.Record) {
	for _, x := range o {
		x.Entered(r)
	}
}

func (o observers) Left(r *fairlead.Record) {
	for _, x := range o {
		x.Left(r)
	}
}
