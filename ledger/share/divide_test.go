package share

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"fairlead"
)

func TestDivide(t *testing.T) {
	for _, c := range []struct {
		name   string
		amount int64
		burst  int64 // 0: concurrency
		claims []claim
		want   string
	}{
		{"nobody wants", 900, 45, []claim{{}, {}}, "[{0 0} {0 0}]"},
		{"one wants", 900, 45, []claim{{}, {5, 1}}, "[{0 0} {900 45}]"},
		{"all want everything", 900, 45, []claim{{2000, 1}, {2000, 1}, {2000, 1}, {2000, 1}}, "[{225 12} {225 11} {225 11} {225 11}]"},
		{"small demands are met", 900, 45, []claim{{2000, 1}, {100, 1}, {2000, 1}}, "[{400 15} {100 15} {400 15}]"},
		{"what nobody wants is split", 900, 10, []claim{{100, 1}, {300, 1}}, "[{350 5} {550 5}]"},
		{"one a minute", 1, 1, []claim{{60, 1}, {60, 1}, {60, 1}, {60, 1}}, "[{1 1} {0 0} {0 0} {0 0}]"},
		{"fewer units than edges", 3, 9, []claim{{60, 1}, {60, 1}, {60, 1}, {60, 1}}, "[{1 3} {1 3} {1 3} {0 0}]"},
		{"a burst that cannot be split", 1000, 1, []claim{{600, 1}, {600, 1}}, "[{1000 1} {0 0}]"},
		{"large pieces", 9000, 45, []claim{{100, 20}, {100, 20}, {100, 20}, {100, 5}}, "[{3000 20} {3000 20} {0 0} {3000 5}]"},
		{"more than there is in one piece", 9000, 45, []claim{{100, 46}, {100, 1}}, "[{0 0} {9000 45}]"},
		{"three at once", 3, 0, []claim{{9, 1}, {1, 1}, {9, 1}, {9, 1}}, "[{1 0} {1 0} {1 0} {0 0}]"},
		{"nothing to divide", 0, 0, []claim{{9, 1}}, "[{0 0}]"},
	} {
		got := divide(fairlead.Share{Amount: c.amount, Burst: c.burst}, c.burst > 0, c.claims)
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// TestDivideAll holds that all of a limit is divided and nothing twice, and that amounts are as even as demand lets them be.
func TestDivideAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for range 20_000 {
		pool := fairlead.Share{Amount: rng.Int64N(1 << rng.IntN(50)), Burst: rng.Int64N(1 << rng.IntN(50))}
		claims := make([]claim, 1+rng.IntN(9))
		for i := range claims {
			claims[i] = claim{rng.Int64N(1 << rng.IntN(50)), rng.Int64N(1 << rng.IntN(20))}
		}
		parts := divide(pool, true, claims)
		var sum fairlead.Share
		for i, p := range parts {
			sum = sum.Plus(p)
			if (p != fairlead.Share{}) && (claims[i].want <= 0 || p.Burst < claims[i].least || p.Amount == 0) {
				t.Fatalf("%v of %v: %v has %v", claims, pool, claims[i], p)
			}
			for j, q := range parts {
				if q.Amount > p.Amount+1 && p.Amount > 0 && p.Amount < claims[i].want {
					t.Fatalf("%v of %v: %d has %v and wants more, %d has %v", claims, pool, i, p, j, q)
				}
			}
		}
		if (sum != fairlead.Share{}) && sum != pool {
			t.Fatalf("%v of %v: %v", claims, pool, sum)
		}
	}
}
