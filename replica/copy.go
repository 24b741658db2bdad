package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"fairlead"
	"fairlead/internal/mergepatch"
	"fairlead/internal/sqlitefile"
)

// Copy is a whole copy of a log's state under way: it fills a file of its own, while the old one serves, and
// Commit puts it in the old one's place. Keys, Rest and Apply may come in any order and again; what they bring
// may have been read at any moment since the position that the copy began with, once Apply brought all changes
// made up to the last of these moments. After a failure it can only be discarded. Its methods are called by one
// goroutine.
type Copy struct {
	r      *Replica
	file   *file
	at     fairlead.Position
	state  fairlead.State
	rested bool
	single bool  // no two keys have one id, and the file sees to it
	failed error // of a step: then it can only be discarded
}

// errOver is what a copy says that was committed, discarded or begun anew.
var errOver = errors.New("the copy is over")

// BeginCopy begins a whole copy of a log, true at a position once it is filled. One that was under way is
// discarded.
func (r *Replica) BeginCopy(ctx context.Context, at fairlead.Position) (*Copy, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	if r.file == nil {
		return nil, errClosed
	}
	if r.copying != nil {
		if err := r.copying.discard(); err != nil {
			return nil, fmt.Errorf("discard the copy before: %w", err)
		}
	}
	if err := removeFile(r.next()); err != nil {
		return nil, fmt.Errorf("begin copy: %w", err)
	}
	// Nothing of it is of use before Commit, which sees to it that the disk has it.
	f, err := openWriter(ctx, r.next(), "_txlock", "immediate", "_journal_mode", "MEMORY", "_synchronous", "OFF")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin copy: %w", err), removeFile(r.next()))
	}
	if err := anchor(ctx, f.write, at); err != nil {
		return nil, errors.Join(fmt.Errorf("begin copy: %w", err), f.close(), removeFile(r.next()))
	}
	// What is sorted for the index must not need a folder for temporary files, which this machine may not have.
	if _, err := f.write.ExecContext(ctx, `DROP INDEX key_ids; PRAGMA temp_store = MEMORY`); err != nil {
		return nil, errors.Join(fmt.Errorf("begin copy: %w", err), f.close(), removeFile(r.next()))
	}
	r.copying = &Copy{r: r, file: f, at: at, state: fairlead.State{Document: []byte("{}")}}
	return r.copying, nil
}

// Keys puts keys as they are.
func (c *Copy) Keys(ctx context.Context, keys []fairlead.Key) error {
	return c.step("copy keys", func() error {
		return sqlitefile.Tx(ctx, c.file.write, func(tx *sql.Tx) error {
			_, err := writeKeys(ctx, tx, slices.Clone(keys))
			return err
		})
	})
}

// Accounts puts accounts and teams as they are.
func (c *Copy) Accounts(ctx context.Context, all fairlead.AccountContent) error {
	return c.step("copy accounts", func() error {
		return sqlitefile.Tx(ctx, c.file.write, func(tx *sql.Tx) error { return writeAccounts(ctx, tx, &all) })
	})
}

// Rest puts what a replica holds besides keys and accounts.
func (c *Copy) Rest(ctx context.Context, s fairlead.State, secrets []fairlead.SealedSecret) error {
	return c.step("copy configuration", func() (err error) {
		if len(s.Document) == 0 {
			s.Document = []byte("{}")
		}
		if s.Document, err = mergepatch.Canonical(s.Document); err != nil {
			return err
		}
		err = sqlitefile.Tx(ctx, c.file.write, func(tx *sql.Tx) error {
			if err := writeState(ctx, tx, &s, true); err != nil {
				return err
			}
			return writeSecrets(ctx, tx, secrets)
		})
		if err == nil {
			c.state, c.rested = s, true
		}
		return err
	})
}

// Apply takes the changes that follow the copy's position, as the Replica's does.
func (c *Copy) Apply(ctx context.Context, changes []fairlead.Change) error {
	return c.step("apply changes to the copy", func() error {
		if len(changes) == 0 {
			return nil
		}
		if !c.rested {
			return errors.New("its configuration has to come first")
		}
		at, err := follow(c.at, c.at.Log, changes)
		if err != nil {
			return err
		}
		b, err := fold(at, &c.state, changes)
		if err != nil {
			return err
		}
		if err := c.oneEach(ctx); err != nil {
			return err
		}
		if _, err := c.file.apply(ctx, b); err != nil {
			return err
		}
		c.at, c.state = at, b.state
		return nil
	})
}

