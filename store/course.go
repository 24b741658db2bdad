package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"fairlead"
)

const courseColumns = `id, kind, endpoint, revision, version, state, seen, begun, ended, outcome, why`

func scanCourse(r scanner) (c fairlead.Course, err error) {
	var begun int64
	var ended sql.NullInt64
	var state, seen []byte
	err = r.Scan(&c.ID, (*string)(&c.Kind), &c.Endpoint, &c.Revision, &c.Version, &state, &seen, &begun, &ended, (*string)(&c.End), &c.Why)
	if err != nil {
		return c, err
	}
	c.State, c.Begun, c.Ended = state, fromMicros(begun), fromNull(ended)
	if len(seen) > 0 {
		c.Seen = &fairlead.Sight{}
		err = json.Unmarshal(seen, c.Seen)
	}
	return c, err
}

// OpenCourses lists the ramps and the trial that are under way, in the order in which they began.
func (s *Store) OpenCourses(ctx context.Context) (all []fairlead.Course, err error) {
	err = s.read(ctx, "list courses", func(ctx context.Context, q querier) (err error) {
		all, err = openCourses(ctx, q)
		return err
	})
	return all, err
}

func openCourses(ctx context.Context, q querier) ([]fairlead.Course, error) {
	return list(ctx, q, scanCourse, `SELECT `+courseColumns+` FROM courses WHERE ended IS NULL ORDER BY begun, id`)
}

// Courses lists at most limit ramps, or trials, newest first: those that ended, too.
func (s *Store) Courses(ctx context.Context, kind fairlead.CourseKind, limit int) (all []fairlead.Course, err error) {
	err = s.read(ctx, "list courses", func(ctx context.Context, q querier) (err error) {
		all, err = list(ctx, q, scanCourse,
			`SELECT `+courseColumns+` FROM courses WHERE kind = $1 ORDER BY begun DESC, id LIMIT $2`, string(kind), max(limit, 0))
		return err
	})
	return all, err
}

// Course gives one ramp or trial; CodeNotFound where there is none.
func (s *Store) Course(ctx context.Context, id string) (c fairlead.Course, err error) {
	if err := storable(id); err != nil {
		return c, err
	}
	err = s.read(ctx, "read course", func(ctx context.Context, q querier) (err error) {
		c, err = scanCourse(q.QueryRowContext(ctx, `SELECT `+courseColumns+` FROM courses WHERE id = $1`, id))
		return missing(err, "there is no ramp or trial of this id", "fairlead ramps lists them")
	})
	return c, err
}

// StepCourse takes a ramp's next step: it lays the weight over the document, beside all others, and keeps the course.
// CodeStale where another revision is in force or the course was kept by another in the meantime; then nothing is done.
func (s *Store) StepCourse(ctx context.Context, step fairlead.WeightStep) (fairlead.Change, error) {
	w, err := s.write(ctx, "commit step", step.Act, func(ctx context.Context, w *writer) error {
		st, err := w.stateAt(ctx, step.Base)
		if err != nil {
			return err
		}
		c := step.Course
		if _, ok := st.Weights[c.Endpoint]; !ok {
			return staleCourse(c.ID)
		}
		weights := maps.Clone(st.Weights)
		weights[c.Endpoint] = step.Weight
		if err := w.keepCourse(ctx, &c); err != nil {
			return err
		}
		return w.step(ctx, &fairlead.StepContent{Ramp: c.ID, Weights: weights})
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

// KeepCourse keeps how far a course under way has come, and what was seen of it: no change, and no act. CodeStale where
// another has kept it since its version.
func (s *Store) KeepCourse(ctx context.Context, c fairlead.Course) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := updateCourse(ctx, s.engine.Write, &c); err != nil {
		return s.fail("keep course", because(ctx, err))
	}
	return nil
}

func staleCourse(id string) error {
	return &fairlead.Error{Code: fairlead.CodeStale, Param: "course", Message: id + " was kept by another node, or has ended"}
}

// execer is a database, or one transaction of it.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// updateCourse keeps a course that is under way in the version that it was read with.
func updateCourse(ctx context.Context, q execer, c *fairlead.Course) error {
	seen, err := optional(c.Seen != nil, c.Seen)
	if err != nil {
		return err
	}
	if err := storable(string(c.State), seen, c.Why); err != nil {
		return err
	}
	result, err := q.ExecContext(ctx, `UPDATE courses SET version = version + 1, state = $3, seen = $4, ended = $5, outcome = $6, why = $7
		WHERE id = $1 AND version = $2 AND ended IS NULL`,
		c.ID, c.Version, string(c.State), seen, nullMicros(c.Ended), string(c.End), c.Why)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = staleCourse(c.ID)
		}
		return err
	}
	return nil
}

