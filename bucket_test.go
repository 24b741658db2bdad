package fairlead_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"fairlead"
)

// model is a bucket in rational numbers.
type model struct {
	have *big.Rat
	at   time.Duration
}

func (m *model) fill(now time.Duration, p fairlead.Pace) {
	if now > m.at {
		add := new(big.Rat).SetFrac(big.NewInt(p.Amount), big.NewInt(int64(p.Period)))
		add.Mul(add, new(big.Rat).SetInt(new(big.Int).Sub(big.NewInt(int64(now)), big.NewInt(int64(m.at)))))
		m.have.Add(m.have, add)
		m.at = now
	}
	m.cut(p)
}

func (m *model) cut(p fairlead.Pace) {
	if burst := new(big.Rat).SetInt64(p.Burst); m.have.Cmp(burst) > 0 {
		m.have = burst
	}
}

func (m *model) add(n int64) { m.have.Add(m.have, new(big.Rat).SetInt64(n)) }

func (m *model) floor() int64 {
	q := new(big.Int)
	q.Div(m.have.Num(), m.have.Denom()) // Euclidean: rounds down for a positive denominator
	return q.Int64()
}

// TestBucketModel compares a bucket with rational numbers, step by step, while its pace changes, in the largest ranges too.
func TestBucketModel(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 2))
		size := func(bits int) int64 { return rng.Int64N(1 << rng.IntN(bits+1)) }
		period := time.Duration(1 + size(52))
		at := time.Duration(size(50))
		b, m := fairlead.EmptyBucket(at), &model{new(big.Rat), at}
		pace := fairlead.Pace{Amount: size(53), Period: period, Burst: size(53)}
		for range 200 {
			if rng.IntN(8) == 0 {
				pace.Amount, pace.Burst = size(53), size(53)
			}
			at += time.Duration(size(54)) - time.Duration(size(10)) // now and then backwards
			b.Fill(at, pace)
			m.fill(at, pace)
			n := size(53)
			switch rng.IntN(4) {
			case 0, 1:
				wait := b.Wait(n, pace)
				checkWait(t, m, n, wait, pace)
				if ok := b.Take(n); ok != (m.floor() >= n) || ok != (wait == 0) {
					t.Fatalf("take %d: %v, model has %s, wait %d", n, ok, m.have, wait)
				} else if ok {
					m.add(-n)
				}
			case 2:
				if m.floor() > -1<<58 {
					b.Owe(n)
					m.add(-n)
				}
			case 3:
				b.Put(n, pace)
				m.add(n)
				m.cut(pace)
			}
			if b.Have() != m.floor() {
				t.Fatalf("seed %d: have %d, model %s", seed, b.Have(), m.have)
			}
		}
	}
}

// checkWait holds that a wait is the shortest one: n is there after it, and was not a nanosecond before.
func checkWait(t *testing.T, m *model, n int64, wait time.Duration, p fairlead.Pace) {
	t.Helper()
	switch {
	case wait == 0:
		return
	case wait == fairlead.Never:
		need := new(big.Rat).Sub(new(big.Rat).SetInt64(n), m.have)
		need.Mul(need, new(big.Rat).SetInt64(int64(p.Period)))
		if n <= p.Burst && p.Amount > 0 && need.Cmp(new(big.Rat).Mul(new(big.Rat).SetInt64(p.Amount), new(big.Rat).SetInt64(math.MaxInt64))) <= 0 {
			t.Fatalf("never %d of %s at %v", n, m.have, p)
		}
		return
	}
	for _, c := range []struct {
		wait  time.Duration
		there bool
	}{{wait, true}, {wait - 1, false}} {
		if int64(m.at)+int64(c.wait) < 0 {
			return // past the end of the clock
		}
		later := &model{new(big.Rat).Set(m.have), m.at}
		later.fill(m.at+c.wait, p)
		if there := later.floor() >= n; there != c.there {
			t.Fatalf("wait %d (%d) for %d of %s at %v: %v", c.wait, wait, n, m.have, p, there)
		}
	}
}

