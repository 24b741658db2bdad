package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"fairlead"
	"fairlead/internal/mergepatch"
)

// mostFaults bounds how many faults a Verified names: a chain that is broken early may be broken everywhere.
const mostFaults = 100

// Verify walks both chains from their begin, and makes from the log again what the tables hold: revisions and documents,
// keys, secrets and nodes. So it finds what was altered behind the program's back, unless the
// whole log behind it was written anew: then its head has another hash than the edges know.
func (s *Store) Verify(ctx context.Context) (fairlead.Verified, error) {
	var v verifier
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		v = verifier{q: tx}
		return v.walk(ctx)
	})
	if err != nil {
		return fairlead.Verified{}, s.fail("verify", because(ctx, err))
	}
	return v.found, nil
}

// verifier walks one state of a database.
type verifier struct {
	q     querier
	found fairlead.Verified
	hash  fairlead.Hash // of the last change or entry walked

	entries   int64 // of the audit, as the head has it
	entryHash fairlead.Hash

	// What the log makes.
	document  *mergepatch.Document
	state     fairlead.State
	revisions map[int64]fairlead.Revision // as the table has them; those that the log confirmed are taken out
	wholes    map[int64]fairlead.Hash     // sums of documents in the table
	told      map[int64]bool              // changes without their audit entry
	tables    folded
}

func (v *verifier) fault(format string, args ...any) {
	if len(v.found.Faults) < mostFaults {
		v.found.Faults = append(v.found.Faults, fmt.Sprintf(format, args...))
	}
}

