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

// HasHash gives the hash of a change that is still remembered: of those last applied, of the position, and
// of the change 0, which is the zero hash.
func (r *Replica) HasHash(ctx context.Context, number int64) (hash fairlead.Hash, found bool, err error) {
	at, err := r.Position(ctx)
	switch {
	case err != nil:
		return hash, false, err
	case number == 0:
		return hash, true, nil
	case number == at.Number:
		return at.Hash, true, nil
	}
	return r.readHash(ctx, number)
}

// readHash reads the hash of a change from those that are remembered. It waits for no applier.
func (r *Replica) readHash(ctx context.Context, number int64) (hash fairlead.Hash, found bool, err error) {
	err = r.read(ctx, func(f *file) error {
		var b []byte
		err := f.read.QueryRowContext(ctx, `SELECT hash FROM changes WHERE number = ?`, number).Scan(&b)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			hash, err = hashOf(b)
		}
		found = err == nil
		return err
	})
	if err != nil {
		return hash, false, fmt.Errorf("read hash of change %d: %w", number, err)
	}
	return hash, found, nil
}
