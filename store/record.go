package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fairlead"
)

const (
	// recordTime bounds a question about records: it must not keep the database from what is not for looking.
	recordTime = 5 * time.Second
	// sweepRows is how many records one transaction removes.
	sweepRows = 1000
	// recordPiece is how many bytes of rows are read before a rest.
	recordPiece = 16 << 10
)

// PutRecords keeps the records of a batch, each once, and its counts. bad counts rows that are no records of its node.
func (s *Store) PutRecords(ctx context.Context, b fairlead.RecordBatch) (bad int, err error) {
	if err := fairlead.ValidNodeName(b.Node); err != nil {
		return 0, err
	}
	if len(b.Rows) > fairlead.MaxBatch {
		return 0, fairlead.Errorf(fairlead.CodeInvalidRequest, "a batch of records is larger than "+fairlead.Bytes(fairlead.MaxBatch).String())
	}
	records, bad := s.readRecords(&b)
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	more, err := s.putRecords(ctx, &b, records)
	if s.engine.Failure(err) == FailureConnection && ctx.Err() == nil {
		more, err = s.putRecords(ctx, &b, records)
	}
	if err != nil {
		return 0, s.fail("keep records", because(ctx, err))
	}
	return bad + more, nil
}

// readRecords reads the rows of a batch.
func (s *Store) readRecords(b *fairlead.RecordBatch) (records []fairlead.StoredRecord, bad int) {
	for rows := b.Rows; len(rows) > 0; s.rest() {
		n := min(recordPiece, len(rows))
		if end := bytes.IndexByte(rows[n:], '\n'); end >= 0 {
			n += end + 1
		} else {
			n = len(rows)
		}
		piece := fairlead.RecordBatch{Node: b.Node, Rows: rows[:n]}
		rows = rows[n:]
		more, wrong := piece.Records()
		records, bad = append(records, more...), bad+wrong
	}
	return records, bad
}

func (s *Store) putRecords(ctx context.Context, b *fairlead.RecordBatch, records []fairlead.StoredRecord) (bad int, err error) {
	tx, err := s.engine.Write.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after the commit it does nothing
	rows := s.engine.bulk(tx, `INSERT INTO records (id, at, node, key_id, model, endpoint, providers, status, code, duration, stream, tried, kept, size, content) VALUES `, 15)
	rows.then, rows.rest = ` ON CONFLICT DO NOTHING`, s.rest
	for i := range records {
		r := &records[i]
		content, err := encode(r)
		if err != nil || storable(r.Key, r.Served, r.Endpoint, string(r.Code), string(r.Kept), string(content)) != nil {
			bad++
			continue
		}
		err = rows.add(ctx, r.ID, r.At, r.Node, r.Key, r.Served, r.Endpoint, askedText(r), r.Status, string(r.Code), r.Duration, bit(r.Stream),
			bit(r.Trial != ""), string(r.Kept), len(content), string(content))
		if err != nil {
			return 0, err
		}
	}
	if err := rows.flush(ctx); err != nil {
		return 0, err
	}
	for _, c := range b.Seconds {
		_, err := tx.ExecContext(ctx, `INSERT INTO record_seconds (second, node, seen, kept, left_out, dropped) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (second, node) DO UPDATE SET seen = excluded.seen, kept = excluded.kept, left_out = excluded.left_out, dropped = excluded.dropped`,
			c.Second, b.Node, c.Seen, c.Kept, c.LeftOut, c.Dropped)
		if err != nil {
			return 0, err
		}
	}
	s.rest()
	return bad, tx.Commit()
}

// Records lists records, newest first.
func (s *Store) Records(ctx context.Context, f fairlead.RecordFilter) (records []fairlead.StoredRecord, err error) {
	if err := checkFilter(&f); err != nil {
		return nil, err
	}
	if f.Nodes != nil && len(f.Nodes) == 0 {
		return nil, nil
	}
	query, args := filterQuery(&f)
	err = s.ask(ctx, func(ctx context.Context, q querier) (err error) {
		records, err = list(ctx, q, scanRecord, query, args...)
		return err
	})
	return records, err
}

// ask reads records, but not for long.
func (s *Store) ask(ctx context.Context, f func(context.Context, querier) error) error {
	return s.askFor(ctx, "records", f)
}

// askFor reads what may be much, but not for long.
func (s *Store) askFor(ctx context.Context, what string, f func(context.Context, querier) error) error {
	bounded, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	err := s.read(bounded, "read "+what, f)
	if err != nil && ctx.Err() == nil && errors.Is(bounded.Err(), context.DeadlineExceeded) {
		return &fairlead.Error{Code: fairlead.CodeControlUnavailable, Message: "the " + what + " of this time could not be searched in " + recordTime.String() + "; ask for a shorter one", Err: err}
	}
	return err
}

