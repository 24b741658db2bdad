package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"fairlead"
	"fairlead/internal/sqlitefile"
)

const (
	// application marks the file as a replica of fairlead's ("FLRP"), layout the shape of its tables.
	// There are no migrations: another layout is rebuilt from the feed.
	application = 0x464C5250
	layout      = 4

	readers = 4
)

// indexIDs keeps two keys from having one id. A copy does without until its keys are in: BenchmarkMillionKeys.
const indexIDs = `CREATE UNIQUE INDEX key_ids ON keys (id)`

// lookUp finds a key by a hash; only where there is none by one that was replaced, of which there are few.
const lookUp = `SELECT ` + keyColumns + ` FROM keys WHERE hash = ?1 UNION ALL SELECT ` + keyColumns + ` FROM keys WHERE old = ?1 LIMIT 1`

// schema keeps each key in one b-tree by its hash: what a lookup needs is one descent. The document stands
// apart from the rest of the state, so that a step of weights does not write it again. A change's through
// is the length of all contents up to and with its own, so that the size of any run of changes is a
// difference.
const schema = `
CREATE TABLE keys (
    hash    BLOB    PRIMARY KEY,
    id      TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    hint    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER,
    terms   BLOB,
    old     BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX key_olds ON keys (old) WHERE old IS NOT NULL;
` + indexIDs + `;
CREATE TABLE position (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    log    TEXT    NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB    NOT NULL
) STRICT;
CREATE TABLE state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    weights  TEXT,
    trial    TEXT
) STRICT;
CREATE TABLE document (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    content BLOB    NOT NULL
) STRICT;
CREATE TABLE good (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    state BLOB    NOT NULL
) STRICT;
CREATE TABLE secrets (
    name    TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    sealed  BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE accounts (
    id      TEXT    PRIMARY KEY,
    team    INTEGER NOT NULL,
    content BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (
    number  INTEGER PRIMARY KEY,
    kind    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    author  TEXT    NOT NULL,
    hash    BLOB    NOT NULL,
    through INTEGER NOT NULL,
    content BLOB    NOT NULL
) STRICT;
INSERT INTO position (id, log, number, hash) VALUES (1, '', 0, zeroblob(32));
INSERT INTO state (id, revision, at) VALUES (1, 0, 0);
INSERT INTO document (id, content) VALUES (1, CAST('{}' AS BLOB));
`

// errForeign says that a file is a database, but no replica of this layout.
var errForeign = errors.New("not a replica of this version")

// file is one open database.
type file struct {
	path   string
	write  *sql.DB // one connection
	read   *sql.DB // query-only; nil while a copy fills the file
	lookup *sql.Stmt

	remember bounds // of changes
}

// openFile opens a file, making its tables where it is empty.
func openFile(ctx context.Context, path string) (_ *file, err error) {
	// A lost machine may lose the last commits, which the feed brings again; NORMAL never leaves a
	// damaged file.
	f, err := openWriter(ctx, path, "_txlock", "immediate", "_synchronous", "NORMAL")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if f.read, err = sql.Open("sqlite", sqlitefile.DSN(path, "_query_only", "1")); err != nil {
		return nil, err
	}
	f.read.SetMaxOpenConns(readers)
	f.read.SetMaxIdleConns(readers)
	if f.lookup, err = f.read.PrepareContext(ctx, lookUp); err != nil {
		return nil, err
	}
	return f, nil
}

// openWriter opens a file for writing alone.
func openWriter(ctx context.Context, path string, options ...string) (*file, error) {
	// Created here so that nobody else can read it; SQLite gives the same mode to the files beside it.
	made, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	f := &file{path: path, remember: remembered}
	if f.write, err = sql.Open("sqlite", sqlitefile.DSN(path, options...)); err != nil {
		return nil, err
	}
	f.write.SetMaxOpenConns(1)
	if err := prepare(ctx, f.write); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) close() error {
	var errs []error
	if f.lookup != nil {
		errs = append(errs, f.lookup.Close())
	}
	for _, db := range []*sql.DB{f.read, f.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
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
		// Touches all tables, so that a file which lost one is found now.
		_, err := db.ExecContext(ctx, `SELECT p.number, s.at, d.id, g.id, k.terms, x.at, c.at, a.team
			FROM position p JOIN state s USING (id) JOIN document d USING (id) LEFT JOIN good g USING (id)
			LEFT JOIN keys k ON k.hash = x'00' LEFT JOIN secrets x ON x.name = '' LEFT JOIN changes c ON c.number = 0 LEFT JOIN accounts a ON a.id = '' WHERE p.id = 1`)
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

// position reads how far the file is.
func (f *file) position(ctx context.Context) (at fairlead.Position, err error) {
	var hash []byte
	if err := f.write.QueryRowContext(ctx, `SELECT log, number, hash FROM position WHERE id = 1`).Scan(&at.Log, &at.Number, &hash); err != nil {
		return at, fmt.Errorf("read position: %w", err)
	}
	at.Hash, err = hashOf(hash)
	return at, err
}

func hashOf(b []byte) (h fairlead.Hash, err error) {
	if copy(h[:], b) != len(h) || len(b) != len(h) {
		return h, fmt.Errorf("%w: a hash has %d bytes", errForeign, len(b))
	}
	return h, nil
}

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func nullMicros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

// isTaken reports a violated unique column.
func isTaken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE
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
