package app

import (
	"time"

	"fairlead/bus"
)

// Beating gives options with another time between two beats.
func (o Options) Beating(each time.Duration) Options {
	o.beat = each
	return o
}

// SendingAgain gives options with another time after which the last frame that control has goes up once more.
func (o Options) SendingAgain(each time.Duration) Options {
	o.sendEvery = each
	return o
}

// Copied is told of a whole copy.
func (a *App) Copied(foreign bool) { a.copied(foreign) }

// Bus is the node's connection to the bus.
func (a *App) Bus() *bus.Bus { return a.bus }

// EncodeReport is encodeReport.
var EncodeReport = encodeReport

// Append writes a line to the node's spool.
func (a *App) Append(line []byte) error { return a.evidence.spool.Append(line) }

// HoldsName reports whether the node is the one control node of its name.
func (a *App) HoldsName() bool { return a.nameHeld.Load() }

// NewRest gives what a store rests by.
func NewRest() func() { return new(rests).rest }

// StoreRests reports whether the node's store rests.
func (a *App) StoreRests() bool { return a.store.Rest != nil }
