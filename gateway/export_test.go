package gateway

import "time"

// Hurry shortens how long a gateway waits for its callers: for headers and the first of a body, for a
// body's progress, and for an answer to be taken.
func (g *Gateway) Hurry(headers, body, write time.Duration) {
	g.front.HeaderTime, g.front.WriteTime = headers, write
	g.patience = patience{body: body, write: write}
}

// BodiesHeld is the bytes that request bodies hold now.
func (g *Gateway) BodiesHeld() int64 { return g.bodies.used.Load() }

// Drain is the beginning of a shutdown, before the listener takes its part in it.
func (g *Gateway) Drain() { g.draining.Store(true) }
