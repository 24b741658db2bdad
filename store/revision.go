package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"fairlead"
)

// stateRow is the row of the configuration as it is now.
type stateRow struct {
	fairlead.State
	whole   int64 // the last revision whose document is kept whole
	patched int64 // bytes of the patches since
}

const stateColumns = `revision, at, document, weights, trial, whole, patched`

func scanState(r scanner, more ...any) (st stateRow, err error) {
	var at int64
	var weights, trial []byte
	to := []any{&st.Revision, &at, &st.Document, &weights, &trial, &st.whole, &st.patched}
	if err := r.Scan(append(to, more...)...); err != nil {
		return st, err
	}
	if st.Revision > 0 {
		st.At = fromMicros(at)
	}
	if len(weights) > 0 {
		err = json.Unmarshal(weights, &st.Weights)
	}
	if len(trial) > 0 {
		st.Trial = &fairlead.Trial{}
		err = errors.Join(err, json.Unmarshal(trial, st.Trial))
	}
	return st, err
}

// State gives all of the configuration, and the position of the log that it is of.
func (s *Store) State(ctx context.Context) (st fairlead.State, p fairlead.Position, err error) {
	err = s.read(ctx, "read configuration", func(ctx context.Context, q querier) error {
		row, err := scanState(q.QueryRowContext(ctx,
			`SELECT `+stateColumns+`, log, number, hash FROM state JOIN head ON head.id = state.id WHERE state.id = 1`),
			&p.Log, &p.Number, scanHash(&p.Hash))
		st = row.State
		return err
	})
	return st, p, err
}

// CommitRevision makes the next revision after c.Base; CodeStale where Base is not the last one. Number and sum of the content are
// filled in. The document must be what the patch makes of the one before, byte for byte, for that
// is what edges will make of it. The commit's course begins or is kept in the same transaction; courses of which the revision
// leaves nothing end, and the weights of those that go on are those in force by then.
func (s *Store) CommitRevision(ctx context.Context, c fairlead.Commit) (r fairlead.Revision, change fairlead.Change, err error) {
	content := c.Content
	content.Revision, content.Sum = c.Base+1, sumOf(c.Document)
	if len(content.Patch) == 0 {
		content.Patch = json.RawMessage(`{}`)
	}
	if err := storable(string(c.Document), content.Why); err != nil {
		return r, change, err
	}
	examined, err := s.examine(ctx, c.Base, content.Patch, c.Document)
	if err != nil {
		return r, change, err
	}
	w, err := s.write(ctx, "commit revision", c.Act, func(ctx context.Context, w *writer) error {
		before, err := w.stateExamined(ctx, c.Base, examined)
		if err != nil {
			return err
		}
		if before.Document != nil { // of another state than was examined
			if err := makes(before.Document, content.Patch, c.Document); err != nil {
				return err
			}
		}
		courses, err := w.readCourses(ctx, c.Course)
		if err != nil {
			return fmt.Errorf("read courses: %w", err)
		}
		content := content // f may run again
		content.Weights = courses.weights(&content, before.Weights)
		change, err := w.append(ctx, fairlead.ChangeRevision, &content)
		if err != nil {
			return err
		}
		r = revisionOf(&change, &content)
		if err := w.insertRevision(ctx, &r); err != nil {
			return fmt.Errorf("keep revision: %w", err)
		}
		if err := w.keepDocument(ctx, before, &content, c.Document); err != nil {
			return err
		}
		return courses.settle(ctx, w, &content)
	})
	if err != nil {
		return fairlead.Revision{}, fairlead.Change{}, err
	}
	return r, w.change, nil
}

// revisionOf is the revision that a change carries.
func revisionOf(c *fairlead.Change, content *fairlead.RevisionContent) fairlead.Revision {
	r := fairlead.Revision{
		Number: content.Revision, Change: c.Number, At: c.At, By: c.By, Why: content.Why, Origin: content.Origin,
		Restores: content.Restores, Sum: content.Sum, Percent: 100,
	}
	if content.Trial != nil && content.Trial.Revision == r.Number {
		r.Percent = content.Trial.Percent
	}
	return r
}

