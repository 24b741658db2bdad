//go:build linux

package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead/test/harness"
)

// breaks are the ways in which a link can be broken, by name.
var breaks = map[string]func(*harness.Proxy){"cut": (*harness.Proxy).Cut, "a black hole": (*harness.Proxy).Hole}

// TestParted breaks links, in both ways, and heals them.
func TestParted(t *testing.T) {
	f := begin(t)
	weight := 0
	next := func() int { weight++; return weight }
	for how, fault := range breaks {
		f.scene("an edge is parted from all control nodes: "+how, func(t *testing.T) {
			e := f.node("e3")
			links := f.busLinks(e)
			each(links, fault)
			n, err := f.controls[0].api().SetWeight(t.Context(), left, next(), write)
			check(t, err)
			f.servesBut(n.Revision, e)
			f.stale(e)
			f.answers(e)
			f.heals(links)
		})
		f.scene("a region is parted from the other: "+how, func(t *testing.T) {
			// e3, e4 and c3 are there, all else and the database here.
			var links []*harness.Proxy
			for _, e := range []*node{f.node("e3"), f.node("e4")} {
				links = append(links, f.bus["c1"].link(e.name), f.bus["c2"].link(e.name))
			}
			for _, e := range []*node{f.node("e1"), f.node("e2")} {
				links = append(links, f.bus["c3"].link(e.name))
			}
			links = append(links, f.clusterLinks("c1", "c3")...)
			links = append(links, f.clusterLinks("c2", "c3")...)
			links = append(links, f.storeLink["c3"])
			each(links, fault)
			n, err := f.node("c1").api().SetWeight(t.Context(), left, next(), write)
			check(t, err)
			f.servesBut(n.Revision, f.node("e3"), f.node("e4"))
			f.stale(f.node("e3"))
			f.stale(f.node("e4"))
			f.answers(f.node("e3"))
			f.answers(f.node("e4"))
			f.heals(links)
			f.accepts(f.node("c3"))
		})
		f.scene("control nodes are parted from each other: "+how, func(t *testing.T) {
			links := append(f.clusterLinks("c1", "c2"), f.clusterLinks("c2", "c3")...)
			links = append(links, f.clusterLinks("c1", "c3")...)
			each(links, fault)
			for _, n := range f.controls { // all of them write, and each edge hears of it from its own by the next beat
				f.weigh(n, next())
			}
			f.heals(links)
		})
		f.scene("a control node is parted from the database: "+how, func(t *testing.T) {
			alone := f.node("c1")
			e := f.node("e1")
			// e1 knows no other way than by the control node that has no database.
			others := []*harness.Proxy{f.bus["c2"].link("e1"), f.bus["c3"].link("e1")}
			each(others, (*harness.Proxy).Cut)
			f.weigh(alone, next())
			fault(f.storeLink["c1"])
			f.weigh(f.node("c2"), next())
			e.kill()
			f.weigh(f.node("c2"), next())
			e.start()
			f.weigh(f.node("c3"), next())
			f.heals(append(others, f.storeLink["c1"]))
			f.accepts(alone)
			f.weigh(alone, next())
		})
	}
}

func each(links []*harness.Proxy, do func(*harness.Proxy)) {
	for _, l := range links {
		do(l)
	}
}

// heals heals links and waits until every edge has what it missed.
func (f *fleet) heals(links []*harness.Proxy) {
	f.t.Helper()
	each(links, (*harness.Proxy).Heal)
	f.t.Logf("converged %s after healing", f.converged().Round(time.Millisecond))
	for _, n := range f.edges {
		if n.up() {
			harness.Until(f.t, n.name+" is stale no more", func() bool { return f.number(n, "fairlead_stale") == 0 })
		}
	}
}

// busLinks are the ways from a node to the buses of all control nodes.
func (f *fleet) busLinks(n *node) (links []*harness.Proxy) {
	for _, c := range f.controls {
		links = append(links, f.bus[c.name].link(n.name))
	}
	return links
}

// clusterLinks are the ways between two control nodes.
func (f *fleet) clusterLinks(a, b string) []*harness.Proxy {
	return []*harness.Proxy{f.cluster[a].link(b), f.cluster[b].link(a)}
}

// servesBut waits until all edges but some serve a revision, and holds that these do not.
func (f *fleet) servesBut(revision int64, parted ...*node) {
	f.t.Helper()
	for _, n := range parted {
		n.leave()
	}
	f.serves(revision)
	for _, n := range parted {
		n.down.Add(1)
		a, err := f.ask(f.root.Context(), quick, n, f.key.Secret, false)
		if err != nil || a.revision == fmt.Sprint(revision) {
			f.t.Errorf("%s, which is parted, serves revision %s: %v", n.name, a.revision, err)
		}
	}
}

// stale waits until an edge says of itself that it hears nothing. It cannot tell control, but its own metrics, its log and
// /readyz tell, and control notices that it is away.
func (f *fleet) stale(n *node) {
	f.t.Helper()
	harness.Until(f.t, n.name+" says that it is stale", func() bool {
		_, ready := f.get(n.url + "/readyz")
		return f.number(n, "fairlead_stale") == 1 && f.number(n, "fairlead_heard_seconds") >= 2 &&
			strings.Contains(ready, "stale") && strings.Contains(n.log.String(), "this node hears nothing of control")
	})
	harness.Until(f.t, "control notices that "+n.name+" is away", func() bool {
		list, err := f.controls[0].api().Nodes(f.root.Context())
		if err != nil {
			return false
		}
		for _, l := range list {
			if l.Name == n.name {
				return !l.Live || l.Stale
			}
		}
		return false
	})
}
