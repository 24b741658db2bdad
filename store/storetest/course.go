package storetest

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

const endpoint = "a/b@c"

// beginRamp commits a revision with which a ramp begins at a weight of 0.
func beginRamp(t testing.TB, s *store.Store, id, endpoint string) fairlead.Course {
	t.Helper()
	st, _, err := s.State(t.Context())
	check(t, err)
	c := commitOf(t, st.Revision, st.Document, document(100+int(st.Revision)))
	c.Content.Weights = map[string]int{endpoint: 0}
	for id, n := range st.Weights {
		c.Content.Weights[id] = n
	}
	c.Content.Weights[endpoint] = 0
	c.Content.Trial = st.Trial
	c.Course = &fairlead.Course{ID: id, Kind: fairlead.CourseRamp, Endpoint: endpoint, State: json.RawMessage(`{"steps":0}`)}
	_, _, err = s.CommitRevision(t.Context(), c)
	check(t, err)
	course, err := s.Course(t.Context(), id)
	check(t, err)
	return course
}

// stepOf is a course's next step in revision base.
func stepOf(base int64, c fairlead.Course, weight int) fairlead.WeightStep {
	c.State = json.RawMessage(`{"steps":1}`)
	return fairlead.WeightStep{Base: base, Course: c, Weight: weight, Act: act("ramp.step", c.Endpoint)}
}

func testCourses(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	c := beginRamp(t, s, "ramp_1", endpoint)
	same(t, "course", c, fairlead.Course{
		ID: "ramp_1", Kind: fairlead.CourseRamp, Endpoint: endpoint, Revision: 2, Begun: start, Version: 1, State: json.RawMessage(`{"steps":0}`),
	})
	change, err := s.StepCourse(t.Context(), stepOf(2, c, 10))
	check(t, err)
	var content fairlead.StepContent
	check(t, json.Unmarshal(change.Content, &content))
	same(t, "step", content, fairlead.StepContent{Ramp: "ramp_1", Weights: map[string]int{endpoint: 10}})
	wantWeights(t, s, map[string]int{endpoint: 10})

	_, err = s.StepCourse(t.Context(), stepOf(2, c, 20)) // of a version that was kept since
	wantCode(t, err, fairlead.CodeStale)
	c.Version = 2
	_, err = s.StepCourse(t.Context(), stepOf(1, c, 20)) // of another revision
	wantCode(t, err, fairlead.CodeStale)
	wantWeights(t, s, map[string]int{endpoint: 10})
	wantHead(t, s, 3)

	c.State, c.Seen = json.RawMessage(`{"steps":1,"ran":5}`), &fairlead.Sight{At: start, Node: "one", Verdict: "good", Reason: "<2 %", Mine: 60, Peers: 70}
	check(t, s.KeepCourse(t.Context(), c))
	wantCode(t, s.KeepCourse(t.Context(), c), fairlead.CodeStale)
	wantHead(t, s, 3) // that is no change
	c.Version = 3
	open, err := s.OpenCourses(t.Context())
	check(t, err)
	same(t, "open", open, []fairlead.Course{c})
	wantWhole(t, s)

	st, _, err := s.State(t.Context())
	check(t, err)
	end := commitOf(t, 2, st.Document, document(7)) // weights are laid over it no more
	end.Course = &c
	c.Ended, c.End, c.Why = start.Add(time.Second), fairlead.EndPromoted, "it is done"
	_, _, err = s.CommitRevision(t.Context(), end)
	check(t, err)
	c.Version = 4
	got, err := s.Course(t.Context(), "ramp_1")
	check(t, err)
	same(t, "ended", got, c)
	wantWeights(t, s, nil)
	if open, err = s.OpenCourses(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("open: %+v, %v", open, err)
	}
	wantCode(t, s.KeepCourse(t.Context(), c), fairlead.CodeStale)
	_, err = s.Course(t.Context(), "ramp_2")
	wantCode(t, err, fairlead.CodeNotFound)
	wantWhole(t, s)
}

func wantWeights(t *testing.T, s *store.Store, want map[string]int) {
	t.Helper()
	st, _, err := s.State(t.Context())
	check(t, err)
	same(t, "weights", st.Weights, want)
}

