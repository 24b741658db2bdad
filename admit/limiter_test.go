package admit_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
)

const longAgo = -31 * 24 * time.Hour

func limiter(t testing.TB, r *admit.Limiters, id string, l fairlead.Limit) *admit.Limiter {
	t.Helper()
	m, ok := r.Get(0, id, l)
	if !ok {
		t.Fatal("no room")
	}
	return m
}

func requests(amount, burst int64) fairlead.Limit {
	return fairlead.Limit{Of: fairlead.LimitRequests, Per: fairlead.PerMinute, Amount: amount, Burst: burst}
}

func tokens(amount, burst int64) fairlead.Limit {
	return fairlead.Limit{Of: fairlead.LimitTokens, Per: fairlead.PerMinute, Amount: amount, Burst: burst}
}

// TestTakeAllOrNone takes five limits together: a refusal takes nothing of any, and names the one that would be waited for the longest.
func TestTakeAllOrNone(t *testing.T) {
	r := admit.NewLimiters(1000, longAgo)
	key := limiter(t, r, "key k", requests(60, 5))
	team := limiter(t, r, "team t", tokens(6000, 100))
	atOnce := limiter(t, r, "account a", fairlead.Limit{Of: fairlead.LimitConcurrency, Amount: 2})
	claims := admit.NewClaims([]admit.Claim{{Limiter: atOnce, N: 1}, {Limiter: key, N: 1}, {Limiter: team, N: 60}})
	if refused, ok := claims.Take(0); !ok {
		t.Fatalf("refused: %+v", refused)
	}
	refused, ok := claims.Take(0)
	if ok || refused.ID != "team t" || refused.Limit.Of != fairlead.LimitTokens || refused.Remaining != 40 || refused.Wanted != 60 ||
		refused.Wait != 200*time.Millisecond {
		t.Errorf("%v %+v", ok, refused)
	}
	if s := key.State(0); s.Remaining != 4 || s.Reset != time.Second {
		t.Errorf("a refusal took of the key: %+v", s)
	}
	if s := atOnce.State(0); s.Remaining != 1 {
		t.Errorf("a refusal took of what is under way: %+v", s)
	}
	if _, ok := claims.Take(200*time.Millisecond - 1); ok {
		t.Error("let in before its time")
	}
	if refused, ok := claims.Take(200 * time.Millisecond); !ok {
		t.Errorf("refused after its wait: %+v", refused)
	}
	if refused, _ := claims.Take(time.Minute); refused.ID != "account a" || refused.Wait != time.Second {
		t.Errorf("%+v", refused)
	}
	claims.Leave()
	if refused, ok := claims.Take(time.Minute); !ok {
		t.Errorf("refused after one has left: %+v", refused)
	}
	late := limiter(t, r, "team late", requests(60, 1))
	slow := admit.NewClaims([]admit.Claim{{Limiter: limiter(t, r, "team slow", requests(1, 1)), N: 1}})
	slow.Take(time.Minute)
	admit.NewClaims([]admit.Claim{{Limiter: late, N: 1}}).Take(time.Minute)
	both := admit.NewClaims([]admit.Claim{slow[0], {Limiter: late, N: 1}})
	if refused, _ := both.Take(time.Minute); refused.ID != "team slow" || refused.Wait != time.Minute {
		t.Errorf("of two: %+v", refused)
	}
	quick := limiter(t, r, "team quick", requests(60, 1))
	admit.NewClaims([]admit.Claim{{Limiter: quick, N: 1}}).Take(time.Minute)
	if refused, _ := admit.NewClaims([]admit.Claim{slow[0], {Limiter: quick, N: 1}}).Take(time.Minute); refused.ID != "team slow" {
		t.Errorf("of two, the other way round: %+v", refused)
	}
	big := admit.NewClaims([]admit.Claim{{Limiter: key, N: 1}, {Limiter: team, N: 101}})
	if refused, ok := big.Take(2 * time.Minute); ok || refused.Wait != fairlead.Never {
		t.Errorf("more than the burst: %v %+v", ok, refused)
	}
}