// stateAt reads the configuration inside a write; CodeStale where its revision is not base.
func (w *writer) stateAt(ctx context.Context, base int64) (stateRow, error) {
	st, err := scanState(w.tx.QueryRowContext(ctx, `SELECT `+stateColumns+` FROM state WHERE id = 1`))
	if err != nil {
		return st, fmt.Errorf("read configuration: %w", err)
	}
	if st.Revision != base {
		return st, &fairlead.Error{
			Code:    fairlead.CodeStale,
			Message: "the configuration is at revision " + strconv.FormatInt(st.Revision, 10) + ", not at " + strconv.FormatInt(base, 10),
		}
	}
	return st, nil
}

// CommitStep lays other weights over the document of revision base, without a revision; CodeStale where base is not
// the last one.
func (s *Store) CommitStep(ctx context.Context, base int64, step fairlead.StepContent, act fairlead.Act) (fairlead.Change, error) {
	w, err := s.write(ctx, "commit step", act, func(ctx context.Context, w *writer) error {
		var revision int64
		if err := w.tx.QueryRowContext(ctx, `SELECT revision FROM state WHERE id = 1`).Scan(&revision); err != nil {
			return fmt.Errorf("read configuration: %w", err)
		}
		if revision != base {
			_, err := w.stateAt(ctx, base)
			return err
		}
		return w.step(ctx, &step)
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

func (w *writer) step(ctx context.Context, step *fairlead.StepContent) error {
	weights, err := optional(len(step.Weights) > 0, step.Weights)
	if err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(ctx, `UPDATE state SET weights = $1 WHERE id = 1`, weights); err != nil {
		return fmt.Errorf("keep weights: %w", err)
	}
	_, err = w.append(ctx, fairlead.ChangeStep, step)
	return err
}

// optional encodes a value; "" where there is none.
func optional(is bool, v any) (string, error) {
	if !is {
		return "", nil
	}
	text, err := encode(v)
	return string(text), err
}

const revisionColumns = `number, change, at, author, why, origin, restores, sum, percent`

func (w *writer) insertRevision(ctx context.Context, r *fairlead.Revision) error {
	_, err := w.tx.ExecContext(ctx, `INSERT INTO revisions (`+revisionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.Number, r.Change, r.At.UnixMicro(), r.By, r.Why, string(r.Origin), r.Restores, r.Sum[:], int64(r.Percent))
	return err
}

func scanRevision(s scanner) (r fairlead.Revision, err error) {
	var at int64
	err = s.Scan(&r.Number, &r.Change, &at, &r.By, &r.Why, (*string)(&r.Origin), &r.Restores, scanHash(&r.Sum), &r.Percent)
	r.At = fromMicros(at)
	return r, err
}

// Revision gives one revision, without its document; CodeNotFound where there is none of this number.
func (s *Store) Revision(ctx context.Context, n int64) (r fairlead.Revision, err error) {
	err = s.read(ctx, "read revision", func(ctx context.Context, q querier) (err error) {
		r, err = scanRevision(q.QueryRowContext(ctx, `SELECT `+revisionColumns+` FROM revisions WHERE number = $1`, n))
		return missing(err, "there is no revision "+strconv.FormatInt(n, 10), "fairlead revisions lists them")
	})
	return r, err
}

// Revisions lists at most limit revisions before a number, newest first; before 0 begins at the newest.
func (s *Store) Revisions(ctx context.Context, before int64, limit int) (all []fairlead.Revision, err error) {
	err = s.read(ctx, "list revisions", func(ctx context.Context, q querier) (err error) {
		all, err = list(ctx, q, scanRevision, `SELECT `+revisionColumns+` FROM revisions WHERE number < $1 ORDER BY number DESC LIMIT $2`,
			fromNewest(before), max(limit, 0))
		return err
	})
	return all, err
}

// fromNewest is the number to list before.
func fromNewest(before int64) int64 {
	if before <= 0 {
		return 1<<63 - 1
	}
	return before
}
