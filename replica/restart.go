package replica

import (
	"context"
	"errors"

	"fairlead"
)

// Restart forgets everything and follows a log from its beginning.
func (r *Replica) Restart(ctx context.Context, log string) error {
	c, err := r.BeginCopy(ctx, fairlead.Position{Log: log})
	if err != nil {
		return err
	}
	if err := c.Rest(ctx, fairlead.State{}, nil); err != nil {
		return errors.Join(err, c.Discard())
	}
	return c.Commit(ctx, log)
}
