package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fairlead"
	"fairlead/internal/sqlitefile"
)

// revokedPage bounds the keys that Revoked gives at once.
const revokedPage = 500

// anchor remembers the hash of a position, so that the change after it can be held against it. It comes behind what is remembered.
func anchor(ctx context.Context, db *sql.DB, at fairlead.Position) error {
	if at.Number == 0 {
		return nil
	}
	_, err := db.ExecContext(ctx, `
		INSERT INTO changes (number, kind, at, author, hash, through, content)
		VALUES (?, '', 0, '', ?, (SELECT COALESCE(max(through), 0) FROM changes), x'') ON CONFLICT DO NOTHING`, at.Number, at.Hash[:])
	return err
}

// Remember takes over the changes up to a number that the replica remembers: those that lie on the log that is copied too. So a later
// restore finds here what it undoes. It comes before Apply.
func (c *Copy) Remember(ctx context.Context, through int64) error {
	return c.step("take over changes", func() error {
		if _, err := c.file.write.ExecContext(ctx, `DELETE FROM changes`); err != nil {
			return err
		}
		err := c.beside(ctx, func(conn *sql.Conn) error {
			_, err := conn.ExecContext(ctx, `INSERT INTO main.changes SELECT * FROM old.changes WHERE number <= ? ORDER BY number`, min(through, c.at.Number))
			return err
		})
		if err != nil {
			return err
		}
		return anchor(ctx, c.file.write, c.at)
	})
}

// Revoked gives keys, in the order of their hashes and behind one, that the replica has as revoked and the copy as good, with the same
// id and secret. They are few at a time; none = there are no more. In the copy they are revoked from then on, whatever the log says of
// them: a revocation is for ever.
func (c *Copy) Revoked(ctx context.Context, after fairlead.KeyHash) (keys []fairlead.Key, err error) {
	err = c.step("look for revoked keys", func() error {
		if err := c.oneEach(ctx); err != nil {
			return err
		}
		err := c.beside(ctx, func(conn *sql.Conn) (err error) {
			keys, err = revokedBeside(ctx, conn, after)
			return err
		})
		if err != nil {
			return err
		}
		return sqlitefile.Tx(ctx, c.file.write, func(tx *sql.Tx) error {
			for i := range keys {
				k := &keys[i]
				if _, err := tx.ExecContext(ctx, `UPDATE keys SET revoked = ? WHERE hash = ?`, k.Revoked.UnixMicro(), k.Hash[:]); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return keys, err
}

// revokedBeside reads a page of Revoked. Both tables are in the order of hashes, so that each is gone through once at most.
func revokedBeside(ctx context.Context, conn *sql.Conn, after fairlead.KeyHash) (keys []fairlead.Key, err error) {
	rows, err := conn.QueryContext(ctx, `
		SELECT was.hash, was.id, was.name, was.hint, was.created, was.revoked, was.terms FROM old.keys AS was CROSS JOIN main.keys AS is_now
		ON is_now.hash = was.hash AND is_now.id = was.id AND is_now.revoked IS NULL
		WHERE was.revoked IS NOT NULL AND was.hash > ? ORDER BY was.hash LIMIT ?`, after[:], revokedPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// beside runs f on a connection to the copy to which the file in use is attached as old, to be read by single statements: a transaction
// would lock it. Where that file is damaged there is nothing in it to go by, and the copy is what mends it.
func (c *Copy) beside(ctx context.Context, f func(*sql.Conn) error) error {
	conn, err := c.file.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = c.r.read(ctx, func(old *file) (err error) {
		if _, err := conn.ExecContext(ctx, `ATTACH ? AS old`, old.path); err != nil {
			return fmt.Errorf("attach the file in use: %w", err)
		}
		defer func() {
			_, end := conn.ExecContext(context.WithoutCancel(ctx), `DETACH old`)
			err = errors.Join(err, end)
		}()
		return f(conn)
	})
	if isDamage(err) && ctx.Err() == nil {
		c.r.log.WarnContext(ctx, "what the replica's old file remembers is lost with it", "error", err)
		return nil
	}
	return err
}