func TestSameLimitTwice(t *testing.T) {
	r := admit.NewLimiters(1000, longAgo)
	key := limiter(t, r, "key k", requests(60, 3))
	twice := admit.NewClaims([]admit.Claim{{Limiter: key, N: 2}, {Limiter: key, N: 2}})
	if _, ok := twice.Take(0); ok || key.State(0).Remaining != 3 {
		t.Errorf("%v, %d left", ok, key.State(0).Remaining)
	}
	none := admit.NewClaims([]admit.Claim{{Limiter: key, N: -5}})
	if _, ok := none.Take(0); !ok || key.State(0).Remaining != 3 {
		t.Errorf("%v, %d left", ok, key.State(0).Remaining)
	}
}

func TestZeroLetsNothingIn(t *testing.T) {
	r := admit.NewLimiters(1000, longAgo)
	for _, l := range []fairlead.Limit{requests(0, 0), requests(0, 7), {Of: fairlead.LimitConcurrency}} {
		m := limiter(t, r, fmt.Sprint("key ", l), l)
		if refused, ok := admit.NewClaims([]admit.Claim{{Limiter: m, N: 1}}).Take(time.Hour); ok || refused.Wait != fairlead.Never {
			t.Errorf("%+v: %v %+v", l, ok, refused)
		}
	}
}

// TestCorrections holds that what corrections bring is counted: below what was estimated it is there again, above it others wait.
func TestCorrections(t *testing.T) {
	r := admit.NewLimiters(1000, longAgo)
	m := limiter(t, r, "key k", tokens(6000, 1000)) // 100 a second
	take := func(now time.Duration, n int64) (time.Duration, bool) {
		refused, ok := admit.NewClaims([]admit.Claim{{Limiter: m, N: n}}).Take(now)
		return refused.Wait, ok
	}
	take(0, 800)
	m.Correct(0, -300)
	if got := m.State(0).Remaining; got != 500 {
		t.Errorf("%d left after giving back", got)
	}
	m.Correct(0, -100_000)
	if got := m.State(0).Remaining; got != 1000 {
		t.Errorf("%d left: above the burst", got)
	}
	take(0, 1000)
	m.Correct(0, 500)
	if wait, ok := take(0, 100); ok || wait != 6*time.Second || m.State(0).Remaining != 0 {
		t.Errorf("in debt: waits %v, %v, %d left", wait, ok, m.State(0).Remaining)
	}
	if _, ok := take(6*time.Second, 100); !ok {
		t.Error("the debt was paid")
	}
}

