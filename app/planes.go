package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/control"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/edge"
	"fairlead/gateway"
	"fairlead/internal/seal"
	"fairlead/record"
	"fairlead/replica"
	"fairlead/ship"
	"fairlead/upstream"
	"fairlead/vault"
)

func (a *App) openReplica(ctx context.Context) (err error) {
	if !a.hasEdge() {
		return nil
	}
	a.replica, err = replica.Open(ctx, filepath.Join(a.Data, "replica"), replica.WithLog(a.Log))
	return err
}

func (a *App) checkCertificate() error {
	if a.TLSCert == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(a.TLSCert, a.TLSKey); err != nil {
		return fmt.Errorf("load TLS certificate: %w", err)
	}
	return nil
}

// openPlanes makes the planes that this node has.
func (a *App) openPlanes(ctx context.Context) error {
	if err := a.openBase(); err != nil {
		return err
	}
	if a.hasEdge() {
		if err := a.openDataPlane(); err != nil {
			return err
		}
	}
	handler := a.edgeHandler()
	if a.hasControl() {
		a.desk = &ship.Desk{Keeper: a.store, Log: a.Log}
		a.showDesk()
		a.api = control.New(a.controlOptions())
		handler = a.api
	}
	a.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	if a.api != nil {
		a.server.RegisterOnShutdown(a.api.EndTails)
	}
	return nil
}

func (a *App) openDataPlane() error {
	languages := []dialect.Dialect{openai.New(), anthropic.New()}
	a.showEvidence()
	a.showFeed()
	a.upstream = upstream.New(languages...)
	a.upstream.Egress = a.Egress
	door := admit.NewDoor(a.replica, a.NoAuth)
	door.Clock = a.dated
	a.gateway = gateway.New(gateway.Options{
		Door:     door,
		Upstream: a.upstream,
		Dialects: languages,
		Observer: observers{a.metrics, record.NewLog(a.Log), a.evidence.charges, a.evidence.rows, &a.counted},
		Node:     a.Name,
		Intents:  a.evidence.charges,
		Log:      a.Log,
		Clock:    a.dated,
		Stale:    func() bool { return a.edge.Stale() },
		OwnPace:  a.set("GOGC") || a.set("GOMEMLIMIT"),
	})
	secrets, err := a.secretReader()
	if err != nil {
		return err
	}
	a.edge = edge.New(edge.Options{
		Replica: a.replica, Node: a.node(), Swap: a.swap, Base: a.base.config, LookupEnv: a.LookupEnv, Kept: a.ownFiles(),
		OpenSecret: secrets.Open, Report: a.report, Clock: a.Clock, Log: a.Log,
	})
	if a.identity != nil && a.identity.Fresh() {
		a.edge.Hold()
	}
	return nil
}

// report tells control how this node is.
func (a *App) report(s fairlead.NodeStatus) {
	s.Spool, s.NameTaken = a.spoolStatus(), a.nameTaken.Load()
	s.Health, s.HealthMore = few(a.upstream.Held(time.Now()))
	a.bus.Report(s)
}

// secretReader opens stored secrets with the fleet's key: that of the vault, or the one that the node got when it joined.
func (a *App) secretReader() (vault.Reader, error) {
	if a.vault != nil {
		return a.vault.Reader(), nil
	}
	pair, err := seal.PairOf(a.identity.Box)
	if err != nil {
		return vault.Reader{}, fmt.Errorf("read this node's identity: %w", err)
	}
	return vault.OpenFleetKey(a.Name, pair, a.identity.Sealed)
}

// swap brings a snapshot into force in one step, once all that can fail has not.
func (a *App) swap(s *fairlead.Snapshot) error {
	if err := a.loops(s); err != nil {
		return err
	}
	if err := a.upstream.Prepare(s); err != nil {
		return fmt.Errorf("prepare providers: %w", err)
	}
	a.gateway.Swap(s)
	a.evidence.spool.Bound(s.Settings.SpoolKeep, int64(s.Settings.SpoolMax))
	return nil
}

func (a *App) controlOptions() control.Options {
	o := control.Options{
		Store: a.store, Node: a.Name, Token: a.token, Metrics: a.metrics.Handler(), Status: a.status, Fleet: a.fleet, Log: a.Log, Now: a.Clock,
		File: a.Config, Publish: a.bus.Publish, Seal: a.vault.Seal, NewJoinToken: a.joinToken,
		Listen: a.listenToRecords, TellForget: a.tellForget,
	}
	if a.edge != nil {
		o.Fits = a.fits
		o.Applied, o.Forget, o.Base = a.edge.Applied, a.upstream.Forget, a.base.document
	}
	return o
}

// settle has a node that has joined serve: its disk holds what is of this fleet.
func (a *App) settle() {
	if a.identity != nil {
		if err := a.identity.Settle(); err != nil {
			a.Log.Warn("a restart will wait for control again", "error", err.Error())
		}
	}
	a.edge.Release()
}

// edgeHandler answers at the control address of a node that has no control plane.
func (a *App) edgeHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok"}` + "\n")) // whoever asked may have left
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"code":"not_found","message":"this node is an edge: ask a control node"}}` + "\n"))
	})
	return mux
}

// set reports whether a variable has a value.
func (a *App) set(variable string) bool {
	v, _ := a.LookupEnv(variable)
	return v != ""
}

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
