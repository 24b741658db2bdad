// Package route decides where a request goes. It is pure: endpoints, a request and a source of
// chance go in, a plan comes out; no clock, no goroutine, no input or output.
package route

import (
	"math"

	"fairlead"
)

// Chance gives numbers in [0, 1), as math/rand/v2.Float64 does.
type Chance func() float64

// Plan orders the endpoints that may serve a request: those of the model first, then those of each
// of its fallback models in turn (fallbacks of fallbacks are not followed). Within a model the order
// is drawn by weight: each next place goes to an endpoint with a probability proportional to its
// weight among those left. dst's memory is reused.
func Plan(dst fairlead.Plan, m *fairlead.Model, r *fairlead.Request, chance Chance) fairlead.Plan {
	dst.Steps, dst.LeftOut = dst.Steps[:0], dst.LeftOut[:0]
	dst = planModel(dst, m, r, r.Model, false, chance)
	for _, f := range m.Fallbacks {
		dst = planModel(dst, f, r, f.Name, true, chance)
	}
	return dst
}

func planModel(dst fairlead.Plan, m *fairlead.Model, r *fairlead.Request, asked string, fallback bool, chance Chance) fairlead.Plan {
	first := len(dst.Steps)
	allowed := r.Allowed.AllowsModel(m, asked)
	for _, e := range m.Endpoints {
		if !allowed || !r.Allowed.AllowsEndpoint(e.ID) {
			dst.LeftOut = append(dst.LeftOut, fairlead.LeftOut{Endpoint: e, Reason: fairlead.ReasonKey})
			continue
		}
		if reason, detail := ineligible(e, r); reason != "" {
			dst.LeftOut = append(dst.LeftOut, fairlead.LeftOut{Endpoint: e, Reason: reason, Detail: detail})
			continue
		}
		dst.Steps = append(dst.Steps, fairlead.Step{Endpoint: e, Asked: asked, Fallback: fallback})
	}
	order(dst.Steps[first:], chance)
	return dst
}

// ineligible says why an endpoint may not serve a request; an empty reason means that it may.
func ineligible(e *fairlead.Endpoint, r *fairlead.Request) (fairlead.Reason, string) {
	if e.Weight <= 0 {
		return fairlead.ReasonDrained, ""
	}
	if !r.Operation.SpokenBy(e.Provider.Dialect) {
		return fairlead.ReasonDialect, r.Operation.String()
	}
	if lacks := e.Supports.Lacks(r.Needs); lacks != 0 {
		return fairlead.ReasonAbility, lacks.String()
	}
	if _, ok := e.Provider.Credential(); !ok {
		return fairlead.ReasonNoCredential, ""
	}
	if r.Paying && e.Price == nil { // last: who lacks nothing else is told that a price would do
		return fairlead.ReasonNoPrice, ""
	}
	return "", ""
}

// drawn is how many places of an order are drawn: settings.attempts is at most 10, so that a walk
// comes further only past endpoints that cannot express the request. The rest is in no particular order.
const drawn = 10

// order draws a weighted order in place: an endpoint's key is -ln(u)/weight and the smallest goes
// first (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
func order(steps []fairlead.Step, chance Chance) {
	if len(steps) < 2 {
		return
	}
	var few [64]float64
	keys := few[:0]
	for i := range steps {
		keys = append(keys, -math.Log(1-chance())/float64(steps[i].Endpoint.Weight))
	}
	for i := range min(drawn, len(steps)-1) {
		best := i
		for j := i + 1; j < len(steps); j++ {
			if keys[j] < keys[best] {
				best = j
			}
		}
		steps[i], steps[best] = steps[best], steps[i]
		keys[i], keys[best] = keys[best], keys[i]
	}
}
