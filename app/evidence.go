package app

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"fairlead"
	"fairlead/record"
	"fairlead/replica/spool"
	"fairlead/ship"
	"fairlead/store"
)

const (
	recordsKept  = 30 * 24 * time.Hour
	recordsBytes = 1 << 30
	sweepEvery   = 10 * time.Minute
)

// evidence is what this node writes of its exchanges, and sends up.
type evidence struct {
	spool   *spool.Spool
	charges *record.Charges
	rows    *record.Rows
}

// openEvidence opens the spool.
func (a *App) openEvidence(context.Context) (err error) {
	if !a.hasEdge() {
		return nil
	}
	if a.evidence.spool, err = spool.Open(filepath.Join(a.Data, "spool"), spool.Options{Node: a.Name, Log: a.Log}); err != nil {
		return err
	}
	a.evidence.charges = record.NewCharges(a.evidence.spool)
	a.evidence.rows = record.NewRows(a.Name, a.recordsPerSecond)
	return nil
}

// recordsPerSecond is how many ordinary exchanges are recorded: none before there is a configuration, for all of them
// fail.
func (a *App) recordsPerSecond() int {
	s := a.gateway.Snapshot()
	if s == nil {
		return 0
	}
	return s.Settings.RecordsPerSecond
}

func (e *evidence) close() error {
	if e.spool == nil {
		return nil
	}
	return e.spool.Close()
}

// showEvidence adds the state of spool and records to the metrics.
func (a *App) showEvidence() {
	of := func(f func(spool.Stats) float64) func() float64 {
		return func() float64 { return f(a.evidence.spool.Stats()) }
	}
	rows := func(f func(record.RowsStats) int64) func() float64 {
		return func() float64 { return float64(f(a.evidence.rows.Stats())) }
	}
	a.metrics.Count("fairlead_charge_lines_total", "Charge lines written to this node's disk.", of(func(s spool.Stats) float64 { return float64(s.Lines) }))
	a.metrics.Count("fairlead_charge_lines_refused_total", "Charge lines that could not be written.", of(func(s spool.Stats) float64 { return float64(s.Refused) }))
	a.metrics.Count("fairlead_charge_lines_damaged_total", "Charge lines that could not be read again.", of(func(s spool.Stats) float64 { return float64(s.Damaged) }))
	a.metrics.Gauge("fairlead_spool_bytes", "Bytes of charge lines on this node's disk, acknowledged ones included.", of(func(s spool.Stats) float64 { return float64(s.Bytes) }))
	a.metrics.Gauge("fairlead_spool_frames_waiting", "Frames of charge lines that control has not acknowledged.", of(func(s spool.Stats) float64 { return float64(s.Last - s.Acked) }))
	a.metrics.Count("fairlead_records_kept_total", "Records of exchanges kept for looking.", rows(func(s record.RowsStats) int64 { return s.Kept }))
	a.metrics.Count("fairlead_records_left_out_total", "Ordinary exchanges without a record: there were more than settings.records allows.", rows(func(s record.RowsStats) int64 { return s.LeftOut }))
	a.metrics.Count("fairlead_records_dropped_total", "Records for which there was no room.", rows(func(s record.RowsStats) int64 { return s.Dropped }))
}

// sendUp sends what was written to the store, and keeps the store's records within bounds, until ctx ends.
func (a *App) sendUp(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() {
		(&ship.Shipper{Frames: a.evidence.spool, Records: a.evidence.rows, Up: inProcess{a.store}, Log: a.Log}).Run(ctx)
	})
	wg.Go(func() { a.sweep(ctx) })
	wg.Wait()
}

// sweep removes old records now and then: one node of all that share the store does.
func (a *App) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.store.Lead(ctx, "records", func(ctx context.Context) error {
			for {
				if removed, err := a.store.SweepRecords(ctx, time.Now().Add(-recordsKept), recordsBytes); err != nil {
					return err
				} else if removed > 0 {
					a.Log.Info("old records are removed", "records", removed)
				}
				if !sleep(ctx, sweepEvery) {
					return ctx.Err()
				}
			}
		})
		if err != nil && ctx.Err() == nil {
			a.Log.Warn("old records cannot be removed now", "error", err)
			sleep(ctx, time.Minute)
		}
	}
}

// sleep waits; false where ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// inProcess takes what goes up straight to the store of this process.
type inProcess struct{ store *store.Store }

// SendFrame keeps a frame.
func (u inProcess) SendFrame(ctx context.Context, f fairlead.Frame) error {
	_, err := u.store.TakeFrame(ctx, f)
	return err
}

// SendRecords keeps records.
func (u inProcess) SendRecords(ctx context.Context, b fairlead.RecordBatch) error {
	_, err := u.store.PutRecords(ctx, b)
	return err
}
