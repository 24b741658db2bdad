package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fairlead"
)

// moment is what a replica stands at. It is never changed, but for over, which is closed by the next one.
type moment struct {
	at     fairlead.Position
	config uint64
	over   chan struct{}
}

// Now tells what the replica stands at: its position; a number that grows whenever the configuration or a
// secret changes, of meaning within this process only; and a channel that is closed at the next change.
func (r *Replica) Now() (at fairlead.Position, config uint64, over <-chan struct{}) {
	m := r.now.Load()
	return m.at, m.config, m.over
}

// stand tells everyone of a new moment. The caller holds writing.
func (r *Replica) stand(at fairlead.Position, config bool) {
	old := r.now.Load()
	m := &moment{at: at, config: old.config, over: make(chan struct{})}
	if config {
		m.config++
	}
	r.now.Store(m)
	close(old.over)
}

// Position is the last change applied. A replica that follows no log yet has the zero Position.
func (r *Replica) Position(ctx context.Context) (fairlead.Position, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := r.makeSure(ctx); err != nil {
		return fairlead.Position{}, err
	}
	return r.now.Load().at, nil
}

// makeSure reads again what the disk has after a write that failed, for it may have got there all the same.
// The caller holds writing.
func (r *Replica) makeSure(ctx context.Context) error {
	if r.file == nil {
		return errClosed
	}
	if !r.unsure {
		return nil
	}
	at, err := r.file.position(ctx)
	if err != nil {
		r.noteDamage(ctx, err)
		return err
	}
	r.unsure, r.state = false, nil
	if at != r.now.Load().at {
		r.stand(at, true)
		r.refused.written(at.Number)
	}
	return nil
}

// Known gives the last change that is still remembered and not after a number: of those last applied, of the position, or the begin,
// which is number 0 with the zero hash.
func (r *Replica) Known(ctx context.Context, through int64) (known fairlead.Position, err error) {
	at, err := r.Position(ctx)
	if err != nil {
		return known, err
	}
	if at.Number <= through {
		return fairlead.Position{Number: at.Number, Hash: at.Hash}, nil
	}
	return r.readKnown(ctx, through)
}

// readKnown reads what Known gives from those last applied. It waits for no applier.
func (r *Replica) readKnown(ctx context.Context, through int64) (known fairlead.Position, err error) {
	err = r.read(ctx, func(f *file) error {
		var b []byte
		err := f.read.QueryRowContext(ctx, `SELECT number, hash FROM changes WHERE number <= ? ORDER BY number DESC LIMIT 1`, through).Scan(&known.Number, &b)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			known.Hash, err = hashOf(b)
		}
		return err
	})
	if err != nil {
		return known, fmt.Errorf("read the last change up to %d: %w", through, err)
	}
	return known, nil
}
