// Package sqlite keeps the truth in one SQLite file. Writes go through a single connection that
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
	_ "modernc.org/sqlite" // the driver named "sqlite"

	"fairlead"
	"fairlead/internal/sqlitefile"
	"fairlead/store/migrations"
)

// readers bounds the connections for reading: each keeps a page cache of about 2 MB.
const readers = 4

// Store is an open SQLite store. Its methods may be called from several goroutines.
type Store struct {
	write *sql.DB // one connection
	read  *sql.DB // query-only
}

// Open opens the store at path, creating file and schema where there are none. The file and those
// that SQLite keeps beside it are readable by their owner alone. A file whose schema is newer than
// this program knows is refused.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := private(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{}
	if err := s.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) (err error) {
	if s.write, err = sql.Open("sqlite", sqlitefile.DSN(path, "_txlock", "immediate", "_synchronous", "FULL", "_foreign_keys", "1")); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	// The name of the log is random, so that a replica can tell this store from another one.
	_, err = s.write.ExecContext(ctx,
		`INSERT INTO head (id, source, n) VALUES (1, $1, 0) ON CONFLICT (id) DO NOTHING`, fairlead.NewID("log_"))
	if err != nil {
		return fmt.Errorf("name the log: %w", err)
	}
	if s.read, err = sql.Open("sqlite", sqlitefile.DSN(path, "_query_only", "1")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return s.read.PingContext(ctx)
}

// Close closes the store. Whoever does not call it loses nothing that a call has answered.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
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

func migrate(ctx context.Context, db *sql.DB) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.FS, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > target {
		return fmt.Errorf("its schema version %d is newer than this program's %d", current, target)
	}
	return nil
}
