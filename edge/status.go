package edge

import (
	"context"
	"slices"

	"fairlead"
)

// Applied waits until the data plane stands at a change. An error says that ctx ended before, or that the change
// is one of those whose configuration this node could not bring into force.
func (e *Edge) Applied(ctx context.Context, number int64) error {
	for {
		e.mu.Lock()
		reached, refused, changed := e.reached.Number, e.refused, e.changed
		e.mu.Unlock()
		if reached >= number {
			switch {
			case !refused.has(number):
				return nil
			case refused.trial != "":
				return &fairlead.Error{
					Code: fairlead.CodeInternal, Message: "this node cannot bring the trial into force; its exchanges go by what is beside it", Err: refused.err,
				}
			}
			return &fairlead.Error{
				Code: fairlead.CodeInternal, Message: "this node cannot bring the configuration into force; its running revision stays", Err: refused.err,
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// has reports whether a change is of a round that brought a refused configuration.
func (r *refusal) has(number int64) bool {
	return slices.ContainsFunc(r.rounds, func(round [2]int64) bool { return round[0] <= number && number <= round[1] })
}

// Status is what this node says of itself. Its position is the one that the data plane stands at: a change that is on the disk
// and not compiled yet is not there.
func (e *Edge) Status() fairlead.NodeStatus {
	s := e.Node
	s.At = e.Clock().UTC()
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Position = e.reached
	s.Revision, s.Unresolved, s.Stale, s.Loading = e.revision, e.unsolved, e.stale, e.loading
	if e.held && s.Loading == "" {
		s.Loading = "waits for the log of its fleet"
	}
	if e.refused.err != nil {
		s.ConfigError = e.refused.err.Error()
	}
	return s
}

// SetStale takes down whether this node hears the log. The log has a line when that changes: who is cut off can tell
// nobody else.
func (e *Edge) SetStale(stale bool) {
	var was bool
	var at int64
	e.change(func() { was, e.stale, at = e.stale, stale, e.reached.Number })
	switch {
	case stale && !was:
		e.Log.Warn("this node hears nothing of control: it serves on by what it has, and is stale", "at", at)
	case was && !stale:
		e.Log.Info("this node hears control again", "at", at)
	}
}

// Stale reports whether this node hears nothing of the log.
func (e *Edge) Stale() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stale
}

// SetLoading takes down how far a whole copy is; "" = none is under way.
func (e *Edge) SetLoading(what string) {
	var was string
	e.change(func() { was, e.loading = e.loading, what })
	switch {
	case was == "" && what != "":
		e.Log.Info("a whole copy of the log is being made; what was there serves meanwhile", "loading", what)
	case was != "" && what == "":
		e.Log.Info("the whole copy is over")
	}
}

// Hold has nothing brought into force until Release: it is not known whose the configuration on this node's disk is.
func (e *Edge) Hold() { e.change(func() { e.held = true }) }

// Release ends a Hold. Run goes on by itself.
func (e *Edge) Release() { e.change(func() { e.held = false }) }

func (e *Edge) holds() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held
}
