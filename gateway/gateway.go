// Package gateway is the data plane's front: the listener, the table of addresses, and the story of
// one exchange (exchange.go) from its arrival to its settlement.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/admit"
	"fairlead/dialect"
	"fairlead/gateway/front"
	"fairlead/upstream"
)

// Observer is told of every exchange: that it arrived, and what it did when it is over. It does not
// keep the record: its memory is used again.
type Observer interface {
	Entered(*fairlead.Record)
	Left(*fairlead.Record)
}

// Options is what a gateway is made of.
type Options struct {
	Door     *admit.Door
	Upstream *upstream.Upstream
	Dialects []dialect.Dialect // the caller's languages
	Observer Observer
	Log      *slog.Logger
	OwnPace  bool // the operator steers the garbage collector
	// Node is this node's name, which the ids of its exchanges tell.
	Node string
	// Clock dates exchanges, in their ids and records; nil: time.Now. What lasts is measured without it.
	Clock func() time.Time
	// Stale reports whether nothing is heard of control; nil: never.
	Stale func() bool
	// Intents is told of each exchange that is about to be sent; nil: nobody is.
	Intents Intents
}

// Intents is told of an exchange before anything is sent to a provider for it. Once it has been, the exchange's
// record says so (Record.Intended) and the Observer is told of its end. It keeps no part of the record.
type Intents interface {
	Intend(*fairlead.Record)
}

// Gateway serves the data plane.
type Gateway struct {
	Options
	tag      fairlead.Tag
	book     addressBook
	dialects map[fairlead.Dialect]dialect.Dialect
	snapshot atomic.Pointer[fairlead.Snapshot]
	draining atomic.Bool
	bodies   bodies
	// exchanges keeps the memory of ended ones.
	exchanges sync.Pool
	patience  patience
	front     *front.Server
}

// patience is how long callers may take; tests have less of it.
type patience struct {
	body  time.Duration // for a body to bring bodyProgress bytes more
	write time.Duration // to take what was written
}

const (
	headerTime = 10 * time.Second // for a request's headers and the first of its body to arrive
	idleTime   = 2 * time.Minute  // of a kept connection between requests
	maxHeaders = 64 << 10
)

// New makes a gateway that has no snapshot yet: it is not ready before the first Swap.
func New(o Options) *Gateway {
	g := &Gateway{Options: o, tag: fairlead.TagOf(o.Node), book: newAddressBook(), dialects: map[fairlead.Dialect]dialect.Dialect{}}
	g.patience = patience{body: bodyWindow, write: writeTime}
	g.bodies.pace.off = o.OwnPace
	g.exchanges.New = func() any { return &exchange{walk: new(upstream.Walk)} }
	for _, d := range o.Dialects {
		g.dialects[d.Name()] = d
	}
	g.front = front.New(front.Options{
		Handler: g, Malformed: g.refuse, HeaderTime: headerTime, IdleTime: idleTime, WriteTime: writeTime, MaxHeader: 2 * maxHeaders, Log: o.Log,
	})
	return g
}

// Swap makes a snapshot the one that exchanges enter under from now on; those in flight keep theirs.
func (g *Gateway) Swap(s *fairlead.Snapshot) { g.snapshot.Store(s) }

// Snapshot is the one that exchanges enter under now; nil before the first Swap.
func (g *Gateway) Snapshot() *fairlead.Snapshot { return g.snapshot.Load() }

// Serve takes connections from l until Shutdown. With cert and key files it speaks TLS.
func (g *Gateway) Serve(l net.Listener, cert, key string) error {
	done, paced := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(paced)
		g.bodies.pace.run(done)
	}()
	defer func() {
		close(done)
		<-paced
	}()
	err := g.front.Serve(l, cert, key)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve data plane: %w", err)
}

// Shutdown refuses new exchanges, lets those in flight end, and breaks those off that are not done
// when ctx is.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.draining.Store(true)
	err := g.front.Shutdown(ctx)
	if err != nil {
		_ = g.front.Close() // what is left is broken off; Shutdown's error tells that there was some
	}
	return err
}

// ServeHTTP finds the address and serves it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer g.recovered(r)
	if closes(r) {
		closeAfter(w, r)
	}
	a := g.book.find(r.URL.Path)
	if a == nil || a.op == 0 || r.Method != a.method { // all but an exchange, which bounds its own writes
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(g.patience.write)) // fails where the caller has left
	}
	switch {
	case headerSize(r) > maxHeaders:
		closeAfter(w, r)
		g.refuse(w, r, fairlead.Errorf(fairlead.CodeHeadersTooLarge, "the request's headers and address are larger than "+fairlead.Bytes(maxHeaders).String()))
	case a == nil:
		g.refuse(w, r, fairlead.Errorf(fairlead.CodeNotFound, "nothing is served at this path"))
	case r.Method != a.method && !(r.Method == http.MethodHead && a.method == http.MethodGet):
		w.Header().Set("Allow", a.method)
		g.refuse(w, r, fairlead.Errorf(fairlead.CodeMethodNotAllowed, "this path is served with "+a.method))
	default:
		a.serve(g, w, r, a)
	}
}

// recovered tells of a defect outside of any exchange.
func (g *Gateway) recovered(r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if !aborted(v) {
		g.Log.Error("defect", "panic", fmt.Sprint(v), "path", r.URL.Path, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler) // nothing clean can follow whatever was sent
}

// aborted reports whether a panic is the way to break a connection off.
func aborted(v any) bool {
	err, ok := v.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// refuse answers what is no exchange with an error in the caller's likely dialect.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, e *fairlead.Error) {
	g.writeError(w, g.dialects[callersDialect(r)], e, fairlead.NewExchangeID(g.tag, g.date(time.Now())))
}

// date is what the clock shows at a moment that is now.
func (g *Gateway) date(now time.Time) time.Time {
	if g.Clock == nil {
		return now
	}
	return g.Clock()
}

func (g *Gateway) livez(w http.ResponseWriter, _ *http.Request, _ *address) {
	writeText(w, http.StatusOK, "ok\n")
}

// readyz says whether exchanges would be let in. It never calls a provider.
func (g *Gateway) readyz(w http.ResponseWriter, _ *http.Request, _ *address) {
	switch {
	case g.draining.Load():
		writeText(w, http.StatusServiceUnavailable, "draining\n")
	case g.snapshot.Load() == nil:
		writeText(w, http.StatusServiceUnavailable, "no configuration yet\n")
	case g.Stale != nil && g.Stale():
		writeText(w, http.StatusOK, "ok, but stale: nothing is heard of control\n")
	default:
		writeText(w, http.StatusOK, "ok\n")
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // whoever asked may have left
}
