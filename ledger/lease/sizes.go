package lease

import (
	"math/bits"

	"fairlead"
)

// Sizes says how much an edge is lent beyond what its exchanges need now.
type Sizes struct {
	Share int64        // thousandths of what is free that one grant takes beyond the need, at most
	Least fairlead.USD // what an edge is to have beyond the need, however little it spends
	Most  fairlead.USD // and however much
	Near  fairlead.USD // the last of a pool, which is lent as exchanges need it and no further
}

// DefaultSizes lend an edge between one cent and ten dollars, a tenth of what is free at once, and the last ten cents exactly.
var DefaultSizes = Sizes{Share: 100, Least: 10_000_000, Most: 10_000_000_000, Near: 100_000_000}

// Validate says why sizes cannot be used.
func (s Sizes) Validate() error {
	if s.Share < 0 || s.Share > 1000 || s.Least < 0 || s.Most < s.Least || s.Near < 0 {
		return fairlead.Errorf(fairlead.CodeInvalidRequest,
			"sizes of leases: share is 0 to 1000 thousandths, least is 0 to most, near is 0 or more")
	}
	return nil
}

// Tight reports whether a pool that has so much free is near its end.
func (s Sizes) Tight(free fairlead.USD) bool { return free <= s.Near }

// spare says how much an edge may have beyond its need: it has so much of it, so much is free after the need, and it has spent so
// much recently. It never has less than it has.
func (s Sizes) spare(has, free, recent fairlead.USD) fairlead.USD {
	if s.Tight(free) {
		return has
	}
	share := min(thousandths(free, s.Share), free-s.Near)
	return max(has, min(max(recent, s.Least), s.Most, sum(has, share)))
}

// thousandths of an amount that is not below 0, rounded down.
func thousandths(u fairlead.USD, n int64) fairlead.USD {
	hi, lo := bits.Mul64(uint64(max(u, 0)), uint64(n))
	q, _ := bits.Div64(hi, lo, 1000) // n <= 1000: it fits
	return fairlead.USD(q)
}
