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
	"fairlead/ledger"
)

const (
	// slotMillis is the time by which frames are found: those with a line of an exchange that began within it.
	slotMillis = 10_000
	// mostFrames bounds the frames that are looked through for the lines of one exchange.
	mostFrames = 2000
)

// TakeFrames keeps frames as the evidence of what their lines charge, and settles them: in one transaction, in their order, until one
// cannot be kept.
// kept has as many of the first as are there now: true where a frame was kept by this call, false where it was before, for the
// same key and hash are the same frame. err is of the one after these. Another hash is another frame under the same key:
// CodeConflict, and an entry in the audit. Where frames before it are missing that its node may still have, it is a
// *fairlead.FrameGap.
func (s *Store) TakeFrames(ctx context.Context, frames []fairlead.Frame) (kept []bool, err error) {
	frames, parcels, bad := s.packAll(frames)
	if len(frames) == 0 {
		return nil, bad
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	kept, refused, err := s.takeFrames(ctx, frames, parcels)
	if s.engine.Failure(err) == FailureConnection && ctx.Err() == nil {
		kept, refused, err = s.takeFrames(ctx, frames, parcels)
	}
	var e *fairlead.Error
	switch {
	case s.engine.Failure(err) == FailureTaken:
		return nil, fairlead.Errorf(fairlead.CodeControlUnavailable, "a frame is being taken by another node; send it again")
	case err != nil:
		return nil, s.fail("keep frames", because(ctx, err))
	case errors.As(refused, &e) && e.Code == fairlead.CodeConflict:
		f := &frames[len(kept)]
		act := fairlead.Act{By: f.Node, Action: "frame.conflict", Target: f.Incarnation + "/" + strconv.FormatInt(f.Sequence, 10), Why: "hash " + f.Hash.String()}
		return kept, errors.Join(refused, s.Note(ctx, act))
	case refused != nil:
		return kept, refused
	}
	return kept, bad
}

// parcel is a frame made ready: its lines, deflated, and what they add up to.
type parcel struct {
	packed []byte
	tally  *ledger.Tally
}

// packAll makes frames ready, up to the first one that is none; bad says why it is none.
func (s *Store) packAll(frames []fairlead.Frame) (good []fairlead.Frame, parcels []parcel, bad error) {
	for i := range frames {
		if err := frames[i].Check(); err != nil {
			return frames[:i], parcels, err
		}
		b, err := pack(frames[i].Lines)
		if err != nil {
			return frames[:i], parcels, fmt.Errorf("keep frame: %w", err)
		}
		s.rest()
		parcels = append(parcels, parcel{b, ledger.Read(&frames[i], s.Rest)})
		s.rest()
	}
	return frames, parcels, nil
}

// takeFrames may be run again whatever became of it: a frame is kept once.
func (s *Store) takeFrames(ctx context.Context, frames []fairlead.Frame, parcels []parcel) (kept []bool, refused, err error) {
	tx, err := s.engine.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after the commit it does nothing
	t := newTaker(s, tx)
	due := settlement{poster: poster{engine: &s.engine, tx: tx, rest: s.rest}, at: moment(s.now())}
	for i := range frames {
		fresh, err := t.take(ctx, &frames[i], parcels[i].packed)
		var gap *fairlead.FrameGap
		var conflict *fairlead.Error
		if errors.As(err, &gap) || errors.As(err, &conflict) {
			refused = err
			break
		}
		if err != nil {
			return nil, nil, err
		}
		kept = append(kept, fresh)
		if fresh {
			due.add(&frames[i], parcels[i].tally)
		}
	}
	if err := t.flush(ctx); err != nil {
		return nil, nil, err
	}
	if err := due.settle(ctx); err != nil {
		return nil, nil, fmt.Errorf("settle frames: %w", err)
	}
	s.rest()
	if err := tx.Commit(); err != nil {
		return nil, nil, err
	}
	return kept, refused, nil
}

// taker inserts frames in a transaction.
type taker struct {
	tx            *sql.Tx
	frames, times *bulk
	of            fairlead.FrameKey // the newest frame of the incarnation that was taken from last; 0 = it has none
}

func newTaker(s *Store, tx *sql.Tx) *taker {
	t := &taker{
		tx:     tx,
		frames: s.engine.bulk(tx, `INSERT INTO frames (node, incarnation, sequence, at, lines, lost, gap, hash, packed) VALUES `, 9),
		times:  s.engine.bulk(tx, `INSERT INTO frame_times (tag, slot, node, incarnation, sequence) VALUES `, 5),
	}
	t.frames.rest = s.rest
	return t
}

// take inserts a frame; fresh is false where it is there.
func (t *taker) take(ctx context.Context, f *fairlead.Frame, packed []byte) (fresh bool, err error) {
	if err := t.look(ctx, f); err != nil {
		return false, err
	}
	if f.Sequence <= t.of.Sequence {
		if there, err := t.there(ctx, f); there || err != nil {
			return false, err
		}
	}
	if f.Sequence > t.of.Sequence+1 && !f.Gap {
		return false, &fairlead.FrameGap{Last: t.of.Sequence}
	}
	gap := 0
	if f.Gap {
		gap = 1
	}
	err = t.frames.add(ctx, f.Node, f.Incarnation, f.Sequence, f.At.UnixMicro(), f.Count, f.Lost, gap, f.Hash[:], packed)
	if err != nil {
		return false, err
	}
	tag := fairlead.TagOf(f.Node)
	for _, slot := range slots(f.Lines, tag) {
		if err := t.times.add(ctx, int64(tag), slot, f.Node, f.Incarnation, f.Sequence); err != nil {
			return false, err
		}
	}
	t.of.Sequence = max(t.of.Sequence, f.Sequence)
	return true, nil
}

// look finds the newest frame of a frame's incarnation, where another one's is known.
func (t *taker) look(ctx context.Context, f *fairlead.Frame) error {
	if t.of.Node == f.Node && t.of.Incarnation == f.Incarnation {
		return nil
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	var last sql.NullInt64
	err := t.tx.QueryRowContext(ctx, `SELECT MAX(sequence) FROM frames WHERE node = $1 AND incarnation = $2`, f.Node, f.Incarnation).Scan(&last)
	t.of = fairlead.FrameKey{Node: f.Node, Incarnation: f.Incarnation, Sequence: last.Int64}
	return err
}

// there reports whether a frame was kept before. Another one under its key is CodeConflict.
func (t *taker) there(ctx context.Context, f *fairlead.Frame) (bool, error) {
	if err := t.flush(ctx); err != nil {
		return false, err
	}
	var have fairlead.Hash
	err := t.tx.QueryRowContext(ctx, `SELECT hash FROM frames WHERE node = $1 AND incarnation = $2 AND sequence = $3`,
		f.Node, f.Incarnation, f.Sequence).Scan(scanHash(&have))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err == nil && have != f.Hash:
		return false, fairlead.Errorf(fairlead.CodeConflict, "another frame was taken under this key")
	}
	return err == nil, err
}

func (t *taker) flush(ctx context.Context) error {
	if err := t.frames.flush(ctx); err != nil {
		return err
	}
	return t.times.flush(ctx)
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