func (v *verifier) walk(ctx context.Context) error {
	v.found.Faults = []string{}
	v.document, v.told, v.tables = mergepatch.Open([]byte(`{}`)), map[int64]bool{}, newFolded()
	for _, step := range []func(context.Context) error{
		v.readHead, v.readRevisions, v.readWholes, v.walkChanges, v.walkAudit, v.checkState, v.checkCourses, v.checkTables,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) readHead(ctx context.Context) error {
	p := &v.found.Position
	return v.q.QueryRowContext(ctx, `SELECT log, number, hash, entries, entry_hash FROM head WHERE id = 1`).
		Scan(&p.Log, &p.Number, scanHash(&p.Hash), &v.entries, scanHash(&v.entryHash))
}

func (v *verifier) readRevisions(ctx context.Context) error {
	v.revisions = map[int64]fairlead.Revision{}
	return each(ctx, v.q, func(r scanner) error {
		revision, err := scanRevision(r)
		v.revisions[revision.Number] = revision
		return err
	}, `SELECT `+revisionColumns+` FROM revisions`)
}

func (v *verifier) readWholes(ctx context.Context) error {
	v.wholes = map[int64]fairlead.Hash{}
	return each(ctx, v.q, func(r scanner) error {
		var n int64
		var text []byte
		err := r.Scan(&n, &text)
		v.wholes[n] = sumOf(text)
		return err
	}, `SELECT revision, document FROM documents`)
}

func (v *verifier) walkChanges(ctx context.Context) error {
	v.hash = fairlead.Hash{}
	err := each(ctx, v.q, func(r scanner) error {
		c, err := scanChange(r)
		if err != nil {
			return err
		}
		v.found.Changes++
		v.change(&c)
		return nil
	}, `SELECT `+changeColumns+` FROM changes ORDER BY number`)
	if p := v.found.Position; err == nil && (v.found.Changes != p.Number || v.hash != p.Hash) {
		v.fault("the log has %d changes and ends otherwise than its head, which is at %d", v.found.Changes, p.Number)
	}
	for n := range v.revisions {
		v.fault("revision %d is in no change of the log", n)
	}
	return err
}

func (v *verifier) change(c *fairlead.Change) {
	if c.Number != v.found.Changes {
		v.fault("change %d stands where %d should", c.Number, v.found.Changes)
	}
	if c.Chain(v.hash) != c.Hash {
		v.fault("change %d is not what was written: its hash differs", c.Number)
	}
	v.hash, v.told[c.Number] = c.Hash, true
	if err := v.fold(c); err != nil {
		v.fault("change %d cannot be read: %v", c.Number, err)
	}
}

// fold makes of a change what the tables should hold.
func (v *verifier) fold(c *fairlead.Change) error {
	switch c.Kind {
	case fairlead.ChangeRevision:
		content, err := decodeRevision(c.Content)
		if err != nil {
			return err
		}
		return v.revision(c, &content)
	case fairlead.ChangeStep:
		var step fairlead.StepContent
		err := json.Unmarshal(c.Content, &step)
		v.state.Weights = step.Weights
		return err
	}
	return v.tables.fold(c)
}

func (v *verifier) revision(c *fairlead.Change, content *fairlead.RevisionContent) error {
	v.found.Revisions++
	if err := v.document.Merge(content.Patch); err != nil {
		return err
	}
	n, sum := content.Revision, sumOf(v.document.Bytes())
	v.state = fairlead.State{Revision: n, At: c.At, Weights: content.Weights, Trial: content.Trial}
	if n != v.found.Revisions {
		v.fault("revision %d stands where %d should", n, v.found.Revisions)
	}
	if sum != content.Sum {
		v.fault("revision %d: its patch does not make the document whose sum it names", n)
	}
	if whole, ok := v.wholes[n]; ok && whole != content.Sum {
		v.fault("revision %d: the document that is kept is not the one that was committed", n)
	}
	if have, ok := v.revisions[n]; !ok || have != revisionOf(c, content) {
		v.fault("revision %d: the table of revisions says something else than the log", n)
	}
	delete(v.revisions, n)
	delete(v.wholes, n)
	return nil
}

func (v *verifier) walkAudit(ctx context.Context) error {
	v.hash = fairlead.Hash{}
	err := each(ctx, v.q, func(r scanner) error {
		e, err := scanEntry(r)
		if err != nil {
			return err
		}
		v.found.Entries++
		if e.Number != v.found.Entries {
			v.fault("audit entry %d stands where %d should", e.Number, v.found.Entries)
		}
		if e.Chain(v.hash) != e.Hash {
			v.fault("audit entry %d is not what was written: its hash differs", e.Number)
		}
		if e.Change != 0 && !v.told[e.Change] {
			v.fault("audit entry %d names change %d, which is not there or has an entry already", e.Number, e.Change)
		}
		delete(v.told, e.Change)
		v.hash = e.Hash
		return nil
	}, `SELECT `+auditColumns+` FROM audit ORDER BY number`)
	if err == nil && (v.found.Entries != v.entries || v.hash != v.entryHash) {
		v.fault("the audit has %d entries and ends otherwise than its head, which is at %d", v.found.Entries, v.entries)
	}
	for n := range v.told {
		v.fault("change %d has no audit entry", n)
	}
	return err
}

func (v *verifier) checkState(ctx context.Context) error {
	have, err := scanState(v.q.QueryRowContext(ctx, `SELECT `+stateColumns+` FROM state WHERE id = 1`))
	if err != nil {
		return err
	}
	v.state.Document = v.document.Bytes()
	want, err := encode(&v.state)
	if err != nil {
		return err
	}
	got, err := encode(&have.State)
	if err == nil && string(got) != string(want) {
		v.fault("the configuration is not the one of the last revision and step")
	}
	for n := range v.wholes {
		v.fault("a document of revision %d is kept, which is in no change of the log", n)
	}
	return err
}

// checkCourses holds that what is under way is in force: of a ramp its weight, of a trial its revision.
func (v *verifier) checkCourses(ctx context.Context) error {
	open, err := openCourses(ctx, v.q)
	for i := range open {
		c := &open[i]
		_, laid := v.state.Weights[c.Endpoint]
		if c.Kind == fairlead.CourseTrial {
			laid = v.state.Trial != nil && v.state.Trial.ID == c.ID
		}
		if !laid {
			v.fault("%s %s is under way, but the log has ended it", c.Kind, c.ID)
		}
	}
	return err
}

func decodeRevision(content []byte) (c fairlead.RevisionContent, err error) {
	err = json.Unmarshal(content, &c)
	return c, err
}
