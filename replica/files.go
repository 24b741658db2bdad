package replica

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// The files of a replica: replica.N.db is in use, for the highest N there is, with SQLite's own -wal and
// -shm beside it. A copy fills replica.next.db and becomes N+1 by a rename, so that whatever ends the
// process leaves either the old file or the new one whole.

func (r *Replica) numbered(n int) string {
	return filepath.Join(r.dir, "replica."+strconv.Itoa(n)+".db")
}
func (r *Replica) next() string   { return filepath.Join(r.dir, "replica.next.db") }
func (r *Replica) old() string    { return filepath.Join(r.dir, "replica.db") } // of layout 1
func (r *Replica) aside() string  { return filepath.Join(r.dir, "replica.aside.db") }
func (r *Replica) marker() string { return filepath.Join(r.dir, "replica.damaged") }

// number gives the N of a file's name; 0 for all other names.
func number(path string) int {
	text, found := strings.CutPrefix(filepath.Base(path), "replica.")
	text, ended := strings.CutSuffix(text, ".db")
	n, err := strconv.Atoi(text)
	if !found || !ended || err != nil || n < 1 || strconv.Itoa(n) != text {
		return 0
	}
	return n
}

// parts are a file and those that SQLite keeps beside it. They go where it goes and before it does, for beside
// another file of its name they would be replayed into that.
var parts = []string{"-journal", "-shm", "-wal", ""}

func removeFile(path string) error {
	var errs []error
	for _, suffix := range parts {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tidy removes what copies left and gives the path of the file in use, which need not be there yet. What cannot
// be removed does no harm.
func (r *Replica) tidy(ctx context.Context) (path string, err error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return "", err
	}
	current := 1
	for _, e := range entries {
		current = max(current, number(e.Name()))
	}
	left := []string{r.next()}
	for _, e := range entries {
		if n := number(e.Name()); n > 0 && n < current {
			left = append(left, r.numbered(n))
		}
	}
	for _, path := range left {
		if err := removeFile(path); err != nil {
			r.log.WarnContext(ctx, "what a copy left stays", "file", path, "error", err)
		}
	}
	if _, err := os.Stat(r.old()); err == nil {
		if err := r.moveAside(ctx, r.old(), errForeign); err != nil {
			return "", err
		}
	}
	return r.numbered(current), nil
}

// moveAside moves an unusable file to where it stays for whoever wants to look.
func (r *Replica) moveAside(ctx context.Context, path string, cause error) error {
	r.log.WarnContext(ctx, "replica rebuilt: its file could not be used and was moved aside", "file", path, "aside", r.aside(), "cause", cause)
	for _, suffix := range parts {
		err := os.Rename(path+suffix, r.aside()+suffix)
		if errors.Is(err, os.ErrNotExist) {
			err = os.RemoveAll(r.aside() + suffix) // an older one's, which belongs to nothing now
		}
		if err != nil {
			return fmt.Errorf("move aside: %w", err)
		}
	}
	if err := os.RemoveAll(r.marker()); err != nil {
		return fmt.Errorf("move aside: %w", err)
	}
	return nil
}

// noteDamage leaves a marker where err says that the file is damaged, so that the next start
// rebuilds it.
func (r *Replica) noteDamage(ctx context.Context, err error) {
	if !isDamage(err) {
		return
	}
	if r.damaged.Swap(true) {
		return
	}
	mark := os.WriteFile(r.marker(), nil, 0o600)
	r.log.ErrorContext(ctx, "replica is damaged; a restart or a whole copy rebuilds it", "folder", r.dir, "error", err, "mark", mark)
}

func isDamage(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == lib.SQLITE_CORRUPT || e.Code()&0xff == lib.SQLITE_NOTADB)
}
