package app

import (
	"context"
	"fmt"

	"fairlead/compile"
	"fairlead/control"
)

// applied brings what the store holds to this node's data plane: keys, and the configuration where the store is its
// truth. Once it returns, the data plane decides by it.
func (a *App) applied(ctx context.Context, _ int64) error {
	a.applying.Lock()
	defer a.applying.Unlock()
	if err := control.Sync(ctx, a.store, a.replica); err != nil {
		return err
	}
	if a.config == nil || a.Config != "" {
		return nil
	}
	_, err := a.config.openStore(ctx)
	return err
}

// openStore brings the last revision of the store into force; false where there is none.
func (c *configuration) openStore(ctx context.Context) (bool, error) {
	state, _, err := c.app.store.State(ctx)
	if err != nil || state.Revision == 0 {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source == control.SourceStore && c.revision == state.Revision {
		return true, nil
	}
	s, found := compile.FromState(compile.StateInput{
		Document: state.Document, Weights: state.Weights, Revision: state.Revision, At: state.At, Resolve: compile.Local(c.app.LookupEnv),
	})
	before := c.source
	c.source = control.SourceStore
	if err := c.swap(s, found); err != nil {
		c.source = before
		c.refused(err)
		return true, fmt.Errorf("bring revision %d into force: %w", state.Revision, err)
	}
	return true, nil
}

// base is the configuration in force while nobody wrote one.
func (a *App) base() ([]byte, control.Source) {
	a.config.mu.Lock()
	defer a.config.mu.Unlock()
	return a.config.document, a.config.base
}
