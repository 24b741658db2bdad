package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"fairlead"
	"fairlead/store"
)

// RestoreOptions says into which store a backup goes.
type RestoreOptions struct {
	Data     string // folder whose SQLite store is made; unused with Database
	Database string // URL of a PostgreSQL database
	From     io.Reader
	// KeepTokens leaves the admin tokens as they were at the time of the backup: those that were revoked since are good again.
	KeepTokens bool
}

// Restored is what a restore has brought back.
type Restored struct {
	At       time.Time         `json:"at"` // of the backup
	Position fairlead.Position `json:"position"`
	Rows     map[string]int64  `json:"rows"` // by table
	Revoked  int64             `json:"tokens_revoked"`
	Void     int64             `json:"joins_void"` // tokens to join with
}

// Restore makes a store of a backup, without a running node. Tokens of the backup, to join with and of admins, are good no more: nobody
// knows which of them were used or revoked since. A store that holds anything is refused, and so is a backup
// that is not whole; either leaves everything as it was.
func Restore(ctx context.Context, o RestoreOptions) (Restored, error) {
	s, created, err := openEmpty(ctx, o)
	if err != nil {
		return Restored{}, err
	}
	var done Restored
	steps := []store.RestoreStep{store.VoidJoins(&done.Void)}
	if !o.KeepTokens {
		steps = append(steps, store.RevokeTokens(&done.Revoked))
	}
	info, err := s.Restore(ctx, o.From, steps...)
	err = errors.Join(err, s.Close())
	if err != nil {
		return Restored{}, errors.Join(err, remove(created))
	}
	done.At, done.Position, done.Rows = info.At, info.Position, info.Rows
	return done, nil
}

// openEmpty opens the store; created is the file that it made.
func openEmpty(ctx context.Context, o RestoreOptions) (s *store.Store, created string, err error) {
	if o.Database == "" {
		if err := os.MkdirAll(o.Data, 0o700); err != nil {
			return nil, "", fmt.Errorf("make data folder: %w", err)
		}
		path := filepath.Join(o.Data, storeFile)
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			created = path
		}
	}
	s, err = openDatabase(ctx, o.Database, o.Data)
	return s, created, err
}

// remove takes back a file that a restore made for nothing, with what SQLite kept beside it.
func remove(path string) error {
	if path == "" {
		return nil
	}
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
