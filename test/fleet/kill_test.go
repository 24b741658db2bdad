//go:build linux

package fleet_test

import (
	"testing"
)

// TestKilled kills and pauses what a fleet is made of, one after the other. Callers notice nothing but at an edge that is gone.
func TestKilled(t *testing.T) {
	f := begin(t)
	for i, n := range f.controls {
		f.scene("control node "+n.name+" is killed", func(t *testing.T) {
			n.kill()
			other := f.controls[(i+1)%3]
			f.weigh(other, 20+i)
			n.start()
			f.weigh(n, 30+i)
		})
	}
	for _, n := range f.edges {
		f.scene("edge "+n.name+" is killed", func(t *testing.T) {
			n.kill()
			f.weigh(f.controls[0], 40+int(n.name[1]-'0'))
			n.start()
		})
	}
	f.scene("PostgreSQL is killed", func(t *testing.T) {
		check(t, server.Kill())
		f.refused(f.controls[0])
		check(t, server.Start())
		f.accepts(f.controls[1])
		f.weigh(f.controls[2], 50)
	})
	f.scene("all control nodes are killed at once, and their buses with them", func(t *testing.T) {
		for _, n := range f.controls {
			n.kill()
		}
		for _, n := range f.edges { // with nobody to ask
			f.answers(n)
		}
		for _, n := range f.controls {
			n.launch()
		}
		for _, n := range f.controls {
			n.ready()
		}
		f.weigh(f.controls[1], 51)
	})
	for _, n := range f.controls {
		f.scene("control node "+n.name+" hangs", func(t *testing.T) {
			n.pause()
			for _, other := range f.controls {
				if other != n {
					f.weigh(other, 60)
					f.weigh(other, 61)
				}
			}
			n.goOn()
			f.weigh(n, 62)
		})
	}
	f.scene("an edge hangs", func(t *testing.T) {
		n := f.node("e2")
		n.pause()
		f.weigh(f.controls[0], 70)
		n.goOn()
	})
}
