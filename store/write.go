package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fairlead"
)

const (
	// lookTime bounds the question whether a transaction whose end was not heard was committed. A server ends a transaction that
	// lost its node sooner.
	lookTime = 20 * time.Second
	lookWait = 100 * time.Millisecond
)

// errNothing ends a write that has nothing to write, without an error.
var errNothing = errors.New("nothing to write")

// ErrUnknown is in the chain of an error after which nobody knows whether the write was done.
var ErrUnknown = &fairlead.Error{
	Code:    fairlead.CodeControlUnavailable,
	Message: "the database was lost while it took the change: it is not known whether the change was made",
	Hint:    "look whether it was, before it is made again",
}

// writer is a transaction that writes. It holds the head row from its begin to its end, so that numbers are dense, and
// come in the order of commits.
type writer struct {
	engine    *Engine
	tx        *sql.Tx
	act       fairlead.Act
	number    int64 // the head of the log, with what this transaction appends
	hash      fairlead.Hash
	entries   int64
	entryHash fairlead.Hash
	change    fairlead.Change   // the last one appended; Number 0 = none
	made      []fairlead.Change // all that were appended, in order
}

// write runs f in a transaction, as an act. f may run again where a connection was lost before the commit. The writer that it
// gives is that of the transaction that was committed; where f gives errNothing nothing was.
func (s *Store) write(ctx context.Context, what string, act fairlead.Act, f func(context.Context, *writer) error) (*writer, error) {
	return s.writeAfter(ctx, what, act, nil, f)
}

// writeAfter is write with a part that comes before the head row is taken: what many may do at once, and what does not keep others
// from writing. It must not touch what other writes do.
func (s *Store) writeAfter(ctx context.Context, what string, act fairlead.Act, before, f func(context.Context, *writer) error) (*writer, error) {
	if act.At.IsZero() {
		act.At = s.now()
	}
	act.At, act.Change = moment(act.At), 0
	if err := storable(act.By, act.Action, act.Target, act.Why); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	w, err := s.transact(ctx, act, before, f)
	for again := tries(s.engine.Write); again > 0 && s.engine.Failure(err) == FailureConnection && !errors.Is(err, ErrUnknown) && ctx.Err() == nil; again-- {
		w, err = s.transact(ctx, act, before, f)
	}
	if err != nil && !errors.Is(err, errNothing) {
		return nil, s.fail(what, because(ctx, err))
	}
	return w, nil
}

// transact runs before and f in one transaction. The transaction does not end with ctx, only its statements do: a commit that was begun is
// seen through.
func (s *Store) transact(ctx context.Context, act fairlead.Act, before, f func(context.Context, *writer) error) (*writer, error) {
	conn, err := s.engine.Write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	whole, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	watch := time.AfterFunc(callTime, cancel) // over begin and end, which have no other bound
	defer watch.Stop()
	tx, err := conn.BeginTx(whole, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	watch.Stop()
	w := &writer{engine: &s.engine, tx: tx, act: act}
	if before != nil {
		err = before(ctx, w)
	}
	if err == nil {
		err = w.lock(ctx, s.engine.Lock)
	}
	if err == nil {
		err = f(ctx, w)
	}
	if err == nil {
		err = w.finish(ctx)
	}
	if err == nil {
		err = ctx.Err()
	}
	watch.Reset(callTime)
	if err != nil {
		if undo := tx.Rollback(); undo != nil {
			discard(conn)
		}
		return w, err
	}
	if err := tx.Commit(); err != nil {
		discard(conn)
		return w, s.settle(ctx, w, err)
	}
	return w, nil
}

// settle finds out whether a transaction was committed whose commit gave an error: the connection may have been lost before the
// answer came.
func (s *Store) settle(ctx context.Context, w *writer, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.engine.Look)
	defer cancel()
	for {
		done, err := s.landed(ctx, w)
		if err == nil && done {
			return nil
		}
		if err == nil {
			return fmt.Errorf("commit: %w", cause)
		}
		select {
		case <-ctx.Done():
			e := *ErrUnknown
			e.Err = errors.Join(ErrUnknown, cause, err)
			return &e
		case <-time.After(lookWait):
		}
	}
}