func scanRecord(r scanner) (record fairlead.StoredRecord, err error) {
	var content []byte
	if err := r.Scan(&content); err != nil {
		return record, err
	}
	return record, json.Unmarshal(content, &record)
}

// Record gives the record of an exchange. One that there is none of gives CodeNotFound: it was left out, it has not arrived, or it
// is gone.
func (s *Store) Record(ctx context.Context, id string) (record fairlead.StoredRecord, err error) {
	if _, _, ok := fairlead.ParseID(id); !ok {
		return record, fairlead.Errorf(fairlead.CodeInvalidRequest, "this is no id of an exchange")
	}
	err = s.read(ctx, "read record", func(ctx context.Context, q querier) error {
		record, err = scanRecord(q.QueryRowContext(ctx, `SELECT content FROM records WHERE id = $1`, id))
		if errors.Is(err, sql.ErrNoRows) {
			return fairlead.Errorf(fairlead.CodeNotFound, "there is no record of this exchange")
		}
		return err
	})
	return record, err
}

// RecordCounts adds up the exchanges of a time, with and without records, over all nodes or one of them; Second is that of from.
func (s *Store) RecordCounts(ctx context.Context, from, until time.Time, node string) (c fairlead.RecordSecond, err error) {
	if !from.Before(until) {
		return c, fairlead.Errorf(fairlead.CodeInvalidRequest, "exchanges are counted from one time until a later one")
	}
	if err := storable(node); err != nil {
		return c, err
	}
	c.Second = from.Unix()
	err = s.ask(ctx, func(ctx context.Context, q querier) error {
		return q.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(seen), 0) AS BIGINT), CAST(COALESCE(SUM(kept), 0) AS BIGINT),
			CAST(COALESCE(SUM(left_out), 0) AS BIGINT), CAST(COALESCE(SUM(dropped), 0) AS BIGINT)
			FROM record_seconds WHERE second >= $1 AND second < $2 AND ($3 = '' OR node = $3)`, from.Unix(), until.Unix(), node).
			Scan(&c.Seen, &c.Kept, &c.LeftOut, &c.Dropped)
	})
	return c, err
}

// SweepRecords removes records and counts of before a time, and then the oldest records until the others have at most so many bytes; 0 = any
// number. It removes a few at a time, so that nobody waits for it.
func (s *Store) SweepRecords(ctx context.Context, before time.Time, most int64) (removed int64, err error) {
	oldest, err := s.sweep(ctx, `DELETE FROM records WHERE id IN (SELECT id FROM records WHERE at < $1 ORDER BY at, id LIMIT $2)`, before.UnixMicro())
	if err != nil {
		return oldest, err
	}
	if _, err := s.sweep(ctx, `DELETE FROM record_seconds WHERE (second, node) IN
		(SELECT second, node FROM record_seconds WHERE second < $1 ORDER BY second, node LIMIT $2)`, before.Unix()); err != nil {
		return oldest, err
	}
	until, err := s.fits(ctx, most)
	if err != nil || until == 0 {
		return oldest, err
	}
	large, err := s.sweep(ctx, `DELETE FROM records WHERE id IN (SELECT id FROM records WHERE at < $1 ORDER BY at, id LIMIT $2)`, until)
	return oldest + large, err
}

// fits gives the time from which on records have at most so many bytes; 0 = all have.
func (s *Store) fits(ctx context.Context, most int64) (until int64, err error) {
	if most <= 0 {
		return 0, nil
	}
	err = s.read(ctx, "measure records", func(ctx context.Context, q querier) error {
		var total int64
		if err := q.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM records`).Scan(&total); err != nil || total <= most {
			return err
		}
		return each(ctx, q, func(r scanner) error {
			var at, size int64
			if err := r.Scan(&at, &size); err != nil {
				return err
			}
			if total > most {
				until = at + 1
			}
			total -= size
			return nil
		}, `SELECT at, size FROM records ORDER BY at, id LIMIT $1`, 1000*sweepRows)
	})
	return until, err
}

// sweep runs a statement that removes a bounded number of rows until it finds no more.
func (s *Store) sweep(ctx context.Context, statement string, before int64) (removed int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		result, err := s.engine.Write.ExecContext(ctx, statement, before, sweepRows)
		if err != nil {
			return removed, s.fail("remove old records", because(ctx, err))
		}
		n, err := result.RowsAffected()
		if err != nil {
			return removed, s.fail("remove old records", err)
		}
		removed += n
		if n < sweepRows {
			return removed, nil
		}
	}
}
