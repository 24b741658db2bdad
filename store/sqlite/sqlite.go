// Package sqlite opens a store in one SQLite file. Writes go through a single connection that
// takes the write lock when its transaction begins, so two writers never deadlock by upgrading a
// read; readers have their own connections and, under WAL, never wait for the writer. Every commit
// is on the disk (synchronous=FULL) before the call returns.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // the driver named "sqlite"
	lib "modernc.org/sqlite/lib"

	"fairlead/internal/sqlitefile"
	"fairlead/store"
)

// readers bounds the connections for reading: each keeps a page cache of about 2 MB.
const readers = 4

// Open opens the store at path, creating file and schema where there are none. The file and those
// that SQLite keeps beside it are readable by their owner alone. A file whose schema is newer than
// this program knows is refused.
func Open(ctx context.Context, path string) (*store.Store, error) {
	if err := private(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	write, err := sql.Open("sqlite", sqlitefile.DSN(path, "_txlock", "immediate", "_synchronous", "FULL", "_foreign_keys", "1"))
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", sqlitefile.DSN(path, "_query_only", "1"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	l := newLeads()
	s, err := store.New(ctx, store.Engine{
		Dialect: goose.DialectSQLite3,
		Write:   write,
		Read:    read,
		Failure: failure,
		Alone:   func(ctx context.Context, f func(context.Context) error) error { return f(ctx) },
		Lead:    l.lead,
		Led:     l.led,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), read.Close(), write.Close())
	}
	return s, nil
}

// private makes sure that the file exists and that only its owner can read it; SQLite gives the
// same mode to the files beside it. A file that is there is not opened: closing any descriptor of it
// would drop the POSIX locks that another Store of this process holds on it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return narrow(path)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func narrow(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	return os.Chmod(path, 0o600)
}

// failure sorts errors. A file has no connection that could be lost; a disk that is full or fails, or a file
// that another process holds, may do again later.
func failure(err error) store.Failure {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return store.FailureOther
	}
	if e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY {
		return store.FailureTaken
	}
	switch e.Code() & 0xff { // the primary code of an extended one
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY:
		return store.FailureUnavailable
	}
	return store.FailureOther
}