// landed reports whether the transaction of a writer was committed. It takes the head row's lock, for which it waits as long as
// that transaction may still be on its way.
func (s *Store) landed(ctx context.Context, w *writer) (bool, error) {
	tx, err := s.engine.Write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() // it only looks
	now := &writer{engine: &s.engine, tx: tx}
	if err := now.lock(ctx, s.engine.Lock); err != nil {
		return false, err
	}
	same := func(query string, number int64, hash fairlead.Hash) (bool, error) {
		var have []byte
		err := tx.QueryRowContext(ctx, query, number).Scan(&have)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		return bytes.Equal(have, hash[:]), err
	}
	if w.change.Number != 0 {
		if ok, err := same(`SELECT hash FROM changes WHERE number = $1`, w.change.Number, w.change.Hash); !ok || err != nil {
			return false, err
		}
	}
	return same(`SELECT hash FROM audit WHERE number = $1`, w.entries, w.entryHash)
}

// discard closes a connection whose transaction did not end in order: it must not be used again.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// lock takes the head row and reads it.
func (w *writer) lock(ctx context.Context, clause string) error {
	var hash, entryHash []byte
	err := w.tx.QueryRowContext(ctx, `SELECT number, hash, entries, entry_hash FROM head WHERE id = 1`+clause).
		Scan(&w.number, &hash, &w.entries, &entryHash)
	if err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	copy(w.hash[:], hash)
	copy(w.entryHash[:], entryHash)
	return nil
}

// append adds a change to the log, and its act to the audit.
func (w *writer) append(ctx context.Context, kind fairlead.ChangeKind, content any) (fairlead.Change, error) {
	text, err := encode(content)
	if err != nil {
		return fairlead.Change{}, fmt.Errorf("encode change: %w", err)
	}
	c := fairlead.Change{Number: w.number + 1, Kind: kind, At: w.act.At, By: w.act.By, Content: text}
	c.Hash = c.Chain(w.hash)
	_, err = w.tx.ExecContext(ctx, `INSERT INTO changes (number, kind, at, author, content, hash) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Number, string(c.Kind), c.At.UnixMicro(), c.By, string(c.Content), c.Hash[:])
	if err != nil {
		return fairlead.Change{}, fmt.Errorf("append change: %w", err)
	}
	w.number, w.hash, w.change = c.Number, c.Hash, c
	w.made = append(w.made, c)
	w.act.Change = c.Number
	return c, w.note(ctx)
}

// note adds the act to the audit.
func (w *writer) note(ctx context.Context) error {
	e := fairlead.AuditEntry{Number: w.entries + 1, Act: w.act}
	e.Hash = e.Chain(w.entryHash)
	_, err := w.tx.ExecContext(ctx, `INSERT INTO audit (number, at, author, action, target, why, change, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.Number, e.At.UnixMicro(), e.By, e.Action, e.Target, e.Why, e.Change, e.Hash[:])
	if err != nil {
		return fmt.Errorf("append audit entry: %w", err)
	}
	w.entries, w.entryHash = e.Number, e.Hash
	return nil
}

// finish moves the head to what was appended.
func (w *writer) finish(ctx context.Context) error {
	_, err := w.tx.ExecContext(ctx, `UPDATE head SET number = $1, hash = $2, entries = $3, entry_hash = $4 WHERE id = 1`,
		w.number, w.hash[:], w.entries, w.entryHash[:])
	if err != nil {
		return fmt.Errorf("move head: %w", err)
	}
	return nil
}

// encode writes a content. Characters that HTML knows stay as they are, so that a patch goes into the log byte for byte.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func sumOf(document []byte) fairlead.Hash { return sha256.Sum256(document) }
