package share

import "fairlead"

// claim is what one edge wants beyond its floor.
type claim struct {
	want  int64 // amount; 0 = nothing
	least int64 // burst, in one piece: without it the amount is of no use
}

// divide divides what may be lent among claims, of which the first have precedence where something cannot be split. In a rate each one
// gets the burst that it needs or nothing at all, and what is left of bursts is split evenly. Amounts are filled up evenly until each
// has what it wants (max-min fairness); what is left then is split evenly, too, for demand grows faster than it is told of.
func divide(pool fairlead.Share, rate bool, claims []claim) []fairlead.Share {
	parts := make([]fairlead.Share, len(claims))
	var in []int // those that get something
	for i, c := range claims {
		if c.want <= 0 || int64(len(in)) >= pool.Amount || (rate && c.least > pool.Burst) {
			continue
		}
		if rate {
			parts[i].Burst = c.least
			pool.Burst -= c.least
		}
		in = append(in, i)
	}
	if len(in) == 0 {
		return parts
	}
	rest := level(pool.Amount, claims, in, parts)
	for k, i := range in {
		n := int64(len(in))
		parts[i].Amount += piece(rest, int64(k), n)
		if rate {
			parts[i].Burst += piece(pool.Burst, int64(k), n)
		}
	}
	return parts
}

// level fills amounts up to what is wanted, evenly, and says what is left.
func level(amount int64, claims []claim, in []int, parts []fairlead.Share) int64 {
	open := append([]int(nil), in...)
	for len(open) > 0 {
		each := amount / int64(len(open))
		var still []int
		left := amount
		for _, i := range open {
			if claims[i].want <= each {
				parts[i].Amount = claims[i].want
				left -= claims[i].want
			} else {
				still = append(still, i)
			}
		}
		if len(still) == len(open) {
			for k, i := range still {
				parts[i].Amount = piece(amount, int64(k), int64(len(still)))
			}
			return 0
		}
		amount, open = left, still
	}
	return amount
}

// piece is the k-th of n even pieces of an amount, of which the first are a unit larger where units are left over.
func piece(amount, k, n int64) int64 {
	p := amount / n
	if k < amount%n {
		p++
	}
	return p
}
