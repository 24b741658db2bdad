package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fairlead"
)

const (
	// lostAhead is how far ahead of this node's clock a lost change may be dated: control nodes' clocks differ.
	lostAhead = 15 * time.Minute
	// refusalPace is the least time between two entries of the audit about what was refused of one node.
	refusalPace = time.Minute
)

// errUnsound tells of a change that is not what its hash says, or not where the report puts it.
var errUnsound = errors.New("the report does not hold")

// lostChange is a change with the hash of the one before it.
type lostChange struct {
	heard
	before fairlead.Hash
}

// sound holds the content against the hash.
func (l *lostChange) sound() error {
	if l.large || len(l.Content) == 0 || (l.Number == 1) != (l.before == fairlead.Hash{}) || l.Chain(l.before) != l.Hash {
		return fmt.Errorf("%w: change %d has another hash than its content", errUnsound, l.Number)
	}
	return nil
}

// lostReport is what an edge tells of changes that a log has lost.
type lostReport struct {
	common  fairlead.Position // the last change that both logs have
	at      int64             // the change that the edge stands at
	changes []lostChange
}

// of is a report of some of its changes.
func (r lostReport) of(changes []lostChange) lostReport {
	r.changes = changes
	return r
}

// sound holds a report against itself: its changes come after what both logs have and not after where the edge stands, in order, and
// each is chained to the one before it. The clock is not asked.
func (r *lostReport) sound() error {
	last := r.common
	for i := range r.changes {
		l := &r.changes[i]
		if l.Number <= last.Number || l.Number > r.at {
			return fmt.Errorf("%w: change %d stands between %d and %d", errUnsound, l.Number, last.Number, r.at)
		}
		if l.Number == last.Number+1 && l.before != last.Hash {
			return fmt.Errorf("%w: change %d does not follow the one before it", errUnsound, l.Number)
		}
		if err := l.sound(); err != nil {
			return err
		}
		last = fairlead.Position{Number: l.Number, Hash: l.Hash}
	}
	return nil
}

// check is sound, held against the log too.
func (s *source) check(ctx context.Context, r *lostReport) error {
	if err := r.sound(); err != nil {
		return err
	}
	has, err := s.log.HasChange(ctx, r.common.Number, r.common.Hash)
	if err == nil && !has {
		err = fmt.Errorf("%w: it begins behind change %d, which this log does not have so", errUnsound, r.common.Number)
	}
	return err
}

// keepLost keeps what is as its hash says: what is reported is the only evidence of what a restore has undone. What is dated after now
// is left out, and the rest kept: an edge that cannot report waits for ever.
func (s *source) keepLost(ctx context.Context, node string, r lostReport) error {
	if err := s.check(ctx, &r); errors.Is(err, errUnsound) {
		s.refuse(ctx, node, len(r.changes), err.Error())
		return &fairlead.Error{Code: fairlead.CodeInvalidRequest, Message: "a change is not what its hash says", Err: fmt.Errorf("report of %s: %w", node, err)}
	} else if err != nil {
		return err
	}
	changes := make([]fairlead.Change, 0, len(r.changes))
	bound := s.b.o.Clock().Add(lostAhead)
	for i := range r.changes {
		if c := &r.changes[i].Change; !c.At.After(bound) {
			changes = append(changes, *c)
		}
	}
	if late := len(r.changes) - len(changes); late > 0 {
		s.refuse(ctx, node, late, "dated after now")
	}
	if len(changes) == 0 {
		return nil
	}
	made, err := s.log.ReportLost(ctx, node, changes)
	s.madeAgain(node, made)
	return err
}

// revoked takes keys that an edge has as revoked and this log as good.
func (s *source) revoked(ctx context.Context, node string, body []byte) ([]byte, error) {
	p, err := decodeKeys(body)
	if err != nil {
		return nil, err
	}
	if len(p.Keys) > lostPage {
		return nil, fairlead.Errorf(fairlead.CodeInvalidRequest, "these are too many keys for one report")
	}
	made, err := s.log.RevokeLost(ctx, node, p.Keys)
	s.madeAgain(node, made)
	return nil, err
}

// madeAgain tells edges of the changes that a report has made.
func (s *source) madeAgain(node string, made []fairlead.Change) {
	for i := range made {
		s.b.o.Log.Warn("what this log had lost is so again", "told_by", node, "change", made[i].Number, "kind", made[i].Kind)
		s.b.Publish(made[i])
	}
}

// refuse takes down in the audit that something a node reported was not taken: once a minute, for a node can send as much as it likes.
func (s *source) refuse(ctx context.Context, node string, changes int, why string) {
	if _, due := s.uploads.refused.Due(node); !due {
		return
	}
	act := fairlead.Act{At: s.b.o.Clock(), By: node, Action: "log.refused", Target: fmt.Sprintf("%d lost changes", changes), Why: why}
	if err := s.log.Note(ctx, act); err != nil {
		s.b.o.Log.Warn("that a report was refused is not in the audit", "node", node, "error", err)
	}
}
