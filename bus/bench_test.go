package bus_test

import (
	"fmt"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
)

// BenchmarkHeal times from the moment at which a cut-off edge can be reached again to the last of the ten thousand changes
// that it missed. Disk and log are in memory: what they cost comes on top.
func BenchmarkHeal(b *testing.B) {
	f := newFleet(b)
	control := f.control("one", bus.Options{Beat: time.Second})
	p := newProxy(b, control.Address())
	d := newDisk()
	follow(b, f.edge(f.join("paris", p.address())), d, bus.FollowOptions{})
	head := int64(1)
	d.reach(b, head)
	for b.Loop() {
		b.StopTimer()
		p.cut()
		for i := range 10_000 {
			f.h.key(fmt.Sprint(head, i))
		}
		head += 10_000
		b.StartTimer()
		p.heal()
		d.reach(b, head)
	}
}

// BenchmarkChange times a change from its publication to an edge over TLS.
func BenchmarkChange(b *testing.B) {
	f := newFleet(b)
	control := f.control("one", bus.Options{Beat: time.Second})
	d := newDisk()
	follow(b, f.edge(f.join("paris", control.Address())), d, bus.FollowOptions{})
	head := int64(1)
	d.reach(b, head)
	for b.Loop() {
		control.Publish(f.h.commit(fairlead.ChangeKey, []byte(`{"keys":[]}`)))
		head++
		d.reach(b, head)
	}
}