// oneEach leaves one key of each id: pages that were read at several moments can have one from before its secret was
// replaced and one from after it. The change that did so is among those that Apply brings, and settles which is true; a
// revocation stays.
func (c *Copy) oneEach(ctx context.Context) error {
	if c.single {
		return nil
	}
	_, err := c.file.write.ExecContext(ctx, indexIDs)
	if isTaken(err) {
		err = sqlitefile.Tx(ctx, c.file.write, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `
				CREATE TEMP TABLE twice AS SELECT id, max(hash) AS hash, min(revoked) AS revoked FROM keys GROUP BY id HAVING count(*) > 1;
				DELETE FROM keys WHERE id IN (SELECT id FROM twice) AND hash NOT IN (SELECT hash FROM twice);
				UPDATE keys SET revoked = (SELECT revoked FROM twice WHERE twice.id = keys.id) WHERE id IN (SELECT id FROM twice);
				DROP TABLE twice;`+indexIDs)
			return err
		})
	}
	c.single = err == nil
	return err
}

// step fills a part of the copy.
func (c *Copy) step(what string, f func() error) error {
	if c.file == nil {
		return errOver
	}
	if c.failed == nil {
		c.failed = f()
	}
	if c.failed != nil {
		return fmt.Errorf("%s: %w", what, c.failed)
	}
	return nil
}

// Commit puts the copy in the place of what the replica held, as a copy of the log of that name. Once it
// returns, everything decides by it. Where it fails the old one stays, and the copy can only be discarded.
func (c *Copy) Commit(ctx context.Context, log string) error {
	r := c.r
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := c.commit(ctx, log); err != nil {
		return errors.Join(fmt.Errorf("commit copy: %w", err), c.discard())
	}
	r.log.InfoContext(ctx, "replica copied whole", "log", log, "change", c.at.Number, "revision", c.state.Revision)
	return nil
}

func (c *Copy) commit(ctx context.Context, log string) error {
	r := c.r
	switch {
	case c.file == nil:
		return errOver
	case r.file == nil:
		return errClosed
	case c.failed != nil:
		return c.failed
	case !c.rested:
		return errors.New("its configuration is missing")
	}
	c.at.Log = log
	if err := c.oneEach(ctx); err != nil {
		return err
	}
	good, err := r.file.good(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil: // the copy is what mends a damaged file
		r.log.WarnContext(ctx, "the last good configuration is lost with the replica's old file", "error", err)
	}
	if err := c.settle(ctx, good); err != nil {
		return err
	}
	path := r.numbered(number(r.file.path) + 1)
	if err := os.Rename(r.next(), path); err != nil {
		return err
	}
	f, err := openFile(ctx, path)
	if err != nil {
		return errors.Join(err, removeFile(path))
	}
	all, err := f.readAccounts(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("read accounts: %w", err), f.close(), removeFile(path))
	}
	if err := syncFile(r.dir); err != nil {
		return errors.Join(err, f.close(), removeFile(path))
	}
	return r.replace(ctx, f, c, all)
}

// settle sees to it that the disk has the whole copy, in one file, and with it the last good configuration: what is in
// force while the one that was copied cannot be.
func (c *Copy) settle(ctx context.Context, good []byte) error {
	err := sqlitefile.Tx(ctx, c.file.write, func(tx *sql.Tx) error {
		if good != nil {
			if _, err := tx.ExecContext(ctx, writeGood, good); err != nil {
				return err
			}
		}
		return writePosition(ctx, tx, c.at)
	})
	if err != nil {
		return err
	}
	if err := c.file.close(); err != nil {
		return err
	}
	return syncFile(c.file.path)
}

// replace puts a copy's file in the place of the one in use. Nothing in here keeps the copy from being in
// force: what is left of the old file is removed at the next start at the latest.
func (r *Replica) replace(ctx context.Context, f *file, c *Copy, all *fairlead.AccountContent) error {
	old := r.file
	r.reading.Lock()
	r.file = f
	r.reading.Unlock()
	r.copying, c.file = nil, nil
	state := c.state
	r.state, r.unsure = &state, false
	r.accounts.put(all, true)
	r.version.Add(1)
	if err := r.forget(); err != nil {
		return err
	}
	r.damaged.Store(false)
	err := errors.Join(os.RemoveAll(r.marker()), old.close(), removeFile(old.path))
	if err != nil {
		r.log.WarnContext(ctx, "the replica's old file stays", "file", old.path, "error", err)
	}
	r.stand(c.at, true)
	r.refused.written(c.at.Number)
	return nil
}

// Discard gives a copy up. Afterwards, and after a Commit, it does nothing.
func (c *Copy) Discard() error {
	c.r.writing.Lock()
	defer c.r.writing.Unlock()
	return c.discard()
}

func (c *Copy) discard() error {
	if c.file == nil {
		return nil
	}
	err := errors.Join(c.file.close(), removeFile(c.r.next()))
	c.file = nil
	if c.r.copying == c {
		c.r.copying = nil
	}
	return err
}

// syncFile waits until the disk has a file, or the names in a folder.
func syncFile(path string) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
