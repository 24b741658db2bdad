package app

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"fairlead"
	"fairlead/compile"
	"fairlead/record"
	"fairlead/replica/spool"
	"fairlead/ship"
)

const (
	sweepEvery = 10 * time.Minute
	// sendAgainEvery is how often an edge finds out whether control has its frames still, though the bus told of nothing: another
	// cluster's NATS stays when a database is restored.
	sendAgainEvery = 10 * time.Minute
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
	if a.evidence.spool, err = spool.Open(filepath.Join(a.Data, "spool"), spool.Options{Node: a.Name, Log: a.Log, Clock: a.Clock}); err != nil {
		return err
	}
	a.evidence.charges = record.NewCharges(a.evidence.spool)
	a.evidence.rows = record.NewRows(a.Name, a.recordsPerSecond)
	a.evidence.charges.Clock, a.evidence.rows.Clock = a.dated, a.dated
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
	a.metrics.Count("fairlead_charge_lines_aside_total", "Charge lines that stayed behind with an incarnation of the spool that is over.", of(func(s spool.Stats) float64 { return float64(s.Aside) }))
	a.metrics.Gauge("fairlead_spool_oldest_seconds", "Age of the oldest frame of charge lines that control has not acknowledged.", func() float64 {
		if oldest := a.evidence.spool.Oldest(); !oldest.IsZero() {
			return max(0, a.Clock().Sub(oldest).Seconds())
		}
		return 0
	})
	a.metrics.Gauge("fairlead_spool_bytes", "Bytes of charge lines on this node's disk, acknowledged ones included.", of(func(s spool.Stats) float64 { return float64(s.Bytes) }))
	a.metrics.Gauge("fairlead_spool_frames_waiting", "Frames of charge lines that control has not acknowledged.", of(func(s spool.Stats) float64 { return float64(s.Last - s.Acked) }))
	a.metrics.Count("fairlead_records_kept_total", "Records of exchanges kept for looking.", rows(func(s record.RowsStats) int64 { return s.Kept }))
	a.metrics.Count("fairlead_records_left_out_total", "Ordinary exchanges without a record: there were more than settings.records allows.", rows(func(s record.RowsStats) int64 { return s.LeftOut }))
	a.metrics.Count("fairlead_records_dropped_total", "Records for which there was no room.", rows(func(s record.RowsStats) int64 { return s.Dropped }))
}

// spoolStatus says how it stands with what goes up.
func (a *App) spoolStatus() *fairlead.SpoolStatus {
	s := a.evidence.spool.Stats()
	return &fairlead.SpoolStatus{
		Bytes: s.Bytes, Frames: s.Last - s.Acked, Oldest: a.evidence.spool.Oldest(), Refused: s.Refused, Lost: s.Damaged + s.Aside,
		Failing: s.Failing, Records: a.evidence.rows.Stats().Dropped,
	}
}

// sendUp sends what was written to control, until ctx ends: over the bus, unless control is in this process.
func (a *App) sendUp(ctx context.Context) {
	s := &ship.Shipper{Frames: a.evidence.spool, Records: a.evidence.rows, Up: ship.Bus{Sender: a.bus}, Log: a.Log}
	if a.desk != nil {
		s.Up = ship.Local{Desk: a.desk, Node: a.Name, Bus: ship.Bus{Sender: a.bus}}
	}
	var wg sync.WaitGroup
	wg.Go(func() { a.bus.Connects(ctx, a.sendAgain) })
	wg.Go(func() {
		for sleep(ctx, cmp.Or(a.sendEvery, sendAgainEvery)) {
			a.sendAgain()
		}
	})
	s.Run(ctx)
	wg.Wait()
}

// sendAgain sends the last frame that control has once more: a control that was restored from an older backup says by it what it
// lacks, also to an edge that has nothing new to send.
func (a *App) sendAgain() {
	if err := a.evidence.spool.Again(); err != nil && !errors.Is(err, spool.ErrClosed) {
		a.Log.Warn("cannot ask whether control has all charge lines", "error", err.Error())
	}
}

// takeUp takes what nodes send up, and keeps records within bounds, until ctx ends.
func (a *App) takeUp(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { a.told(ctx, "take charge lines", a.bus.Receive(ctx, ship.KindFrames, a.desk.Frames)) })
	wg.Go(func() { a.told(ctx, "take records", a.bus.Receive(ctx, ship.KindRecords, a.desk.Records)) })
	wg.Go(func() { a.sweep(ctx) })
	wg.Wait()
}

// listenToRecords has f called with each batch of records that comes up, to whichever control node.
func (a *App) listenToRecords(f func(node string, batch []byte)) (stop func(), err error) {
	return a.bus.Listen(ship.KindRecords, f)
}

// showDesk adds what came up to the metrics.
func (a *App) showDesk() {
	of := func(f func(ship.DeskStats) int64) func() float64 {
		return func() float64 { return float64(f(a.desk.Stats())) }
	}
	a.metrics.Count("fairlead_frames_taken_total", "Frames of charge lines that this control node committed.", of(func(s ship.DeskStats) int64 { return s.Frames }))
	a.metrics.Count("fairlead_frames_again_total", "Frames that came again after they were committed.", of(func(s ship.DeskStats) int64 { return s.Again }))
	a.metrics.Count("fairlead_frame_conflicts_total", "Frames refused because another one was taken under their key: a node's disk was copied, or runs twice.", of(func(s ship.DeskStats) int64 { return s.Conflicts }))
	a.metrics.Count("fairlead_up_refused_total", "Frames and batches of records that no node of this fleet sends.", of(func(s ship.DeskStats) int64 { return s.Refused }))
	a.metrics.Count("fairlead_charge_lines_taken_total", "Charge lines that this control node committed.", of(func(s ship.DeskStats) int64 { return s.Lines }))
	a.metrics.Count("fairlead_charge_lines_missing_total", "Charge lines that their nodes could not read any more.", of(func(s ship.DeskStats) int64 { return s.Lost }))
	a.metrics.Count("fairlead_record_batches_taken_total", "Batches of records that this control node committed.", of(func(s ship.DeskStats) int64 { return s.Batches }))
}

// sweep removes old records now and then: one node of all that share the store does.
func (a *App) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.store.Lead(ctx, "records", func(ctx context.Context) error {
			for {
				if err := a.sweepOnce(ctx); err != nil {
					return err
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

func (a *App) sweepOnce(ctx context.Context) error {
	state, _, err := a.store.State(ctx)
	if err != nil {
		return err
	}
	keep, most := compile.RecordBounds(state.Document)
	removed, err := a.store.SweepRecords(ctx, a.Clock().Add(-keep), int64(most))
	if err == nil && removed > 0 {
		a.Log.Info("old records are removed", "records", removed)
	}
	return err
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
