// Package helm drives ramps and trials, on whatever control node leads: each second it looks at what is under way, has
// package steer judge the evidence that edges send, and takes the step or makes the end that follows.
//
// The store is the memory. What is decided is written in one transaction, in the version that was read, and only then
// believed; a decision that cannot be written is dropped, and made anew at the next look. So a node that was
// paused, cut off or killed takes no step twice, and another one goes on where it was.
package helm

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"fairlead"
	"fairlead/compile"
	"fairlead/steer"
)

const (
	// every is how often the node that leads looks.
	every = time.Second
	// lookTime bounds what one look asks of the store.
	lookTime = 10 * time.Second
	// task is what the lead is of.
	task = "ramps"
)

// Store is the truth, as far as ramps and trials need it.
type Store interface {
	Lead(ctx context.Context, task string, f func(context.Context) error) error
	Head(ctx context.Context) (fairlead.Position, error)
	State(ctx context.Context) (fairlead.State, fairlead.Position, error)
	OpenCourses(ctx context.Context) ([]fairlead.Course, error)
	// KeepCourse and StepCourse are CodeStale where the course is not in the version that it was read with.
	KeepCourse(ctx context.Context, c fairlead.Course) error
	StepCourse(ctx context.Context, s fairlead.WeightStep) (fairlead.Change, error)
}

// Options are what a helm is made of.
type Options struct {
	Node  string // this one
	Store Store
	// End makes the revision with which a course ends, and publishes it; CodeStale as above.
	End func(ctx context.Context, c fairlead.Course, act fairlead.Act) (fairlead.Change, error)
	// Publish sends a committed change down.
	Publish func(fairlead.Change)
	// Tell tells all edges what they have to count.
	Tell func(steer.Watch)
	// Hear calls f with what edges have counted, until ctx ends.
	Hear  func(ctx context.Context, f func(steer.Report)) error
	Clock func() time.Time // nil = time.Now
	Log   *slog.Logger     // nil = discarded
}

// Helm drives while it leads.
type Helm struct{ Options }

// New makes a helm.
func New(o Options) *Helm {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Helm{o}
}

// Run waits for the lead and drives while it has it, until ctx ends.
func (h *Helm) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := h.Store.Lead(ctx, task, h.lead)
		if ctx.Err() != nil {
			return
		}
		h.Log.Warn("ramps and trials are left to another node", "error", errorText(err))
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}

// lead drives until ctx ends. What the node that led before had in mind is not known: evidence is gathered anew.
func (h *Helm) lead(ctx context.Context) error {
	w := h.watch()
	hearing := make(chan error, 1)
	listen, deaf := context.WithCancel(ctx)
	go func() { hearing <- h.Hear(listen, w.hear) }()
	defer func() {
		deaf()
		<-hearing
	}()
	looks := time.NewTicker(every)
	defer looks.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-hearing:
			hearing <- err
			return errors.Join(errors.New("nothing is heard of edges"), err)
		case <-looks.C:
			w.look(ctx)
		}
	}
}

func (h *Helm) watch() *watch {
	return &watch{Helm: h, peers: compile.Peers, tracks: map[string]*track{}}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
