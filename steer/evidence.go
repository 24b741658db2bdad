package steer

import (
	"encoding/json"
	"errors"
)

// Evidence is what was counted of an endpoint, or of one side of a trial, in a while.
//
// Of an endpoint each attempt counts that succeeded, or failed in a way that its Outcome lays to the endpoint; what
// was the caller's fault, whom the caller left, or what lost against an attempt beside it does not. Of a side of a
// trial each exchange counts; it failed where it ended by anybody's fault but the caller's, or an attempt of it
// failed so, or an endpoint whose turn it was is shut by its health, even if another one answered.
type Evidence struct {
	Ended  int64 `json:"ended"`            // that count
	Failed int64 `json:"failed,omitempty"` // of them
	// Shut are, of an endpoint, exchanges whose turn it was to be sent there and which its health kept away: to the
	// guard they failed, for what is shut would show too little else. They are not in Ended. A side has none: there they
	// are failed exchanges.
	Shut int64 `json:"shut,omitempty"`
	// Refused are exchanges of a side that no endpoint was asked for, for what the configuration says: no such
	// model, no endpoint that can do what is asked, too large. They are not in Ended.
	Refused int64 `json:"refused,omitempty"`
	// Kept are exchanges of a side that went well elsewhere, because no more than a suspicion, or the weight that one
	// which comes back does not have yet, kept them from an endpoint whose turn it was. They say nothing of what the
	// side would do, and are not in Ended.
	Kept int64 `json:"kept,omitempty"`
	// Places are the endpoints of a side that this happened to, by id.
	Places Places `json:"places,omitempty"`
	// TTFT is the time to first token of streams: of an endpoint, from the attempt's begin; of a side, from the
	// exchange's. An attempt that was given up for its slowness counts with the time it had.
	TTFT Histogram `json:"ttft,omitempty"`
	// TPOT is the time per output token after the first, of streams that ended well.
	TPOT Histogram `json:"tpot,omitempty"`
}

// Add adds what was counted elsewhere, or later.
func (e *Evidence) Add(o Evidence) {
	e.Ended = addCounts(e.Ended, o.Ended)
	e.Failed = addCounts(e.Failed, o.Failed)
	e.Shut = addCounts(e.Shut, o.Shut)
	e.Refused = addCounts(e.Refused, o.Refused)
	e.Kept = addCounts(e.Kept, o.Kept)
	e.Places = e.Places.plus(o.Places)
	e.TTFT = e.TTFT.plus(o.TTFT)
	e.TPOT = e.TPOT.plus(o.TPOT)
}

// Merge is the sum of what many have counted.
func Merge(list ...Evidence) (sum Evidence) {
	for _, e := range list {
		sum.Add(e)
	}
	return sum
}

// IsZero reports whether nothing was counted.
func (e Evidence) IsZero() bool {
	return e.Ended == 0 && e.Shut == 0 && e.Refused == 0 && e.Kept == 0 && len(e.Places) == 0 && len(e.TTFT) == 0 && len(e.TPOT) == 0
}

// outside reports whether n is no count.
func outside(n int64) bool { return n < 0 || n > maxCount }

// UnmarshalJSON refuses numbers that nothing could have counted.
func (e *Evidence) UnmarshalJSON(text []byte) error {
	type plain Evidence
	var p plain
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if p.Failed < 0 || p.Failed > p.Ended || p.Ended > maxCount || outside(p.Shut) || outside(p.Refused) || outside(p.Kept) || !p.Places.sound() {
		return errors.New("evidence counts from 0, and not more failures than exchanges")
	}
	*e = Evidence(p)
	return nil
}
