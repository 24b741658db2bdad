package steer

import (
	"fmt"
	"maps"
)

// Place is what a side's exchanges had of an endpoint since health kept one of them away on no more than a suspicion.
type Place struct {
	Asked int64 `json:"asked,omitempty"` // exchanges that asked it
	Kept  int64 `json:"kept,omitempty"`  // whose turn it was, and which were kept away so
}

// Places are such endpoints, by id: at most MostPlaces.
type Places map[string]Place

// Bounds of Places.
const (
	MostPlaces  = 64
	longestID   = 2000 // bytes
	leastHidden = 0.02 // of a side's exchanges: what is kept of fewer hides nothing
)

// plus is the sum of both; neither is changed.
func (p Places) plus(o Places) Places {
	if len(o) == 0 {
		return p
	}
	sum := make(Places, len(p)+len(o))
	maps.Copy(sum, p)
	for id, n := range o {
		have, known := sum[id]
		if !known && len(sum) >= MostPlaces {
			continue
		}
		sum[id] = Place{addCounts(have.Asked, n.Asked), addCounts(have.Kept, n.Kept)}
	}
	return sum
}

// sound reports whether these can have been counted.
func (p Places) sound() bool {
	for id, n := range p {
		if len(id) > longestID || outside(n.Asked) || outside(n.Kept) {
			return false
		}
	}
	return len(p) <= MostPlaces
}

// all is how many exchanges a side had, whether or not they tell anything.
func (e *Evidence) all() int64 { return e.exchanges() + e.Kept }

// hidden says of which endpoint a side tells too little, in words, and of the one with the most exchanges where there are
// several; "" = of none. That is one which got less than half of the exchanges whose turn it was, where what was kept from
// it is more of this side than of the other one: what both lack alike is no doing of what is tried.
func hidden(mine, peers *Evidence) string {
	var worst Place
	of := ""
	for id, p := range mine.Places {
		if p.Kept <= p.Asked || share(p.Kept, mine.all())-share(peers.Places[id].Kept, peers.all()) < leastHidden {
			continue
		}
		if p.Kept > worst.Kept || (p.Kept == worst.Kept && id < of) {
			worst, of = p, id
		}
	}
	if of == "" {
		return ""
	}
	return fmt.Sprintf("%s was asked by %d of the %d exchanges due there: its health kept the others away", of, worst.Asked, worst.Asked+worst.Kept)
}
