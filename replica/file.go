package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"fairlead/internal/sqlitefile"
)

const (
	// application marks the file as a replica of fairlead's ("FLRP"), layout the shape of its tables.
	// There are no migrations: another layout is rebuilt from the feed.
	application = 0x464C5250
	layout      = 1

	readers = 4
)

// schema keeps each key in one b-tree by its hash: what a lookup needs is one descent.
const schema = `
CREATE TABLE keys (
    hash    BLOB    PRIMARY KEY,
    id      TEXT    NOT NULL UNIQUE,
    name    TEXT    NOT NULL,
    hint    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE position (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    source TEXT    NOT NULL,
    change INTEGER NOT NULL
) STRICT;
INSERT INTO position (id, source, change) VALUES (1, '', 0);
`

// errForeign says that a file is a database, but no replica of this layout.
var errForeign = errors.New("not a replica of this version")

func (r *Replica) path() string   { return filepath.Join(r.dir, "replica.db") }
func (r *Replica) marker() string { return filepath.Join(r.dir, "replica.damaged") }

func (r *Replica) openFile(ctx context.Context) (err error) {
	if _, err := os.Stat(r.marker()); err == nil {
		return fmt.Errorf("%w: it was found damaged while in use", errForeign)
	}
	// Created here so that nobody else can read it; SQLite gives the same mode to the files beside it.
	f, err := os.OpenFile(r.path(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// A lost machine may lose the last commits, which the feed brings again; NORMAL never leaves a
	// damaged file.
	if r.write, err = sql.Open("sqlite", sqlitefile.DSN(r.path(), "_txlock", "immediate", "_synchronous", "NORMAL")); err != nil {
		return err
	}
	r.write.SetMaxOpenConns(1)
	if err := prepare(ctx, r.write); err != nil {
		return err
	}
	if r.read, err = sql.Open("sqlite", sqlitefile.DSN(r.path(), "_query_only", "1")); err != nil {
		return err
	}
	r.read.SetMaxOpenConns(readers)
	r.read.SetMaxIdleConns(readers)
	r.lookup, err = r.read.PrepareContext(ctx, `SELECT id, name, hint, created, revoked FROM keys WHERE hash = ?`)
	return err
}

func (r *Replica) closeFile() error {
	var errs []error
	if r.lookup != nil {
		errs = append(errs, r.lookup.Close())
	}
	for _, db := range []*sql.DB{r.read, r.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	r.lookup, r.read, r.write = nil, nil, nil
	return errors.Join(errs...)
}

// rebuild moves an unusable file aside, where it stays for whoever wants to look, and begins anew.
func (r *Replica) rebuild(ctx context.Context, cause error) error {
	r.log.WarnContext(ctx, "replica rebuilt: its file could not be used and was moved aside",
		"file", r.path(), "aside", r.path()+".aside", "cause", cause)
	if err := r.closeFile(); err != nil {
		r.log.DebugContext(ctx, "close unusable replica", "error", err)
	}
	// The write-ahead log goes with its file: beside a new one it would be replayed into it.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(r.path()+suffix, r.path()+".aside"+suffix)
		if errors.Is(err, os.ErrNotExist) {
			err = os.RemoveAll(r.path() + ".aside" + suffix) // an older one's, which belongs to nothing now
		}
		if err != nil {
			return fmt.Errorf("move aside: %w", err)
		}
	}
	if err := os.RemoveAll(r.marker()); err != nil {
		return fmt.Errorf("move aside: %w", err)
	}
	return r.openFile(ctx)
}

// prepare makes the tables of an empty file and refuses one that has others.
func prepare(ctx context.Context, db *sql.DB) error {
	var app, version, tables int
	err := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)`).Scan(&app, &version, &tables)
	if err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	if app == application && version == layout {
		// Touches both tables, so that a file which lost one is found now.
		_, err := db.ExecContext(ctx, `SELECT p.change, k.revoked FROM position p LEFT JOIN keys k ON k.hash = x'00' WHERE p.id = 1`)
		return err
	}
	if app != 0 || version != 0 || tables != 0 {
		return fmt.Errorf("%w (application %#x, layout %d)", errForeign, app, version)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	_, err = tx.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", application, layout))
	if err != nil {
		return errors.Join(fmt.Errorf("make tables: %w", err), tx.Rollback())
	}
	return tx.Commit()
}

// unusable tells a file that must be replaced from one that cannot be reached just now, such as on a
// full disk or without permission.
func unusable(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_ERROR, lib.SQLITE_FORMAT:
			return true
		}
	}
	return errors.Is(err, errForeign)
}

// noteDamage leaves a marker where err says that the file is damaged, so that the next start
// rebuilds it.
func (r *Replica) noteDamage(ctx context.Context, err error) {
	var e *sqlite.Error
	if !errors.As(err, &e) || (e.Code()&0xff != lib.SQLITE_CORRUPT && e.Code()&0xff != lib.SQLITE_NOTADB) {
		return
	}
	if r.damaged.Swap(true) {
		return
	}
	mark := os.WriteFile(r.marker(), nil, 0o600)
	r.log.ErrorContext(ctx, "replica is damaged; a restart rebuilds it", "file", r.path(), "error", err, "mark", mark)
}
