package app

import (
	"context"

	"fairlead"
)

const (
	// forgetWord has edges drop what they hold against endpoints; its body names who told it.
	forgetWord = "forget"
	// mostHeld and heldBytes bound what a status tells of endpoints: it is sent each second.
	mostHeld  = 200
	heldBytes = 24 << 10 // of ids
)

// few leaves what fits into a status; more counts the rest.
func few(held []fairlead.EndpointHealth) (list []fairlead.EndpointHealth, more int) {
	size := 0
	for i := range held {
		if size += len(held[i].ID); i == mostHeld || size > heldBytes {
			return held[:i], len(held) - i
		}
	}
	return held, 0
}

// tellForget has the fleet's edges drop what they hold against endpoints.
func (a *App) tellForget() { a.bus.Tell(forgetWord, []byte(a.Name)) }

// hearForget drops it whenever another node says so, until ctx ends.
func (a *App) hearForget(ctx context.Context) {
	a.told(ctx, "hear what is to be forgotten", a.bus.Told(ctx, forgetWord, func(body []byte) {
		if string(body) != a.Name { // which has, before it told
			a.upstream.Forget()
			a.edge.Report(a.edge.Status())
		}
	}))
}