// TestLimitChanges holds that a limit that is changed while it runs lets through no more than the larger one allows.
func TestLimitChanges(t *testing.T) {
	r := admit.NewLimiters(1000, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	var level float64 // of a leaky bucket of the larger limit: 120 a minute, 20 at once
	var now, last time.Duration
	for range 20_000 {
		now += time.Duration(rng.Int64N(int64(time.Second)))
		l := requests([]int64{60, 120}[rng.IntN(2)], []int64{20, 3}[rng.IntN(2)])
		m, _ := r.Get(now, "key k", l)
		if _, ok := admit.NewClaims([]admit.Claim{{Limiter: m, N: 1}}).Take(now); ok {
			level = max(level-2*(now-last).Seconds(), 0) + 1
			last = now
		}
		if level > 20.000001 {
			t.Fatalf("%.3f above 20 at %v", level-20, now)
		}
		r.Put(m)
	}
	m := limiter(t, r, "key other", requests(60, 5))
	take := admit.NewClaims([]admit.Claim{{Limiter: m, N: 5}})
	if _, ok := take.Take(time.Hour); !ok {
		t.Fatal("refused")
	}
	m, _ = r.Get(time.Hour, "key other", requests(60, 500))
	if s := m.State(time.Hour); s.Remaining != 0 || s.Limit.Burst != 500 {
		t.Errorf("a larger burst brought %+v", s)
	}
}

// TestIdleLimitersGo holds that memory is bounded, and that nobody gets more by being forgotten.
func TestIdleLimitersGo(t *testing.T) {
	r := admit.NewLimiters(640, longAgo)
	now, refused := time.Duration(0), 0
	left := map[string]int64{}
	rng := rand.New(rand.NewPCG(4, 4))
	for range 50_000 {
		now += 5 * time.Millisecond
		id := fmt.Sprint("key ", rng.IntN(2000))
		m, ok := r.Get(now, id, requests(30, 1)) // two seconds until it is full again: some 400 are not
		if !ok {
			refused++
			continue
		}
		if _, ok := admit.NewClaims([]admit.Claim{{Limiter: m, N: 1}}).Take(now); ok {
			if before, seen := left[id]; seen && int64(now)-before < int64(2*time.Second) {
				t.Fatalf("%s was let in again after %v", id, now-time.Duration(before))
			}
			left[id] = int64(now)
		}
		r.Put(m)
	}
	if n := r.Len(); n > 640 {
		t.Errorf("%d limiters", n)
	}
	if refused > 5000 {
		t.Errorf("%d of 50,000 found no room", refused)
	}
}

func TestNoRoom(t *testing.T) {
	r := admit.NewLimiters(64, longAgo)
	var held []*admit.Limiter
	for i := range 10_000 {
		if m, ok := r.Get(0, fmt.Sprint("key ", i), requests(1, 1)); ok {
			held = append(held, m)
		}
	}
	if len(held) > 64 || r.Len() != len(held) {
		t.Fatalf("%d in use at once, %d kept", len(held), r.Len())
	}
	again, ok := r.Get(0, held[0].ID(), requests(1, 1))
	if !ok || again != held[0] {
		t.Error("one that is in use was not found")
	}
}

// TestManyAtOnce takes from many goroutines: exactly what is there is let in, and nobody waits for another for ever.
func TestManyAtOnce(t *testing.T) {
	r := admit.NewLimiters(1000, longAgo)
	a, b := limiter(t, r, "a", requests(1, 500)), limiter(t, r, "b", tokens(1, 7000))
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for g := range 8 {
		wg.Go(func() {
			list := []admit.Claim{{Limiter: a, N: 1}, {Limiter: b, N: 10}}
			if g%2 == 0 {
				list[0], list[1] = list[1], list[0]
			}
			claims := admit.NewClaims(list)
			for range 500 {
				if _, ok := claims.Take(0); ok {
					mu.Lock()
					in++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if in != 500 {
		t.Errorf("%d were let in", in)
	}
	if a.State(0).Remaining != 0 || b.State(0).Remaining != 2000 {
		t.Errorf("%d and %d left", a.State(0).Remaining, b.State(0).Remaining)
	}
}

func fiveClaims(t testing.TB) (admit.Claims, []admit.Claim) {
	r := admit.NewLimiters(1000, longAgo)
	list := make([]admit.Claim, 0, 5)
	for i, l := range []fairlead.Limit{
		requests(1<<50, 1<<50), tokens(1<<50, 1<<50), requests(1<<49, 1<<49), tokens(1<<49, 1<<49),
		{Of: fairlead.LimitConcurrency, Amount: 1 << 40},
	} {
		list = append(list, admit.Claim{Limiter: limiter(t, r, fmt.Sprint(i), l), N: int64(i + 1)})
	}
	return admit.NewClaims(list), list
}

func TestTakeAllocatesNothing(t *testing.T) {
	claims, list := fiveClaims(t)
	now := time.Duration(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += time.Microsecond
		claims = admit.NewClaims(list)
		if _, ok := claims.Take(now); !ok {
			t.Fatal("refused")
		}
		list[0].Limiter.Correct(now, -1)
		claims.Leave()
	}); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// BenchmarkTakeFive takes five limits together and leaves them.
func BenchmarkTakeFive(b *testing.B) {
	claims, _ := fiveClaims(b)
	b.ReportAllocs()
	now := time.Duration(0)
	for b.Loop() {
		now += time.Microsecond
		if _, ok := claims.Take(now); !ok {
			b.Fatal("refused")
		}
		claims.Leave()
	}
}

// BenchmarkGet finds a limiter among 10,000 and lets it go.
func BenchmarkGet(b *testing.B) {
	r := admit.NewLimiters(1_000_000, longAgo)
	for i := range 10_000 {
		limiter(b, r, fmt.Sprint("key ", i), requests(60, 5))
	}
	l := requests(60, 5)
	b.ReportAllocs()
	for b.Loop() {
		m, _ := r.Get(0, "key 77", l)
		r.Put(m)
	}
}
