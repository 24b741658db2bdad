package record

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"fairlead"
)

const (
	// rowsMost bounds the rows that wait to be sent, in bytes. What a caller gets wrong before anything is sent for
	// it may take half of that: whoever floods the door leaves room for what went wrong behind it.
	rowsMost = 4 << 20
	// batchRows leaves room for a batch's head in fairlead.MaxBatch.
	batchRows = fairlead.MaxBatch - 8<<10
	// secondsMost bounds the counts that wait, and batchSeconds those of one batch.
	secondsMost  = 3600
	batchSeconds = 60
)

// Rows keeps records to be sent up: of every exchange that failed or was slow, and of the others as many a second as
// it may, each with the same chance. It never waits: what there is no room for is dropped and counted.
type Rows struct {
	// Clock is the one that records are dated by; nil = time.Now.
	Clock func() time.Time

	node  string
	limit func() int // ordinary ones a second

	mu      sync.Mutex
	count   fairlead.RecordSecond // of the second under way; Seen 0: there is none
	most    int                   // its ordinary ones
	sample  [][]byte              // of these, encoded
	seen    int                   // ordinary ones of it
	queue   []byte
	seconds []fairlead.RecordSecond
	total   RowsStats
	memory  sync.Pool // *[]byte
	ready   chan struct{}
}

// RowsStats counts what became of records.
type RowsStats struct{ Kept, LeftOut, Dropped int64 }

// NewRows makes a Rows of a node. limit says how many ordinary exchanges a second are kept; it is asked once a second.
func NewRows(node string, limit func() int) *Rows {
	return &Rows{node: node, limit: limit, ready: make(chan struct{}, 1), memory: sync.Pool{New: func() any { return new(make([]byte, 0, 2048)) }}}
}

// Entered does nothing: a record is kept at the end.
func (w *Rows) Entered(*fairlead.Record) {}

// Left keeps a record, or counts it.
func (w *Rows) Left(r *fairlead.Record) {
	why, end := kept(r), r.Start.Add(r.Duration).Unix()
	if why == fairlead.KeptSample {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.turn(end)
		w.count.Seen++
		w.draw(r)
		return
	}
	m := w.memory.Get().(*[]byte)
	*m = appendRow((*m)[:0], r, why)
	room := rowsMost
	if !r.Intended && fault(r) == fairlead.FaultCaller {
		room /= 2
	}
	w.enter(end, *m, room)
	w.memory.Put(m)
	w.poke()
}

// enter queues a row. The lock is let go of whatever happens: all exchanges would wait for it.
func (w *Rows) enter(second int64, row []byte, room int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn(second)
	w.count.Seen++
	w.put(row, room, &w.count)
}

// draw keeps an ordinary exchange in the sample of its second: the first ones all, each later one in the place of
// another with the chance that all of the second then have (a reservoir, Vitter's algorithm R).
func (w *Rows) draw(r *fairlead.Record) {
	w.seen++
	at := len(w.sample)
	if at >= w.most {
		if at = rand.IntN(w.seen); at >= w.most {
			return
		}
		w.sample[at] = appendRow(w.sample[at][:0], r, fairlead.KeptSample)
		return
	}
	if at < cap(w.sample) { // memory of a second before
		w.sample = w.sample[:at+1]
	} else {
		w.sample = append(w.sample, nil)
	}
	w.sample[at] = appendRow(w.sample[at][:0], r, fairlead.KeptSample)
}

// turn ends the second under way where another one has come.
func (w *Rows) turn(second int64) {
	if w.count.Seen > 0 && second <= w.count.Second {
		return
	}
	if w.count.Seen > 0 {
		w.end()
	}
	w.count, w.most, w.seen = fairlead.RecordSecond{Second: second}, w.limit(), 0
	w.poke()
}

// end queues the sample of the second under way, and its counts.
func (w *Rows) end() {
	w.count.LeftOut = int64(w.seen - len(w.sample))
	w.total.LeftOut += w.count.LeftOut
	for i := range w.sample {
		w.put(w.sample[i], rowsMost, &w.count)
	}
	w.sample = w.sample[:0]
	if len(w.seconds) < secondsMost {
		w.seconds = append(w.seconds, w.count)
	}
	w.count = fairlead.RecordSecond{}
}

func (w *Rows) put(row []byte, room int, count *fairlead.RecordSecond) {
	if len(w.queue)+len(row) > room || len(row) > batchRows {
		count.Dropped++
		w.total.Dropped++
		return
	}
	count.Kept++
	w.total.Kept++
	w.queue = append(w.queue, row...)
}

func (w *Rows) poke() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// Stats counts what became of records so far.
func (w *Rows) Stats() RowsStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// Batch waits until there are records, or counts of a second that is over, and takes as many as a batch may have.
func (w *Rows) Batch(ctx context.Context) (fairlead.RecordBatch, error) {
	for {
		b, wait := w.take(clock(w.Clock))
		if len(b.Rows) > 0 || len(b.Seconds) > 0 {
			return b, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fairlead.RecordBatch{}, ctx.Err()
		case <-w.ready:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take takes what a batch may have, and says how long to wait where there is nothing: until the second under way is
// over.
func (w *Rows) take(now time.Time) (b fairlead.RecordBatch, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait = time.Hour
	if w.count.Seen > 0 {
		if wait = time.Unix(w.count.Second+1, 0).Sub(now); wait <= 0 {
			w.end()
		}
	}
	b.Node = w.node
	n := len(w.queue)
	if n > batchRows {
		n = bytes.LastIndexByte(w.queue[:batchRows], '\n') + 1
	}
	if n > 0 {
		b.Rows = bytes.Clone(w.queue[:n])
		w.queue = append(w.queue[:0], w.queue[n:]...)
	}
	if n = min(len(w.seconds), batchSeconds); n > 0 {
		b.Seconds = append(b.Seconds, w.seconds[:n]...)
		w.seconds = append(w.seconds[:0], w.seconds[n:]...)
	}
	return b, wait
}
