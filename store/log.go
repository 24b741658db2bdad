package store

import (
	"context"
	"database/sql"
	"errors"

	"fairlead"
)

const changeColumns = `number, kind, at, author, content, hash`

func scanChange(r scanner) (c fairlead.Change, err error) {
	var at int64
	err = r.Scan(&c.Number, (*string)(&c.Kind), &at, &c.By, &c.Content, scanHash(&c.Hash))
	c.At = fromMicros(at)
	return c, err
}

// Head gives the position of the log's last change; its number is 0 and its hash zero where there is none.
func (s *Store) Head(ctx context.Context) (p fairlead.Position, err error) {
	err = s.read(ctx, "read head", func(ctx context.Context, q querier) (err error) {
		p, err = readHead(ctx, q)
		return err
	})
	return p, err
}

func readHead(ctx context.Context, q querier) (p fairlead.Position, err error) {
	err = q.QueryRowContext(ctx, `SELECT log, number, hash FROM head WHERE id = 1`).Scan(&p.Log, &p.Number, scanHash(&p.Hash))
	return p, err
}

// Changes gives changes after a number in order: at most limit of them, and as many as their contents fit into maxBytes,
// yet at least one if there is any. One whose content is larger than fairlead.LargeContent comes without it, and as the
// last: Change gives it.
func (s *Store) Changes(ctx context.Context, after int64, limit, maxBytes int) (changes []fairlead.Change, err error) {
	err = s.read(ctx, "read changes", func(ctx context.Context, q querier) error {
		last, err := lastWithin(ctx, q, after, limit, maxBytes)
		if err != nil {
			return err
		}
		changes, err = list(ctx, q, scanChange, `SELECT number, kind, at, author, CASE WHEN octet_length(content) <= $3 THEN content END, hash
			FROM changes WHERE number > $1 AND number <= $2 ORDER BY number`, after, last, fairlead.LargeContent)
		return err
	})
	return changes, err
}

// lastWithin finds how far Changes goes by the sizes alone, so that nothing is read that is not given.
func lastWithin(ctx context.Context, q querier, after int64, limit, maxBytes int) (int64, error) {
	last, sum, full := after, 0, false
	err := each(ctx, q, func(r scanner) error {
		var number int64
		var size int
		if err := r.Scan(&number, &size); err != nil || full {
			return err
		}
		large := size > fairlead.LargeContent
		if large {
			size = 0
		}
		if sum += size; sum > maxBytes && last != after {
			full = true
			return nil
		}
		last, full = number, large
		return nil
	}, `SELECT number, octet_length(content) FROM changes WHERE number > $1 ORDER BY number LIMIT $2`, after, max(limit, 0))
	return last, err
}

// Change gives one change; CodeNotFound where the log has none of this number.
func (s *Store) Change(ctx context.Context, number int64) (c fairlead.Change, err error) {
	err = s.read(ctx, "read change", func(ctx context.Context, q querier) (err error) {
		c, err = scanChange(q.QueryRowContext(ctx, `SELECT `+changeColumns+` FROM changes WHERE number = $1`, number))
		return missing(err, "the log has no change of this number", "")
	})
	return c, err
}

// HasChange reports whether a change of this number and hash is in the log. The begin, number 0 with the zero
// hash, is in every log.
func (s *Store) HasChange(ctx context.Context, number int64, hash fairlead.Hash) (has bool, err error) {
	if number <= 0 {
		return number == 0 && hash == fairlead.Hash{}, nil
	}
	err = s.read(ctx, "look up change", func(ctx context.Context, q querier) error {
		var have fairlead.Hash
		err := q.QueryRowContext(ctx, `SELECT hash FROM changes WHERE number = $1`, number).Scan(scanHash(&have))
		if errors.Is(err, sql.ErrNoRows) {
			has = false
			return nil
		}
		has = err == nil && have == hash
		return err
	})
	return has, err
}

// missing gives CodeNotFound for a row that is not there, with what to do next.
func missing(err error, message, hint string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return &fairlead.Error{Code: fairlead.CodeNotFound, Message: message, Hint: hint}
	}
	return err
}