// testCoursesEnd holds what a revision does to ramps that are under way: one that leaves its weight laid over goes on
// with the weight of now, though the revision was made before its last step; all others end.
func testCoursesEnd(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	one := beginRamp(t, s, "ramp_1", endpoint)
	beginRamp(t, s, "ramp_2", "x/y@z")
	_, err := s.StepCourse(t.Context(), stepOf(3, one, 30))
	check(t, err)
	st, _, err := s.State(t.Context())
	check(t, err)
	c := commitOf(t, 3, st.Document, document(2))
	c.Content.Weights = map[string]int{endpoint: 0} // as it was before the step
	_, change, err := s.CommitRevision(t.Context(), c)
	check(t, err)
	wantWeights(t, s, map[string]int{endpoint: 30})
	var content fairlead.RevisionContent
	check(t, json.Unmarshal(change.Content, &content))
	same(t, "weights that nodes are told", content.Weights, map[string]int{endpoint: 30})
	wantEnd(t, s, "ramp_1", "", "")
	wantEnd(t, s, "ramp_2", fairlead.EndHeld, "revision 4 by admin took its place")

	beginRamp(t, s, "ramp_3", endpoint) // in the place of the first
	wantEnd(t, s, "ramp_1", fairlead.EndHeld, "revision 5 by admin took its place")
	wantEnd(t, s, "ramp_3", "", "")
	wantWeights(t, s, map[string]int{endpoint: 0})
	acts, err := s.Audit(t.Context(), 0, 2)
	check(t, err)
	if a := acts[0]; a.Action != "ramp.held" || a.Target != endpoint || a.Change != 0 || acts[1].Change != 6 {
		t.Errorf("audit: %+v", acts)
	}
	wantWhole(t, s)
}

func wantEnd(t *testing.T, s *store.Store, id string, want fairlead.CourseEnd, why string) {
	t.Helper()
	c, err := s.Course(t.Context(), id)
	check(t, err)
	if c.End != want || c.Why != why || c.Ended.IsZero() != (want == "") {
		t.Errorf("%s ended %q at %v, for %q; want %q, for %q", id, c.End, c.Ended, c.Why, want, why)
	}
}

// testTrialCourses: one trial at a time, which ends with the revision that has none.
func testTrialCourses(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	begin := func(base int64, id string) error {
		c := commitOf(t, base, document(1), document(1))
		c.Content.Trial = &fairlead.Trial{ID: id, Revision: base + 1, Percent: 5, Patch: json.RawMessage(`{"version":2}`)}
		c.Course = &fairlead.Course{ID: id, Kind: fairlead.CourseTrial, State: json.RawMessage(`{}`)}
		_, _, err := s.CommitRevision(t.Context(), c)
		return err
	}
	check(t, begin(1, "trial_1"))
	wantCode(t, begin(2, "trial_2"), fairlead.CodeConflict)
	wantHead(t, s, 2)
	beginRamp(t, s, "ramp_1", endpoint)
	wantEnd(t, s, "trial_1", "", "")
	wantWhole(t, s)
	commit(t, s, document(3))
	wantEnd(t, s, "trial_1", fairlead.EndDropped, "revision 4 by admin took its place")
	wantEnd(t, s, "ramp_1", fairlead.EndHeld, "revision 4 by admin took its place")
	for kind, want := range map[fairlead.CourseKind]string{fairlead.CourseRamp: "ramp_1", fairlead.CourseTrial: "trial_1"} {
		list, err := s.Courses(t.Context(), kind, 10)
		check(t, err)
		if len(list) != 1 || list[0].ID != want {
			t.Errorf("%ss: %+v", kind, list)
		}
	}
	wantWhole(t, s)
}

// testConcurrentSteps: of many who take the same step one does.
func testConcurrentSteps(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	c := beginRamp(t, s, "ramp_1", endpoint)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.StepCourse(t.Context(), stepOf(2, c, i+1)) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
			continue
		}
		wantCode(t, err, fairlead.CodeStale)
	}
	if done != 1 {
		t.Errorf("%d of them did", done)
	}
	wantHead(t, s, 3)
	wantWhole(t, s)
}