// TestBucketCarries holds that nothing is lost or made when content is carried from a bucket to another.
func TestBucketCarries(t *testing.T) {
	p := fairlead.Pace{Amount: 7, Period: time.Minute, Burst: 3}
	from, to := fairlead.EmptyBucket(0), fairlead.EmptyBucket(0)
	from.Fill(20*time.Second, p) // 2 1/3
	to.Fill(6*time.Second, p)    // 7/10
	to.Pour(from.Draw(9), p)
	if to.Have() != 3 || from.Have() != 0 {
		t.Errorf("have %d and %d", to.Have(), from.Have())
	}
	if f := from.Draw(9); f != (fairlead.Fill{}) {
		t.Errorf("drew %v of nothing", f)
	}
	if f := to.Draw(1); f != (fairlead.Fill{Units: 1}) || to.Have() != 2 {
		t.Errorf("drew %v", f)
	}
	if f := to.Spill(1); f.Units != 1 || to.Have() != 1 {
		t.Errorf("spilled %v", f)
	}
	to.Owe(4)
	if f := to.Draw(5); f != (fairlead.Fill{}) || to.Have() != -3 {
		t.Errorf("drew %v of a debt", f)
	}
	half := fairlead.EmptyBucket(0)
	half.Fill(30*time.Second, fairlead.Pace{Amount: 1, Period: time.Minute, Burst: 3})
	two := fairlead.EmptyBucket(0)
	f := half.Draw(1)
	two.Pour(f, p)
	two.Pour(f, p)
	if two.Have() != 1 {
		t.Errorf("two halves are %d", two.Have())
	}
}

func TestBucketExtremes(t *testing.T) {
	p := fairlead.Pace{Amount: 1 << 54, Period: 1, Burst: 1 << 54}
	b := fairlead.EmptyBucket(math.MinInt64)
	b.Owe(math.MaxInt64)
	b.Owe(math.MaxInt64)
	if b.Have() != -1<<60 {
		t.Errorf("debt of %d", b.Have())
	}
	b.Fill(math.MaxInt64, p)
	if b.Have() != 1<<54 {
		t.Errorf("full at %d", b.Have())
	}
	b.Put(math.MaxInt64, p)
	b.Pour(fairlead.Fill{Units: math.MaxInt64, Part: math.MaxInt64}, p)
	if b.Have() != 1<<54 {
		t.Errorf("full at %d", b.Have())
	}
	slow := fairlead.EmptyBucket(0)
	if w := slow.Wait(1<<54, fairlead.Pace{Amount: 1, Period: 30 * 24 * time.Hour, Burst: 1 << 54}); w != fairlead.Never {
		t.Errorf("waits %d", w)
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		limit  fairlead.Limit
		whole  fairlead.Share
		floors fairlead.Share
	}{
		{fairlead.Limit{Of: "requests", Per: "minute", Amount: 1000, Burst: 50}, fairlead.Share{Amount: 1000, Burst: 50}, fairlead.Share{Amount: 100, Burst: 5}},
		{fairlead.Limit{Of: "requests", Per: "hour", Amount: 1000}, fairlead.Share{Amount: 1000, Burst: 16}, fairlead.Share{Amount: 100, Burst: 1}},
		{fairlead.Limit{Of: "requests", Per: "day", Amount: 100}, fairlead.Share{Amount: 100, Burst: 1}, fairlead.Share{}},
		{fairlead.Limit{Of: "requests", Per: "minute", Amount: 0, Burst: 9}, fairlead.Share{}, fairlead.Share{}},
		{fairlead.Limit{Of: "concurrency", Amount: 64}, fairlead.Share{Amount: 64}, fairlead.Share{Amount: 6}},
		{fairlead.Limit{Of: "concurrency", Amount: 3}, fairlead.Share{Amount: 3}, fairlead.Share{}},
	} {
		if got := c.limit.Whole(); got != c.whole || got.Floors() != c.floors {
			t.Errorf("%+v: %v, floors %v", c.limit, got, got.Floors())
		}
	}
	for _, s := range []fairlead.Share{{Amount: 100, Burst: 5}, {Amount: 3, Burst: 9}, {Amount: 9, Burst: 3}, {Amount: 7}, {}} {
		for n := 1; n < 12; n++ {
			var sum fairlead.Share
			for i := range n {
				p := s.Split(i, n)
				sum = sum.Plus(p)
				if s.Burst > 0 && (p.Amount == 0) != (p.Burst == 0) {
					t.Errorf("%v in %d: part %v", s, n, p)
				}
			}
			if sum != s {
				t.Errorf("%v in %d is %v", s, n, sum)
			}
		}
	}
	if got := fairlead.ClockError(50_000).Stretch(time.Minute); got != 63*time.Second {
		t.Errorf("stretched to %v", got)
	}
	if got := fairlead.ClockError(1).Stretch(1); got != 2 {
		t.Errorf("stretched to %v", got)
	}
}
