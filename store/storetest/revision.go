package storetest

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fairlead"
)

func testRevisions(t *testing.T, db Database) {
	s := open(t, db)
	fill(t, s, 1) // numbers of changes and of revisions are not the same
	var all []fairlead.Revision
	for n := 1; n <= 4; n++ {
		r, c := commit(t, s, document(n))
		want := fairlead.Revision{
			Number: int64(n), Change: int64(n + 1), At: start, By: "admin", Why: "a test", Origin: fairlead.OriginApply,
			Sum: sha256.Sum256(document(n)), Percent: 100,
		}
		same(t, "revision", r, want)
		var content fairlead.RevisionContent
		check(t, json.Unmarshal(c.Content, &content))
		if c.Number != r.Change || c.Kind != fairlead.ChangeRevision || content.Revision != r.Number || content.Sum != r.Sum {
			t.Errorf("change %d says %s", c.Number, c.Content)
		}
		all = append([]fairlead.Revision{r}, all...)
	}
	st, p, err := s.State(t.Context())
	check(t, err)
	same(t, "state", st, fairlead.State{Revision: 4, At: start, Document: document(4)})
	if p.Number != 5 {
		t.Errorf("position %+v", p)
	}
	for _, c := range []struct {
		before int64
		limit  int
		want   []fairlead.Revision
	}{{0, 10, all}, {0, 2, all[:2]}, {3, 10, all[2:]}, {1, 10, nil}} {
		got, err := s.Revisions(t.Context(), c.before, c.limit)
		check(t, err)
		same(t, "revisions", got, c.want)
	}
	one, err := s.Revision(t.Context(), 2)
	check(t, err)
	same(t, "revision 2", one, all[2])
	for _, n := range []int64{0, 5, -1} {
		_, err = s.Revision(t.Context(), n)
		wantCode(t, err, fairlead.CodeNotFound)
	}
	wantWhole(t, s)
}

func testStale(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	for _, base := range []int64{0, 2, -1} {
		_, _, err := s.CommitRevision(t.Context(), commitOf(t, base, document(1), document(2)))
		wantCode(t, err, fairlead.CodeStale)
		_, err = s.CommitStep(t.Context(), base, fairlead.StepContent{Ramp: "r"}, act("ramp.step", ""))
		wantCode(t, err, fairlead.CodeStale)
	}
	wantHead(t, s, 1)
	st, _, err := s.State(t.Context())
	check(t, err)
	same(t, "document", st.Document, document(1))
}

// testWrongPatch: edges make the document of the patch, so one that makes another never gets into the log.
func testWrongPatch(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	for _, patch := range []string{`{"version":2}`, `{`, `null`, ``} {
		c := commitOf(t, 1, document(1), document(2))
		c.Content.Patch = json.RawMessage(patch)
		if _, _, err := s.CommitRevision(t.Context(), c); err == nil {
			t.Errorf("the patch %q was taken", patch)
		}
	}
	wantHead(t, s, 1)
	odd := "{\"name\":\"a<b>&\u2028\"}" // what HTML and JavaScript take for something else goes through as it is
	r, _ := commit(t, s, []byte(odd))
	if got, err := s.Document(t.Context(), r.Number); err != nil || string(got) != odd {
		t.Errorf("document %s, %v", got, err)
	}
	wantWhole(t, s)
}

func testSteps(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	for n := range 3 {
		step := fairlead.StepContent{Ramp: "ramp_1", Weights: map[string]int{"a/b@c": n}}
		if n == 2 {
			step.Weights = nil
		}
		c, err := s.CommitStep(t.Context(), 1, step, act("ramp.step", "a/b@c"))
		check(t, err)
		if c.Number != int64(n+2) || c.Kind != fairlead.ChangeStep {
			t.Errorf("step %d is change %d of kind %s", n, c.Number, c.Kind)
		}
		st, _, err := s.State(t.Context())
		check(t, err)
		same(t, "state", st, fairlead.State{Revision: 1, At: start, Document: document(1), Weights: step.Weights})
		wantWhole(t, s)
	}
	c := commitOf(t, 1, document(1), document(1))
	c.Content.Weights = map[string]int{"x/y@z": 7}
	r, _, err := s.CommitRevision(t.Context(), c) // the patch is {}: only weights differ
	check(t, err)
	st, _, err := s.State(t.Context())
	check(t, err)
	same(t, "weights", st.Weights, c.Content.Weights)
	if r.Number != 2 || r.Sum != sha256.Sum256(document(1)) {
		t.Errorf("revision %+v", r)
	}
	wantWhole(t, s)
}

func testTrials(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	trial := &fairlead.Trial{ID: "trial_1", Revision: 2, Percent: 5, Guard: "error_rate<2%", Patch: json.RawMessage(`{"version":2}`)}
	for i, c := range []struct {
		trial   *fairlead.Trial
		percent int
	}{{trial, 5}, {trial, 100}, {nil, 100}} { // its begin, a drain meanwhile, its end
		co := commitOf(t, int64(i+1), document(1), document(1))
		co.Content.Trial = c.trial
		r, _, err := s.CommitRevision(t.Context(), co)
		check(t, err)
		if r.Percent != c.percent {
			t.Errorf("revision %d is for %d %%, want %d", r.Number, r.Percent, c.percent)
		}
		st, _, err := s.State(t.Context())
		check(t, err)
		same(t, "trial", st.Trial, c.trial)
		wantWhole(t, s)
	}
}

// testDocuments goes past where documents are kept whole, with patches small and large.
func testDocuments(t *testing.T, db Database) {
	s := open(t, db)
	var want [][]byte
	for n := range 140 {
		text := document(n)
		if n == 70 || n == 71 {
			text = fmt.Appendf(nil, `{"other":%q}`, strings.Repeat("x", n*100))
		}
		commit(t, s, text)
		want = append(want, text)
	}
	for n, text := range want {
		got, err := s.Document(t.Context(), int64(n+1))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("document %d: %s, %v; want %s", n+1, got, err, text)
		}
	}
	if got, err := s.Document(t.Context(), 0); err != nil || string(got) != `{}` {
		t.Errorf("document 0: %s, %v", got, err)
	}
	for _, n := range []int64{-1, 141} {
		_, err := s.Document(t.Context(), n)
		wantCode(t, err, fairlead.CodeNotFound)
	}
	wantWhole(t, s)
}

// testRoom holds that changes of one weight in a large document do not keep the document each time.
func testRoom(t *testing.T, db Database) {
	s := open(t, db)
	large := strings.Repeat("x", 100_000)
	const revisions = 130
	for n := range revisions {
		commit(t, s, fmt.Appendf(nil, `{"large":%q,"weight":%d}`, large, n))
	}
	raw := db.SQL(t)
	var whole, kept, patches sql.NullInt64
	check(t, raw.QueryRowContext(t.Context(), `SELECT COUNT(*), SUM(octet_length(document)) FROM documents`).Scan(&whole, &kept))
	check(t, raw.QueryRowContext(t.Context(), `SELECT SUM(octet_length(content)) FROM changes WHERE number > 1`).Scan(&patches))
	if whole.Int64 != 3 || kept.Int64 > 4*100_000 || patches.Int64 > revisions*400 {
		t.Errorf("%d whole documents of %d bytes, patches of %d bytes", whole.Int64, kept.Int64, patches.Int64)
	}
}
