package edge

import (
	"bytes"
	"fmt"

	"fairlead"
	"fairlead/compile"
	"fairlead/internal/mergepatch"
)

// trying makes the side of a trial, of one trial at a time.
type trying struct {
	trial    string // its id
	compiler compile.Incremental
	document []byte // that is patched
	patch    []byte
	merged   []byte // of both
}

// withTrial lays the side of a state's trial beside the snapshot of the rest; the snapshot itself stays as it is.
func (e *Edge) withTrial(s *fairlead.Snapshot, state fairlead.State, resolve compile.Resolver) (*fairlead.Snapshot, compile.Findings, error) {
	t := state.Trial
	if t == nil {
		e.trying = trying{}
		return s, nil, nil
	}
	if e.trying.trial != t.ID {
		e.trying = trying{trial: t.ID}
	}
	tried, found, err := e.trying.snapshot(s, state, resolve)
	if err != nil {
		return s, found, err
	}
	both := *s
	both.Trial = &fairlead.SnapshotTrial{ID: t.ID, Percent: t.Percent, Snapshot: tried}
	return &both, found, nil
}

// snapshot makes the one on trial, with the weights laid over it as they are over the other.
func (t *trying) snapshot(beside *fairlead.Snapshot, state fairlead.State, resolve compile.Resolver) (*fairlead.Snapshot, compile.Findings, error) {
	if t.merged == nil || !bytes.Equal(t.document, state.Document) || !bytes.Equal(t.patch, state.Trial.Patch) {
		merged := mergepatch.Open(state.Document)
		if err := merged.Merge(state.Trial.Patch); err != nil {
			return nil, nil, fmt.Errorf("apply merge patch: %w", err)
		}
		t.document, t.patch, t.merged = state.Document, state.Trial.Patch, merged.Bytes()
	}
	s, found := t.compiler.FromState(compile.StateInput{
		Document: t.merged, Weights: state.Weights, Revision: state.Trial.Revision, At: state.At, Resolve: resolve, Beside: beside,
	})
	return s, found, found.Err()
}

// revisionBeside is the revision of what serves all that is not on trial. The one that began the trial is its name:
// beside it serves the one before, whose document that one has left as it was.
func revisionBeside(s *fairlead.State) int64 {
	if s.Trial != nil && s.Trial.Revision == s.Revision {
		return s.Revision - 1
	}
	return s.Revision
}

// trialRefused says why a trial is not in force here.
func trialRefused(t *fairlead.Trial, err error) error {
	return fmt.Errorf("the trial of revision %d is not in force on this node: %w", t.Revision, err)
}
