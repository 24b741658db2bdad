package control

import (
	"slices"
	"strings"

	"fairlead"
)

// mostNamed bounds the edges that are named beside an endpoint.
const mostNamed = 10

// FleetHealth is what the live edges hold against an endpoint, as they told in the last seconds.
type FleetHealth struct {
	Edges   int      `json:"edges"`            // live ones
	Shut    int      `json:"shut"`             // of them, that send nothing there but to try it
	Reduced int      `json:"reduced"`          // that send less than its weight
	Reason  string   `json:"reason,omitempty"` // of one that holds it shut, or else reduced
	Nodes   []string `json:"nodes,omitempty"`  // that hold anything against it, at most 10
}

// Held gives what a node holds against endpoints the form that the list of endpoints has.
func Held(list []EndpointStatus, held []fairlead.EndpointHealth) {
	by := make(map[string]*fairlead.EndpointHealth, len(held))
	for i := range held {
		by[held[i].ID] = &held[i]
	}
	for i := range list {
		if h := by[list[i].ID]; h != nil {
			list[i].Health = &HealthStatus{h.State, string(h.Reason), h.Share, h.Until}
		}
	}
}

// endpointsOfFleet lists endpoints with what all live edges hold against them.
func (c *Control) endpointsOfFleet(a *ask) (any, error) {
	listed, err := c.listEndpoints(a)
	if err != nil {
		return nil, err
	}
	answer := listed.(endpointsAnswer)
	edges := c.Fleet.edges()
	sums := map[string]*FleetHealth{}
	for _, h := range edges {
		for i := range h.Health {
			of := &h.Health[i]
			if sums[of.ID] == nil {
				sums[of.ID] = &FleetHealth{}
			}
			sums[of.ID].add(h.Name, of)
		}
	}
	alone := len(edges) == 0 && c.Status().Endpoints != nil // its own edge has not told yet
	for i := range answer.Data {
		e := &answer.Data[i]
		if e.Fleet = sums[e.ID]; e.Fleet == nil {
			e.Fleet = &FleetHealth{}
		}
		if e.Fleet.Edges = len(edges); !alone {
			continue
		}
		e.Fleet.Edges = 1
		if h := e.Health; h != nil {
			e.Fleet.count(h.Reason, h.Share == 0)
		}
	}
	return answer, nil
}

func (f *FleetHealth) add(node string, h *fairlead.EndpointHealth) {
	f.count(string(h.Reason), h.Shut())
	if len(f.Nodes) < mostNamed {
		f.Nodes = append(f.Nodes, node)
	}
}

func (f *FleetHealth) count(reason string, shut bool) {
	switch {
	case shut:
		if f.Shut++; f.Shut == 1 {
			f.Reason = reason
		}
	default:
		if f.Reduced++; f.Reason == "" {
			f.Reason = reason
		}
	}
}

// edges lists what live nodes with a data plane tell, by name.
func (f *Fleet) edges() []heard {
	nodes, _ := f.all()
	var list []heard
	for _, h := range nodes {
		if h.Role != fairlead.RoleControl && f.live(h) {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b heard) int { return strings.Compare(a.Name, b.Name) })
	return list
}
