package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fairlead"
	"fairlead/internal/mergepatch"
)

// testExamined holds that a patch is checked without the head row: while somebody else has it, a wrong one is refused all the
// same, so that the check of a right one keeps nobody from it either.
func testExamined(t *testing.T, db Database) {
	s := open(t, db)
	commit(t, s, document(1))
	tx, err := db.SQL(t).BeginTx(t.Context(), nil)
	check(t, err)
	defer tx.Rollback() // it only holds the row
	_, err = tx.ExecContext(t.Context(), `UPDATE head SET number = number WHERE id = 1`)
	check(t, err)
	c := commitOf(t, 1, document(1), document(2))
	c.Content.Patch = json.RawMessage(`{"version":2}`)
	if _, _, err := s.CommitRevision(t.Context(), c); err == nil || !strings.Contains(err.Error(), "does not make the document") {
		t.Errorf("got %v", err)
	}
}

// testManyNames renames all models, of which there are more than half of what a request's body may name.
func testManyNames(t *testing.T, db Database) {
	s := open(t, db)
	for _, author := range []string{"a", "b"} {
		var models []string
		for i := range 40_000 {
			models = append(models, fmt.Sprintf(`"%s/%06d":{}`, author, i))
		}
		commit(t, s, []byte(`{"models":{`+strings.Join(models, ",")+`},"version":1}`))
	}
	st, _, err := s.State(t.Context())
	check(t, err)
	got, err := s.Document(t.Context(), st.Revision) // of a patch where it is not kept whole
	check(t, err)
	same(t, "document", string(got), string(st.Document))
	r, err := s.Revision(t.Context(), 2)
	check(t, err)
	change, err := s.Change(t.Context(), r.Change)
	check(t, err)
	var content fairlead.RevisionContent
	check(t, json.Unmarshal(change.Content, &content))
	first, err := s.Document(t.Context(), 1)
	check(t, err)
	merged, err := mergepatch.Merge(first, content.Patch)
	check(t, err)
	same(t, "document of the patch", string(merged), string(st.Document))
	wantWhole(t, s)
}