func (w *writer) keepCourse(ctx context.Context, c *fairlead.Course) error {
	if err := updateCourse(ctx, w.tx, c); err != nil {
		return fmt.Errorf("keep course: %w", err)
	}
	return nil
}

// courses does what a revision does to ramps and trials: its own begins, or is kept; others end that it leaves nothing of.
type courses struct {
	open []fairlead.Course // before the revision
	own  *fairlead.Course  // of the commit
}

func (w *writer) readCourses(ctx context.Context, own *fairlead.Course) (c courses, err error) {
	c.own = own
	c.open, err = openCourses(ctx, w.tx)
	return c, err
}

// weights gives what a revision lays over its document: of a ramp that goes on the weight that is in force, for steps may
// have been taken since the revision was made.
func (c *courses) weights(content *fairlead.RevisionContent, now map[string]int) map[string]int {
	var weights map[string]int
	for i := range c.open {
		o := &c.open[i]
		if n, ok := now[o.Endpoint]; ok && o.Kind == fairlead.CourseRamp && c.goesOn(o, content) {
			if weights == nil {
				weights = maps.Clone(content.Weights)
			}
			weights[o.Endpoint] = n
		}
	}
	if weights == nil {
		return content.Weights
	}
	return weights
}

// goesOn reports whether a revision leaves a course of others as it is.
func (c *courses) goesOn(o *fairlead.Course, content *fairlead.RevisionContent) bool {
	if c.own != nil && c.own.ID == o.ID {
		return false
	}
	if o.Kind == fairlead.CourseTrial {
		return content.Trial != nil && content.Trial.ID == o.ID
	}
	_, ok := content.Weights[o.Endpoint]
	return ok && (c.own == nil || c.own.Endpoint != o.Endpoint)
}

// settle ends what a revision has ended, and keeps the commit's own course.
func (c *courses) settle(ctx context.Context, w *writer, content *fairlead.RevisionContent) error {
	for i := range c.open {
		o := c.open[i]
		if c.goesOn(&o, content) || (c.own != nil && c.own.ID == o.ID) {
			continue
		}
		if o.Kind == fairlead.CourseTrial && c.own != nil && c.own.Kind == fairlead.CourseTrial {
			return fairlead.Errorf(fairlead.CodeConflict, "a revision is being tried; one at a time")
		}
		o.Ended, o.End = w.act.At, fairlead.EndHeld
		if o.Kind == fairlead.CourseTrial {
			o.End = fairlead.EndDropped
		}
		o.Why = "revision " + strconv.FormatInt(content.Revision, 10) + " by " + w.act.By + " took its place"
		if err := w.endCourse(ctx, &o); err != nil {
			return err
		}
	}
	switch {
	case c.own == nil:
		return nil
	case c.own.Version > 0:
		return w.keepCourse(ctx, c.own)
	}
	return w.insertCourse(ctx, c.own, content.Revision)
}

// endCourse ends a course, whoever has kept it meanwhile, and adds that to the audit beside the act that ended it.
func (w *writer) endCourse(ctx context.Context, c *fairlead.Course) error {
	_, err := w.tx.ExecContext(ctx, `UPDATE courses SET version = version + 1, ended = $2, outcome = $3, why = $4 WHERE id = $1 AND ended IS NULL`,
		c.ID, nullMicros(c.Ended), string(c.End), c.Why)
	if err != nil {
		return fmt.Errorf("end course: %w", err)
	}
	act := w.act
	defer func() { w.act = act }()
	target := c.ID
	if c.Endpoint != "" {
		target = c.Endpoint
	}
	w.act = fairlead.Act{At: act.At, By: act.By, Action: string(c.Kind) + "." + string(c.End), Target: target, Why: c.Why}
	return w.note(ctx)
}

func (w *writer) insertCourse(ctx context.Context, c *fairlead.Course, revision int64) error {
	if err := storable(c.ID, c.Endpoint, string(c.State)); err != nil {
		return err
	}
	_, err := w.tx.ExecContext(ctx, `INSERT INTO courses (`+courseColumns+`) VALUES ($1, $2, $3, $4, 1, $5, '', $6, NULL, '', '')`,
		c.ID, string(c.Kind), c.Endpoint, revision, string(c.State), w.act.At.UnixMicro())
	if err != nil {
		return fmt.Errorf("begin course: %w", err)
	}
	return nil
}
