package replica

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"fairlead"
	"fairlead/internal/jsonscan"
	"fairlead/internal/mergepatch"
)

// ErrBroken says that changes do not go on from where the replica stands: their numbers, their hashes or
// their log are not the next ones.
var ErrBroken = errors.New("the changes are no continuation of this replica's log")

// ErrUnfit says that changes cannot be applied to what the replica holds although they are the next ones. Only a
// whole copy helps.
var ErrUnfit = errors.New("the changes do not fit what the replica holds")

// batch is what changes come to once they are folded: what of the disk is other afterwards.
type batch struct {
	at      fairlead.Position
	changes []fairlead.Change
	keys    []fairlead.Key
	secrets []fairlead.SealedSecret

	accounts fairlead.AccountContent

	state    fairlead.State
	document *mergepatch.Document // nil while no patch was applied
	sum      fairlead.Hash        // that the document must have
	stated   bool                 // the state is another
}

// follow checks that changes go on from a position, and gives the one that they lead to.
func follow(at fairlead.Position, log string, changes []fairlead.Change) (fairlead.Position, error) {
	if at.Log != log && at != (fairlead.Position{}) {
		return at, fmt.Errorf("%w: they are of the log %q, not of %q", ErrBroken, log, at.Log)
	}
	at.Log = log
	for i := range changes {
		c := &changes[i]
		if c.Number != at.Number+1 {
			return at, fmt.Errorf("%w: change %d does not follow change %d", ErrBroken, c.Number, at.Number)
		}
		if c.Chain(at.Hash) != c.Hash {
			return at, fmt.Errorf("%w: change %d has another hash than its content", ErrBroken, c.Number)
		}
		at.Number, at.Hash = c.Number, c.Hash
	}
	return at, nil
}

// fold folds changes, one of which must be there, onto a state.
func fold(at fairlead.Position, state *fairlead.State, changes []fairlead.Change) (*batch, error) {
	b := &batch{at: at, changes: changes, state: *state}
	for i := range changes {
		if err := b.take(&changes[i]); err != nil {
			return nil, fmt.Errorf("%w: change %d (%s): %w", ErrUnfit, changes[i].Number, changes[i].Kind, err)
		}
	}
	if b.document == nil {
		return b, nil
	}
	// The hashes of all changes are right, so that only the last document has to be looked at.
	b.state.Document = b.document.Bytes()
	if sha256.Sum256(b.state.Document) != b.sum {
		return nil, fmt.Errorf("%w: the document of revision %d has another sum", ErrUnfit, b.state.Revision)
	}
	return b, nil
}

// take folds one change. Of nodes, and of kinds that this version does not know, it knows nothing but the
// change itself, so that an edge goes on though control is newer.
func (b *batch) take(c *fairlead.Change) error {
	switch c.Kind {
	case fairlead.ChangeRevision:
		return b.takeRevision(c)
	case fairlead.ChangeStep:
		var step fairlead.StepContent
		if err := json.Unmarshal(c.Content, &step); err != nil {
			return err
		}
		b.state.Weights, b.stated = step.Weights, true
	case fairlead.ChangeKey:
		keys, err := readKeys(c)
		b.keys = append(b.keys, keys...)
		return err
	case fairlead.ChangeAccount:
		var content fairlead.AccountContent
		if err := json.Unmarshal(c.Content, &content); err != nil {
			return err
		}
		b.accounts.Accounts = append(b.accounts.Accounts, content.Accounts...)
		b.accounts.Teams = append(b.accounts.Teams, content.Teams...)
	case fairlead.ChangeSecret:
		var secret fairlead.SealedSecret
		if err := json.Unmarshal(c.Content, &secret); err != nil {
			return err
		}
		if secret.Name == "" {
			return errors.New("the secret has no name")
		}
		b.secrets = append(b.secrets, secret)
	}
	return nil
}

func readKeys(c *fairlead.Change) ([]fairlead.Key, error) {
	var content fairlead.KeyContent
	if err := json.Unmarshal(c.Content, &content); err != nil {
		return nil, err
	}
	keys := make([]fairlead.Key, len(content.Keys))
	for i := range keys {
		keys[i] = content.Keys[i].Key()
	}
	return keys, nil
}

// keysOf gives the keys of those changes that can be read.
func keysOf(changes []fairlead.Change) (all []fairlead.Key) {
	for i := range changes {
		if changes[i].Kind == fairlead.ChangeKey {
			if keys, err := readKeys(&changes[i]); err == nil {
				all = append(all, keys...)
			}
		}
	}
	return all
}

// takeRevision folds a revision. One that the state has already is met while a copy replays the changes made
// since its first page: of it only what lies over the document is taken, which later changes bring up to date.
func (b *batch) takeRevision(c *fairlead.Change) error {
	content, err := readRevision(c.Content)
	if err != nil {
		return err
	}
	b.state.Weights, b.state.Trial, b.stated = content.Weights, content.Trial, true
	if content.Revision <= b.state.Revision {
		return nil
	}
	if content.Revision != b.state.Revision+1 {
		return fmt.Errorf("revision %d does not follow revision %d", content.Revision, b.state.Revision)
	}
	if b.document == nil {
		b.document = mergepatch.Open(b.state.Document)
	}
	b.document.MergeValue(jsonscan.Value(content.Patch))
	b.state.Revision, b.state.At, b.sum = content.Revision, c.At, content.Sum
	return nil
}

// readRevision reads a revision's content. The patch, which may be nearly all of it, stays a part of the text: encoding/json
// would read it three times (BenchmarkMissedChanges).
func readRevision(text []byte) (content fairlead.RevisionContent, err error) {
	var o jsonscan.Object
	if err := o.ScanUpTo(text, mergepatch.MaxNames); err != nil {
		return content, err
	}
	patch, patched := o.Find("patch")
	if !patched || o.Value(patch).Kind() != jsonscan.KindObject {
		return content, errors.New("the revision has no patch")
	}
	rest := slices.Concat(text[:patch.Start], []byte("null"), text[patch.End:])
	if err := json.Unmarshal(rest, &content); err != nil {
		return content, err
	}
	content.Patch = json.RawMessage(o.Value(patch))
	return content, nil
}

// configures reports whether the batch changes what an edge compiles.
func (b *batch) configures() bool { return b.stated || len(b.secrets) > 0 }
