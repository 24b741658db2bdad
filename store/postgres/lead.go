package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"fairlead/internal/jitter"
	"fairlead/store"
)

const (
	// A leader asks its connection each beat and gives up after beatTime without an answer, so that it knows within
	// about a second that the lead is lost. The server ends a session that it has not heard for idleTime: longer, so
	// that the one has stopped when another begins.
	beat     = 300 * time.Millisecond
	beatTime = 700 * time.Millisecond
	idleTime = "5s"
	// tryEvery is how often a node asks whether it can lead, a little more or less.
	tryEvery = 500 * time.Millisecond
)

// leads are advisory locks, each on a connection of its own.
type leads struct{ config *pgx.ConnConfig }

// key is a task's number among the advisory locks of a database.
func key(task string) int64 {
	sum := sha256.Sum256([]byte("fairlead lead " + task))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// alone runs f while this is the only node that holds the lock of a task; it waits for it.
func (l *leads) alone(ctx context.Context, task string, f func(context.Context) error) error {
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer hangUp(conn)
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, key(task)); err != nil {
		return fmt.Errorf("wait for other nodes: %w", err)
	}
	return f(ctx)
}

// lead is store.Store.Lead.
func (l *leads) lead(ctx context.Context, task string, f func(context.Context) error) error {
	conn, err := l.win(ctx, task)
	if err != nil {
		return err
	}
	defer hangUp(conn)
	leading, stop := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		if hold(leading, conn) != nil {
			stop(store.ErrLeadLost)
		}
	}()
	err = f(leading)
	lost := errors.Is(context.Cause(leading), store.ErrLeadLost)
	stop(nil)
	<-beating
	if lost && (err == nil || errors.Is(err, context.Canceled)) {
		return store.ErrLeadLost
	}
	return err
}

// win waits until this node has the lock of a task, however long the database is away.
func (l *leads) win(ctx context.Context, task string) (*pgx.Conn, error) {
	config := with(l.config, map[string]string{"idle_session_timeout": idleTime})
	var conn *pgx.Conn
	for {
		var won bool
		conn, won = try(ctx, conn, config, task)
		if won {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			if conn != nil {
				hangUp(conn)
			}
			return nil, ctx.Err()
		case <-time.After(jitter.About(tryEvery)):
		}
	}
}

// try asks once for the lock. It gives the connection for the next time, nil where it is of no use.
func try(ctx context.Context, conn *pgx.Conn, config *pgx.ConnConfig, task string) (*pgx.Conn, bool) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if conn == nil {
		var err error
		if conn, err = pgx.ConnectConfig(ctx, config); err != nil {
			return nil, false
		}
	}
	won := false
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key(task)).Scan(&won); err != nil {
		hangUp(conn)
		return nil, false
	}
	return conn, won
}

// led is store.Store.Led. The server shows the key of an advisory lock as two halves.
func led(ctx context.Context, db *sql.DB, task string) (held bool, err error) {
	k := uint64(key(task))
	err = db.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
			AND classid::bigint = $1 AND objid::bigint = $2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
		int64(k>>32), int64(k&math.MaxUint32)).Scan(&held)
	return held, err
}

// hold asks the connection again and again until ctx ends, which gives nil, or it does not answer.
func hold(ctx context.Context, conn *pgx.Conn) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		ask, cancel := context.WithTimeout(ctx, beatTime)
		_, err := conn.Exec(ask, `SELECT 1`)
		cancel()
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// hangUp ends a connection, and with it what it locks.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), beatTime)
	defer cancel()
	_ = conn.Close(ctx)
}
