package helm

import (
	"context"

	"fairlead/steer"
)

// Lead is a time of leading whose looks a test takes itself.
type Lead struct{ w *watch }

// Leading begins one.
func Leading(o Options) Lead { return Lead{New(o).watch()} }

// Look looks once.
func (l Lead) Look(ctx context.Context) { l.w.look(ctx) }

// Hear takes what an edge has counted.
func (l Lead) Hear(r steer.Report) { l.w.hear(r) }

// Peers has f called in the place of what looks for the peers of an endpoint.
func (l Lead) Peers(f func(document []byte, endpoint string) ([]string, error)) { l.w.peers = f }
