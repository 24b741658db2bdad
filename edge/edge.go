// Package edge keeps an edge's data plane at what its replica holds: replica -> compile -> swap. What cannot be
// brought into force leaves the last good snapshot serving, and the node's status says why.
package edge

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"fairlead"
	"fairlead/compile"
)

const (
	// look is how often files that the configuration refers to are looked at, for some systems tell of no
	// changes; retry is how often what was refused is tried again though none of them changed.
	look  = 2 * time.Second
	retry = 10 * time.Second
	// report is how often the status is reported though nothing of it changed.
	report = time.Second
	// refusedRounds bounds what is remembered of refused changes, for those who still wait for them.
	refusedRounds = 100
)

// Replica is what an edge asks its own disk.
type Replica interface {
	// Now tells the position, a number that grows whenever the configuration or a secret changes, and a channel
	// that is closed once either is another.
	Now() (at fairlead.Position, config uint64, over <-chan struct{})
	State(ctx context.Context) (fairlead.State, error)
	Secrets(ctx context.Context) ([]fairlead.SealedSecret, error)
	// KeepGood remembers the last configuration that could be brought into force, Good gives it.
	KeepGood(ctx context.Context, s fairlead.State) error
	Good(ctx context.Context) (s fairlead.State, found bool, err error)
}

// Options are what an edge is made of.
type Options struct {
	Replica Replica
	// Node is what does not change of the status: names, version, times of the process.
	Node fairlead.NodeStatus
	// Swap prepares a snapshot and puts it in force, or says why it cannot be.
	Swap func(*fairlead.Snapshot) error
	// Base is in force, as revision 0, while there has been no revision; nil = nothing is.
	Base *fairlead.Config
	// LookupEnv resolves ${env:NAME}; nil = os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Kept are files and folders of the node's own, which no ${file:...} leads to.
	Kept []string
	// OpenSecret opens a stored secret; nil = none can be opened here. Its errors must hold no part of a value.
	OpenSecret func(fairlead.SealedSecret) (fairlead.Secret, error)
	// Report is told the status each second and whenever it changes; nil = nobody is.
	Report func(fairlead.NodeStatus)
	Clock  func() time.Time // of the status; nil = time.Now
	Log    *slog.Logger     // nil = discarded
}

// cause is why a configuration is compiled.
type cause uint8

const (
	nothing    cause = iota
	failure          // it was refused, and is tried once more
	references       // what it refers to may have changed
	content          // it is another, or a secret is
)

// Edge is the loop. New makes it, Load brings what is held into force, Run keeps it so.
type Edge struct {
	Options
	again chan struct{} // asks to resolve references again; one request is enough

	rounds   sync.Mutex // one at a time
	compiler compile.Incremental
	trying   trying
	config   uint64 // of the last round, as Replica.Now gave it
	began    bool
	good     *fairlead.State // in force
	kept     bool            // the replica has it as the good one
	stamps   stamps          // of the files that were read, from before they were
	tried    time.Time
	said     map[string]bool // findings that the log has

	mu       sync.Mutex
	reached  fairlead.Position // the last change that a round looked at
	revision int64             // in force
	refused  refusal
	unsolved []string // of what is in force
	stale    bool
	held     bool // nothing is brought into force
	loading  string
	changed  chan struct{} // closed when any of these does
}

// refusal is why the configuration held is not in force.
type refusal struct {
	err    error
	trial  string     // it was refused alone, by its id; "" = everything was
	rounds [][2]int64 // the first and the last change of each round that brought a refused one, the latest ones
}

// New makes an edge.
func New(o Options) *Edge {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Edge{Options: o, again: make(chan struct{}, 1), changed: make(chan struct{}), stamps: stamps{}, said: map[string]bool{}}
}

// Again has references resolved again, such as after a signal or when the key that opens secrets came; it does
// not wait.
func (e *Edge) Again() {
	select {
	case e.again <- struct{}{}:
	default: // asked for already
	}
}

// Load brings what the replica holds into force now. An error says why that could not be done; what was good
// before serves then, and Run goes on trying.
func (e *Edge) Load(ctx context.Context) error {
	e.round(ctx, nothing)
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused.err
}

// Run keeps the data plane at what the replica holds, until ctx ends.
func (e *Edge) Run(ctx context.Context) {
	looks, reports := time.NewTicker(look), time.NewTicker(report)
	defer looks.Stop()
	defer reports.Stop()
	next := nothing
	for ctx.Err() == nil {
		over := e.round(ctx, next)
		next = nothing
		changed := e.whenChanged()
		if e.Report != nil && ctx.Err() == nil {
			e.Report(e.Status())
		}
		select {
		case <-ctx.Done():
		case <-over:
		case <-e.again:
			next = references
		case <-looks.C:
			next = e.due()
		case <-changed:
		case <-reports.C:
		}
	}
}

// due tells what there is to do though the replica holds the same.
func (e *Edge) due() cause {
	e.rounds.Lock()
	defer e.rounds.Unlock()
	e.mu.Lock()
	refused := e.refused.err != nil
	e.mu.Unlock()
	switch {
	case e.stamps.changed():
		return references
	case refused && time.Since(e.tried) >= retry:
		return failure
	}
	return nothing
}

// round looks at what the replica holds and brings it into force where it is another than at the last round, or
// where there is another cause. It gives a channel that is closed when there is something to look at again.
func (e *Edge) round(ctx context.Context, c cause) (over <-chan struct{}) {
	e.rounds.Lock()
	defer e.rounds.Unlock()
	at, config, over := e.Replica.Now()
	if e.holds() {
		return over
	}
	fresh := !e.began || config != e.config
	if fresh {
		c = content
	}
	if c == nothing {
		e.reach(at)
		return over
	}
	o := e.bring(ctx, c)
	if ctx.Err() != nil {
		return over
	}
	e.began, e.config, e.tried = true, config, time.Now()
	e.conclude(o, at, fresh)
	return over
}

// whenChanged is closed when the status changes.
func (e *Edge) whenChanged() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

// change changes what the status says, and tells who waits.
func (e *Edge) change(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *Edge) reach(at fairlead.Position) {
	e.mu.Lock()
	same := e.reached == at
	e.mu.Unlock()
	if !same {
		e.change(func() { e.reached = at })
	}
}
