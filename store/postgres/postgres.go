// Package postgres opens a store in a PostgreSQL database, 15 or later. Control nodes on several machines
// share it. It needs a connection of its own to the primary for each lead, so that a pooler in front must
// pool sessions, not transactions.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"fairlead/store"
)

const (
	connectTime = 5 * time.Second
	// Writers wait for one row, so that more of them at a time would only hold connections.
	writers = 4
	readers = 8
	// heldTime ends a transaction of a node that vanished in the middle: it holds the row that every write needs. A look whether
	// it was committed waits longer.
	heldTime = "15s"
	// lockTime is how long a write waits for a row that another one holds: each that waits has one of the few writers' connections.
	lockTime = "5s"
	version  = 150000
)

// Open opens the store at a connection string, a URL or key=value pairs, creating the schema where there is none. Of several
// hosts the one that takes writes is used. A schema newer than this program knows is refused.
func Open(ctx context.Context, dsn string) (*store.Store, error) { return open(ctx, dsn, 0) }

func open(ctx context.Context, dsn string, look time.Duration) (*store.Store, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	write, read := writePool(config), pool(config, readers)
	l := &leads{config: config}
	s, err := store.New(ctx, store.Engine{
		Dialect: goose.DialectPostgres,
		Write:   write,
		Read:    read,
		Lock:    ` FOR UPDATE`,
		Look:    look,
		Failure: failure,
		Alone: func(ctx context.Context, f func(context.Context) error) error {
			if err := check(ctx, read); err != nil {
				return err
			}
			return l.alone(ctx, "schema", f)
		},
		Lead: l.lead,
		Led:  func(ctx context.Context, task string) (bool, error) { return led(ctx, read, task) },
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", config.Database, err), read.Close(), write.Close())
	}
	return s, nil
}

// parse reads a connection string. Errors of it do not show the password.
func parse(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "fairlead"
	}
	if config.ValidateConnect == nil {
		// A standby would show a past in which others' changes are missing.
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	return config, nil
}

// with is a configuration with further settings of its sessions.
func with(config *pgx.ConnConfig, params map[string]string) *pgx.ConnConfig {
	c := config.Copy()
	maps.Copy(c.RuntimeParams, params)
	return c
}

func writePool(config *pgx.ConnConfig) *sql.DB {
	return pool(with(config, map[string]string{"idle_in_transaction_session_timeout": heldTime, "lock_timeout": lockTime}), writers)
}

func pool(config *pgx.ConnConfig, most int) *sql.DB {
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(prepare))
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most / 2)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db
}

// prepare sets a session up: what was committed survives a crash, also where the database is set to answer earlier; and large
// documents are compressed by what makes a commit of 3 MB twice as fast, where the server was built with it.
func prepare(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `
		SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
		UNION ALL
		SELECT set_config(name, 'lz4', false) FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)`)
	return err
}

// check refuses databases on which the store would not hold what it promises.
func check(ctx context.Context, db *sql.DB) error {
	var number int
	var encoding string
	err := db.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding')`).Scan(&number, &encoding)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if number < version {
		return fmt.Errorf("it is PostgreSQL %d, and 15 or later is needed", number/10000)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("its encoding is %s, and UTF8 is needed", encoding)
	}
	return nil
}
