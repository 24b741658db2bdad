// Package store is the truth, in SQL: the log of changes, what it makes (configuration, keys, secrets, nodes), the
// audit beside it, admin tokens and the fleet's own sealed material.
//
// The SQL is written once, in what SQLite and PostgreSQL both speak; store/sqlite and store/postgres open a Store with
// what the two do differently. DESIGN.md says what holds and why.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"

	"fairlead"
	"fairlead/store/migrations"
)

// callTime bounds a call, but for those that go through the whole database.
const callTime = 30 * time.Second

// Failure says what an error of a database means for the call that met it.
type Failure uint8

// What errors mean.
const (
	FailureOther       Failure = iota // a defect, or a call that cannot succeed
	FailureTaken                      // a primary key or a unique column has the value already
	FailureConnection                 // the connection was lost or did not come about; another one may do
	FailureUnavailable                // the database was reached and cannot serve now
)

// Engine is an open database and what its kind does differently.
type Engine struct {
	Dialect goose.Dialect
	Write   *sql.DB // for transactions that write
	Read    *sql.DB // for everything else
	// Lock ends the query of the head row with which each write begins, so that one write follows the other.
	Lock string
	// Look bounds the question whether a transaction whose end was not heard was committed; 0 = 20 s.
	Look time.Duration
	// Failure sorts the driver's errors.
	Failure func(error) Failure
	// Alone runs f while no other process does the same on this database.
	Alone func(ctx context.Context, f func(context.Context) error) error
	// Lead is Store.Lead.
	Lead func(ctx context.Context, task string, f func(context.Context) error) error
	// Led reports whether a process leads a task.
	Led func(ctx context.Context, task string) (bool, error)
}

// Store is an open database. Its methods may be called from several goroutines. An error that a caller can act on
// is a *fairlead.Error; CodeControlUnavailable says that the database cannot be reached or is not ready.
type Store struct {
	engine Engine
	// Clock dates what the store does of itself; nil = time.Now. It is set before anything is asked of the store.
	Clock func() time.Time
	// Rest is called between the pieces, of half a millisecond or so, of what is long and may wait: frames and records that come
	// up. Some of it comes in their transactions, for which other writes wait. nil = they are taken without. It is set before
	// anything is asked of the store.
	Rest func()
}

func (s *Store) rest() {
	if s.Rest != nil {
		s.Rest()
	}
}

func (s *Store) now() time.Time {
	if s.Clock == nil {
		return time.Now()
	}
	return s.Clock()
}

// New brings the schema of a database up to date and gives its store, which then owns the engine. A schema that is newer
// than this program knows is refused.
func New(ctx context.Context, e Engine) (*Store, error) {
	if e.Look == 0 {
		e.Look = lookTime
	}
	s := &Store{engine: e}
	err := e.Alone(ctx, func(ctx context.Context) error {
		if err := migrate(ctx, e); err != nil {
			return err
		}
		return s.beginLog(ctx)
	})
	if err != nil {
		return nil, s.fail("prepare the database", err)
	}
	return s, nil
}

// Close closes the store. Whoever does not call it loses nothing that a call has answered.
func (s *Store) Close() error {
	err := s.engine.Read.Close()
	if s.engine.Write != s.engine.Read {
		err = errors.Join(err, s.engine.Write.Close())
	}
	return err
}

// Lead runs f while this process is the only one on this database that does the task: it waits until it is, and ends the
// context of f as soon as it may not be any more. It gives the error of f; CodeControlUnavailable where
// the lead was lost; the error of ctx where that ended first. A database that is away is waited for.
func (s *Store) Lead(ctx context.Context, task string, f func(ctx context.Context) error) error {
	return s.engine.Lead(ctx, task, f)
}

// Led reports whether a process, this one or another, leads a task now.
func (s *Store) Led(ctx context.Context, task string) (led bool, err error) {
	err = s.read(ctx, "look who leads", func(ctx context.Context, _ querier) (err error) {
		led, err = s.engine.Led(ctx, task)
		return err
	})
	return led, err
}

func migrate(ctx context.Context, e Engine) error {
	p, err := goose.NewProvider(e.Dialect, e.Write, migrations.FS, goose.WithDisableGlobalRegistry(true))
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

// ErrLeadLost is the cause with which the context of Lead's function ends when the lead was lost.
var ErrLeadLost = fairlead.Errorf(fairlead.CodeControlUnavailable, "the lead of a task was lost, for the database did not answer")
