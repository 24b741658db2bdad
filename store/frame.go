package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"

	"github.com/klauspost/compress/flate" // the standard library's takes five times as long, a tenth of an exchange's CPU

	"fairlead"
)

const (
	// slotMillis is the time by which frames are found: those with a line of an exchange that began within it.
	slotMillis = 10_000
	// mostFrames bounds the frames that are looked through for the lines of one exchange.
	mostFrames = 2000
)

// TakeFrame keeps a frame as the evidence of what its lines charge. stored is false where it was kept before: the same key and
// hash are the same frame. Another hash is another frame under the same key: CodeConflict, and an entry in the audit.
// Where frames before it are missing that its node may still have, the error is a *fairlead.FrameGap.
func (s *Store) TakeFrame(ctx context.Context, f fairlead.Frame) (stored bool, err error) {
	if err := f.Check(); err != nil {
		return false, err
	}
	packed, err := pack(f.Lines)
	if err != nil {
		return false, fmt.Errorf("keep frame: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	stored, err = s.takeFrame(ctx, &f, packed)
	if s.engine.Failure(err) == FailureConnection && ctx.Err() == nil {
		stored, err = s.takeFrame(ctx, &f, packed)
	}
	var e *fairlead.Error
	if errors.As(err, &e) && e.Code == fairlead.CodeConflict {
		act := fairlead.Act{By: f.Node, Action: "frame.conflict", Target: f.Incarnation + "/" + strconv.FormatInt(f.Sequence, 10), Why: "hash " + f.Hash.String()}
		return false, errors.Join(err, s.Note(ctx, act))
	}
	var gap *fairlead.FrameGap
	if err == nil || errors.As(err, &gap) {
		return stored, err
	}
	return false, s.fail("keep frame", because(ctx, err))
}

// takeFrame may be run again whatever became of it: a frame is kept once.
func (s *Store) takeFrame(ctx context.Context, f *fairlead.Frame, packed []byte) (stored bool, err error) {
	tx, err := s.engine.Write.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after the commit it does nothing
	var have fairlead.Hash
	err = tx.QueryRowContext(ctx, `SELECT hash FROM frames WHERE node = $1 AND incarnation = $2 AND sequence = $3`,
		f.Node, f.Incarnation, f.Sequence).Scan(scanHash(&have))
	switch {
	case err == nil && have == f.Hash:
		return false, nil
	case err == nil:
		return false, fairlead.Errorf(fairlead.CodeConflict, "another frame was taken under this key")
	case !errors.Is(err, sql.ErrNoRows):
		return false, err
	}
	var last sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT MAX(sequence) FROM frames WHERE node = $1 AND incarnation = $2`, f.Node, f.Incarnation).Scan(&last)
	if err != nil {
		return false, err
	}
	if f.Sequence > last.Int64+1 && !f.Gap {
		return false, &fairlead.FrameGap{Last: last.Int64}
	}
	gap := 0
	if f.Gap {
		gap = 1
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO frames (node, incarnation, sequence, at, lines, lost, gap, hash, packed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		f.Node, f.Incarnation, f.Sequence, f.At.UnixMicro(), f.Count, f.Lost, gap, f.Hash[:], packed)
	if err != nil {
		return false, err
	}
	if rows, err := result.RowsAffected(); err != nil || rows == 0 {
		if err == nil {
			err = fairlead.Errorf(fairlead.CodeControlUnavailable, "the frame is being taken by another node; send it again")
		}
		return false, err
	}
	index := newBulk(tx, `INSERT INTO frame_times (tag, slot, node, incarnation, sequence) VALUES `, 5)
	tag := fairlead.TagOf(f.Node)
	for _, slot := range slots(f.Lines, tag) {
		if err := index.add(ctx, int64(tag), slot, f.Node, f.Incarnation, f.Sequence); err != nil {
			return false, err
		}
	}
	if err := index.flush(ctx); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// slots gives the times at which the exchanges of lines began, each once. Lines with the id of another node's exchange are not
// found by it: no node speaks for another.
func slots(lines []byte, node fairlead.Tag) []int64 {
	var list []int64
	for line := range bytes.Lines(lines) {
		_, rest, _ := bytes.Cut(line, idMember)
		id, _, _ := bytes.Cut(rest, []byte(`"`))
		at, tag, ok := fairlead.ParseID(string(id))
		if slot := at.UnixMilli() / slotMillis; ok && tag == node && !slices.Contains(list, slot) {
			list = append(list, slot)
		}
	}
	return list
}

// idMember begins the id of a line. Reading the whole line as JSON to index it would cost more than all else of a frame.
var idMember = []byte(`"id":"`)

// ChargeLines finds the lines of an exchange by its id, intent first, with the frames that they stand in. An exchange without
// any gives CodeNotFound: its edge may not have sent them yet.
func (s *Store) ChargeLines(ctx context.Context, id string) (found []fairlead.FoundLine, err error) {
	at, tag, ok := fairlead.ParseID(id)
	if !ok {
		return nil, fairlead.Errorf(fairlead.CodeInvalidRequest, "this is no id of an exchange")
	}
	err = s.read(ctx, "find charge lines", func(ctx context.Context, q querier) error {
		found = nil
		return each(ctx, q, func(r scanner) error {
			var key fairlead.FrameKey
			var packed []byte
			if err := r.Scan(&key.Node, &key.Incarnation, &key.Sequence, &packed); err != nil {
				return err
			}
			lines, err := unpack(packed)
			if err != nil {
				return fmt.Errorf("frame %d of %s: %w", key.Sequence, key.Node, err)
			}
			found = append(found, linesOf(lines, id, key)...)
			return nil
		}, `SELECT f.node, f.incarnation, f.sequence, f.packed
			FROM frame_times t JOIN frames f ON f.node = t.node AND f.incarnation = t.incarnation AND f.sequence = t.sequence
			WHERE t.tag = $1 AND t.slot = $2 ORDER BY f.at, f.sequence LIMIT $3`, int64(tag), at.UnixMilli()/slotMillis, mostFrames)
	})
	if err == nil && len(found) == 0 {
		err = fairlead.Errorf(fairlead.CodeNotFound, "no charge line of this exchange has arrived")
	}
	slices.SortStableFunc(found, func(a, b fairlead.FoundLine) int { return cmp.Compare(a.At, b.At) })
	return found, err
}

func linesOf(lines []byte, id string, key fairlead.FrameKey) (found []fairlead.FoundLine) {
	for line := range bytes.Lines(lines) {
		if !bytes.Contains(line, []byte(id)) {
			continue
		}
		l := fairlead.FoundLine{Frame: key}
		if json.Unmarshal(line, &l.ChargeLine) == nil && l.ID == id {
			found = append(found, l)
		}
	}
	return found
}

// Frames gives frames of an incarnation after one, in order.
func (s *Store) Frames(ctx context.Context, after fairlead.FrameKey, limit int) (frames []fairlead.Frame, err error) {
	err = s.read(ctx, "read frames", func(ctx context.Context, q querier) (err error) {
		frames, err = list(ctx, q, scanFrame, `SELECT node, incarnation, sequence, at, lines, lost, gap, hash, packed FROM frames
			WHERE node = $1 AND incarnation = $2 AND sequence > $3 ORDER BY sequence LIMIT $4`, after.Node, after.Incarnation, after.Sequence, limit)
		return err
	})
	return frames, err
}

func scanFrame(r scanner) (f fairlead.Frame, err error) {
	var at, gap int64
	var packed []byte
	if err := r.Scan(&f.Node, &f.Incarnation, &f.Sequence, &at, &f.Count, &f.Lost, &gap, scanHash(&f.Hash), &packed); err != nil {
		return f, err
	}
	f.At, f.Gap = fromMicros(at), gap == 1
	f.Lines, err = unpack(packed)
	return f, err
}

// packers keeps the memory of writers, which is a megabyte each.
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is one that there is
	return w
}}

// pack deflates lines: they are alike, and take a tenth then.
func pack(lines []byte) ([]byte, error) {
	var b bytes.Buffer
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(lines); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	lines, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), fairlead.MaxFrame))
	if err != nil {
		return nil, fmt.Errorf("unpack lines: %w", err)
	}
	return lines, nil
}
