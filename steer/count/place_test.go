package count_test

import (
	"fmt"
	"testing"

	"fairlead"
	"fairlead/steer"
	"fairlead/steer/count"
)

// TestPlaces holds what a side's exchanges had of an endpoint that some of them were kept from: counted is from then on, each
// exchange once, and so many endpoints at most.
func TestPlaces(t *testing.T) {
	var k count.Counter
	k.Watch(steer.Watch{Trial: "t"})
	left := func(r *fairlead.Record) {
		r.Trial, r.Tried = "t", true
		k.Left(r)
	}
	expect := func(want string) {
		t.Helper()
		if r, _ := k.Take(); told(r.Tried) != want || !r.Rest.IsZero() {
			t.Errorf("%s, want %s", told(r.Tried), want)
		}
	}
	plain := func(list ...fairlead.Attempt) *fairlead.Record {
		return &fairlead.Record{Endpoint: one, Attempts: list}
	}
	left(plain(at(other, fairlead.OutcomeOK, 0, ms)))
	expect("1/0  ")
	left(with(plain(at(one, fairlead.OutcomeOK, 0, ms)), withheld(other)))
	left(plain(at(other, fairlead.OutcomeOK, 0, ms)))
	left(plain(at(other, fairlead.OutcomeRateLimited, 0, ms), at(other, fairlead.OutcomeOK, ms, ms)))
	left(plain(at(other, fairlead.OutcomeCallerGone, 0, ms)))
	left(plain(at(one, fairlead.OutcomeOK, 0, ms)))
	expect("kept 1 a/m@q asked 2 kept 1 4/1  ")
	left(plain(at(other, fairlead.OutcomeOK, 0, ms)))
	expect("a/m@q asked 1 kept 0 1/0  ")
	expect("0/0  ")
	for i := range 2 * steer.MostPlaces {
		left(with(plain(at(one, fairlead.OutcomeOK, 0, ms)), withheld(fmt.Sprintf("a/m@%d", i))))
	}
	if r, _ := k.Take(); r.Tried.Kept != 2*steer.MostPlaces || len(r.Tried.Places) != steer.MostPlaces-1 {
		t.Errorf("%d kept from %d", r.Tried.Kept, len(r.Tried.Places))
	}
}
