package storetest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"fairlead"
	"fairlead/store"
)

func backUp(t *testing.T, s *store.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	info, err := s.Backup(t.Context(), &b)
	check(t, err)
	head, err := s.Head(t.Context())
	check(t, err)
	if info.Position != head || info.Rows["changes"] != head.Number {
		t.Errorf("backed up %+v, head %+v", info, head)
	}
	return b.Bytes()
}

// content is all that a store tells, as text.
func content(t *testing.T, s *store.Store) string {
	t.Helper()
	var b strings.Builder
	add := func(v any, err error) {
		t.Helper()
		check(t, err)
		fmt.Fprintf(&b, "%+v\n", v)
	}
	head, err := s.Head(t.Context())
	add(head, err)
	st, _, err := s.State(t.Context())
	add(st, err)
	add(everything(t, s), nil)
	keys, err := s.Keys(t.Context(), "", 1000)
	add(keys, err)
	revisions, err := s.Revisions(t.Context(), 0, 1000)
	add(revisions, err)
	for _, r := range revisions {
		text, err := s.Document(t.Context(), r.Number)
		add(string(text), err)
	}
	courses, err := s.OpenCourses(t.Context())
	add(courses, err)
	secrets, err := s.Secrets(t.Context())
	add(secrets, err)
	nodes, err := s.Nodes(t.Context())
	add(nodes, err)
	node, err := s.NodeByToken(t.Context(), fairlead.Hash{1}, start)
	add(node, err)
	tokens, err := s.Tokens(t.Context())
	add(tokens, err)
	sealed, _, err := s.Vault(t.Context(), "fleet")
	add(sealed, err)
	lost, err := s.Lost(t.Context())
	add(lost, err)
	audit, err := s.Audit(t.Context(), 17, 1000) // what was there before a restore
	add(audit, err)
	return b.String()
}

// RunPortable holds that what one back end has backed up another restores, the same to the last byte.
func RunPortable(t *testing.T, from, to Database) {
	t.Helper()
	testBackup(t, from, to)
}

func testBackup(t *testing.T, db, empty Database) {
	t.Helper()
	s := open(t, db)
	furnish(t, s)
	file := backUp(t, s)
	restored := open(t, empty)
	info, err := restored.Restore(t.Context(), bytes.NewReader(file))
	check(t, err)
	if info.Position.Number != 12 || info.Rows["keys"] != 3 {
		t.Errorf("restored %+v", info)
	}
	if got, want := content(t, restored), content(t, s); got != want {
		t.Errorf("restored\n%s\nwant\n%s", got, want)
	}
	if v := wantWhole(t, restored); v.Entries != 17 {
		t.Errorf("%d acts, want one more than before", v.Entries)
	}
	r, _ := commit(t, restored, document(9)) // it goes on
	if r.Number != 4 || r.Change != 13 {
		t.Errorf("the next revision is %+v", r)
	}
	wantWhole(t, restored)
}

func unzip(t *testing.T, file []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(file))
	check(t, err)
	text, err := io.ReadAll(r)
	check(t, err)
	return string(text)
}

func zip(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

// sealAgain makes the last line of a backup true again after an edit.
func sealAgain(text string) string {
	last := strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n") + 1
	sum := sha256.Sum256([]byte(text[:last]))
	return text[:last] + regexp.MustCompile(`"sha256":"[0-9a-f]+"`).ReplaceAllString(text[last:], `"sha256":"`+hex.EncodeToString(sum[:])+`"`)
}

func testDamagedBackup(t *testing.T, db Database, fresh func(*testing.T) Database) {
	s := open(t, db)
	furnish(t, s)
	file := backUp(t, s)
	whole := unzip(t, file)
	empty := open(t, fresh(t))
	before, err := empty.Head(t.Context())
	check(t, err)
	last := strings.LastIndex(strings.TrimSuffix(whole, "\n"), "\n") + 1
	flipped := bytes.Clone(file)
	flipped[len(flipped)/2] ^= 0x40
	cases := []struct {
		name string
		file []byte
	}{
		{"nothing", nil},
		{"not compressed", []byte(whole)},
		{"a bit", flipped},
		{"no last line", zip(t, whole[:last])},
		{"half a last line", zip(t, whole[:last+10])},
		{"another format", zip(t, strings.Replace(whole, "fairlead-backup", "fairlead-backdrop", 1))},
		{"a later schema", zip(t, strings.Replace(whole, `"schema":`, `"schema":9`, 1))},
		{"an edit", zip(t, strings.Replace(whole, "key of a test", "key of a text", 1))},
		{"an edit with a new sum", zip(t, sealAgain(strings.Replace(whole, "key of a test", "key of a text", 1)))},
		{"a key good again", zip(t, sealAgain(regexp.MustCompile(`(?m)^(\["keys".*),[0-9]+(,"[^"]*","[^"]*",.*)$`).ReplaceAllString(whole, "$1,null$2")))},
		{"another position", zip(t, sealAgain(strings.Replace(whole, `"number":12`, `"number":11`, 1)))},
		{"an unknown table", zip(t, sealAgain(strings.Replace(whole, `["vault",`, `["volt",`, 1)))},
		{"a row too short", zip(t, sealAgain(strings.Replace(whole, `["vault","fleet",`, `["vault",`, 1)))},
		{"a row of another kind", zip(t, sealAgain(strings.Replace(whole, `["changes",1,`, `["changes","1",`, 1)))},
		{"an empty line", zip(t, strings.Replace(whole, "\n", "\n\n", 1))},
		{"something behind", zip(t, whole+"{}\n")},
		{"something behind the compressed", append(bytes.Clone(file), zip(t, "x")...)},
	}
	for n := 0; n < len(file); n += len(file)/6 + 1 {
		cases = append(cases, struct {
			name string
			file []byte
		}{fmt.Sprintf("the first %d bytes", n), file[:n]})
	}
	for _, c := range cases {
		if bytes.Equal(c.file, file) {
			t.Errorf("%s: the edit did nothing", c.name)
		}
		_, err := empty.Restore(t.Context(), bytes.NewReader(c.file))
		if err == nil {
			t.Fatalf("%s was restored", c.name)
		}
		wantCode(t, err, fairlead.CodeInvalidRequest)
		after, err := empty.Head(t.Context())
		if err != nil || after != before {
			t.Fatalf("%s: the head is %+v, %v", c.name, after, err)
		}
	}
	_, err = empty.Restore(t.Context(), bytes.NewReader(file)) // it was empty all along
	check(t, err)
}

func testRestoreInUse(t *testing.T, db, used Database) {
	s := open(t, db)
	furnish(t, s)
	file := backUp(t, s)
	target := open(t, used)
	check(t, target.Note(t.Context(), act("backup", "")))
	_, err := target.Restore(t.Context(), bytes.NewReader(file))
	wantCode(t, err, fairlead.CodeConflict)
	wantHead(t, target, 0)
}

// testBackupWhileWriting holds that a backup is of one moment: what it ends with is all that it has.
func testBackupWhileWriting(t *testing.T, db, empty Database) {
	s := open(t, db)
	commit(t, s, document(0))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
				commit(t, s, document(n))
			}
		}
	})
	var b bytes.Buffer
	for range 3 {
		b.Reset()
		if _, err := s.Backup(t.Context(), &b); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	restored := open(t, empty)
	info, err := restored.Restore(t.Context(), &b)
	check(t, err)
	if info.Position.Number < 1 {
		t.Errorf("restored %+v", info)
	}
	wantWhole(t, restored)
}
