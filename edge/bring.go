package edge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"fairlead"
	"fairlead/compile"
)

// outcome is what became of an attempt to bring a configuration into force.
type outcome struct {
	state    fairlead.State
	snapshot *fairlead.Snapshot // nil where there is none to be in force
	found    compile.Findings
	stamps   stamps // of the files that it refers to
	err      error
	trial    error // why the trial alone is not in force
}

// bring brings what the replica holds into force, if it can be.
func (e *Edge) bring(ctx context.Context, c cause) outcome {
	state, err := e.Replica.State(ctx)
	if err != nil {
		return outcome{err: fmt.Errorf("read this node's replica: %w", err)}
	}
	o := e.try(ctx, state)
	e.stamps = o.stamps
	switch {
	case o.err == nil && o.snapshot != nil:
		e.good, e.kept = &state, false
		if c != failure || o.trial == nil { // else nothing has changed
			e.inForce(o)
		}
	case o.err != nil && ctx.Err() == nil:
		e.goOn(ctx, c)
	}
	return o
}

// goOn keeps the last good configuration in force, and what it refers to fresh, in the place of one that cannot
// be. The first time it is what was good in the life of another process.
func (e *Edge) goOn(ctx context.Context, c cause) {
	if e.good == nil {
		state, found, err := e.Replica.Good(ctx)
		if err != nil {
			e.Log.Error("the last good configuration cannot be read", "error", err)
		}
		if err != nil || !found {
			return
		}
		e.good, e.kept = &state, true
	}
	if !e.kept {
		err := e.Replica.KeepGood(ctx, *e.good)
		if e.kept = err == nil; err != nil {
			e.Log.Warn("a restart would find no good configuration", "revision", e.good.Revision, "error", err)
		}
	}
	if c == failure {
		return
	}
	o := e.try(ctx, *e.good)
	maps.Copy(e.stamps, o.stamps)
	if o.err != nil {
		e.Log.Error("the last good configuration cannot be brought into force again", "revision", o.state.Revision, "error", o.err.Error())
		return
	}
	e.inForce(o)
}

// try compiles a state and swaps it in. Files are stamped before they are read, so that no change of them is
// missed.
func (e *Edge) try(ctx context.Context, state fairlead.State) outcome {
	o := outcome{state: state, stamps: stamps{}}
	if state.Revision == 0 && e.Base == nil {
		return o
	}
	resolve := e.resolver(ctx, o.stamps)
	o.snapshot, o.found = e.compile(state, resolve)
	if o.err = o.found.Err(); o.err != nil {
		return o
	}
	alone := o.snapshot
	both, found, err := e.withTrial(alone, state, resolve)
	for _, side := range both.Sides() {
		o.stamps.addTransports(side)
	}
	if err == nil {
		err = e.Swap(both)
	}
	switch {
	case err == nil:
		o.snapshot, o.found = both, append(o.found, found...)
	case state.Trial != nil: // what it is tried beside may still be good
		o.trial, o.err = trialRefused(state.Trial, err), e.Swap(alone)
	default:
		o.err = err
	}
	return o
}

// compile makes the snapshot of a state. It is the one place that knows how.
func (e *Edge) compile(state fairlead.State, resolve compile.Resolver) (*fairlead.Snapshot, compile.Findings) {
	if state.Revision == 0 {
		s, found := compile.Compile(e.Base, 0, resolve)
		if s != nil {
			s.At = e.Node.Started
		}
		return s, found
	}
	return e.compiler.FromState(compile.StateInput{
		Document: state.Document, Weights: state.Weights, Revision: revisionBeside(&state), At: state.At, Resolve: resolve,
	})
}

// resolver resolves what this node has. Stored secrets are read once it is asked for one.
func (e *Edge) resolver(ctx context.Context, stamped stamps) compile.Resolver {
	local := compile.Local(e.LookupEnv, e.Kept...)
	var secrets map[string]fairlead.SealedSecret
	lookup := func(name string) (value fairlead.Secret, ok bool, err error) {
		if secrets == nil {
			list, err := e.Replica.Secrets(ctx)
			if err != nil {
				return value, false, errors.New("this node's replica cannot be read")
			}
			secrets = make(map[string]fairlead.SealedSecret, len(list))
			for _, s := range list {
				secrets[s.Name] = s
			}
		}
		s, ok := secrets[name]
		if !ok || s.Deleted() {
			return value, false, nil
		}
		if e.OpenSecret == nil {
			return value, false, errors.New("this node has no key to open secrets with")
		}
		if value, err = e.OpenSecret(s); err != nil {
			return value, false, fmt.Errorf("open the secret: %w", err)
		}
		return value, true, nil
	}
	return compile.Resolver(func(r compile.Reference) (fairlead.Secret, error) {
		if r.Kind == "file" {
			stamped.add(r.Name)
		}
		return local(r)
	}).WithSecrets(lookup)
}

// inForce takes down what was brought into force. Of its findings the log has those that the one before did not
// have.
func (e *Edge) inForce(o outcome) {
	said := make(map[string]bool, len(o.found))
	for _, f := range o.found {
		text := f.String()
		if said[text] = true; !e.said[text] {
			e.Log.Warn("configuration", "finding", text)
		}
	}
	e.said = said
	attrs := []any{"revision", o.state.Revision, "models", compile.Models(o.snapshot), "endpoints", len(o.snapshot.Endpoints)}
	if t := o.snapshot.Trial; t != nil {
		attrs = append(attrs, "trial", t.ID, "tried", t.Snapshot.Revision, "percent", t.Percent)
	}
	e.Log.Info("configuration in force", attrs...)
	e.change(func() { e.revision, e.unsolved = o.state.Revision, o.found.Unresolved() })
}

// conclude takes down what became of the changes up to a position; fresh says that they have changed the
// configuration since the last round.
func (e *Edge) conclude(o outcome, at fairlead.Position, fresh bool) {
	e.mu.Lock()
	before, reached := e.refused, e.reached
	e.mu.Unlock()
	now, what := refusal{err: o.err}, "configuration refused; the running revision stays"
	if o.err == nil && o.trial != nil {
		now, what = refusal{err: o.trial, trial: o.state.Trial.ID}, "the trial is not in force here"
	}
	same := now.trial == before.trial
	if now.err != nil && same {
		now.rounds = before.rounds
	}
	// What changes beside a trial that was refused before is in force.
	if now.err != nil && fresh && (now.trial == "" || !same) {
		last := [2]int64{min(reached.Number+1, at.Number), at.Number}
		now.rounds = append(slices.Clone(now.rounds[max(0, len(now.rounds)+1-refusedRounds):]), last)
	}
	if now.err != nil && (before.err == nil || before.err.Error() != now.err.Error()) {
		e.Log.Error(what, "refused", o.state.Revision, "error", now.err.Error())
	}
	e.change(func() { e.reached, e.refused = at, now })
}
