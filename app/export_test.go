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

// Bus is the node's connection to the bus.
func (a *App) Bus() *bus.Bus { return a.bus }

// EncodeReport is encodeReport.
var EncodeReport = encodeReport

// Append writes a line to the node's spool.
func (a *App) Append(line []byte) error { return a.evidence.spool.Append(line) }

// HoldsName reports whether the node is the one control node of its name.
func (a *App) HoldsName() bool { return a.nameHeld.Load() }
