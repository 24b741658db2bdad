package bus_test

import (
	"context"
	"slices"
	"testing"

	"fairlead/bus"
)

// TestAddressesAreLearned holds that an edge which joined by one control node goes on by another when that one is gone, and
// finds it after a restart.
func TestAddressesAreLearned(t *testing.T) {
	f := newFleet(t)
	first := f.control("one", bus.Options{ClusterListen: "127.0.0.1:0"})
	f.control("two", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{first.ClusterAddress()}})
	dir := t.TempDir()
	door := first.Address()
	id, err := bus.Join(t.Context(), f.token("paris", door), bus.JoinOptions{Dir: dir, Log: quiet()})
	check(t, err)
	b := f.edge(id)
	running(t, "identity", func(ctx context.Context) error { bus.KeepIdentity(ctx, b, id); return nil })
	eventually(t, "both addresses are kept", func() bool {
		again, found, err := bus.LoadIdentity(dir)
		return err == nil && found && len(again.Known()) == 2
	})
	d := newDisk()
	follow(t, b, d, bus.FollowOptions{})
	d.reach(t, 1)
	first.Close()
	f.h.key("later")
	d.reach(t, 2)

	known, _, err := bus.LoadIdentity(dir)
	check(t, err)
	d = newDisk()
	follow(t, f.edge(known), d, bus.FollowOptions{})
	d.reach(t, 2)
	if !slices.Contains(known.Known(), door) {
		t.Error("the address that the edge joined by is forgotten")
	}
}
