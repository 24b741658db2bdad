package steer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead/steer"
)

// counted makes a histogram of times.
func counted(list ...time.Duration) (h steer.Histogram) {
	n := map[int]int64{}
	for _, d := range list {
		n[steer.BucketOf(d)]++
	}
	for b := range steer.Buckets {
		if n[b] > 0 {
			h = append(h, steer.Bin{Bucket: b, Count: n[b]})
		}
	}
	return h
}

// TestBuckets holds that every time lies in its bucket, that buckets follow on each other, and how far a bucket's
// middle is from what it holds.
func TestBuckets(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for range 200_000 {
		d := time.Duration(math.Exp(rng.Float64() * math.Log(float64(18*time.Minute))))
		b := steer.BucketOf(d)
		from, to := steer.Edges(b)
		if d < from || d >= to {
			t.Fatalf("%s is in bucket %d, which is %s to %s", d, b, from, to)
		}
		if d >= 65536 {
			worst = max(worst, math.Abs(float64((from+to)/2-d))/float64(d))
		}
	}
	if worst > 0.0325 {
		t.Errorf("a value is known to %.3f", worst)
	}
	for b := 1; b < steer.Buckets; b++ {
		_, before := steer.Edges(b - 1)
		if from, to := steer.Edges(b); from != before || to <= from || steer.BucketOf(from) != b || steer.BucketOf(to-1) != b {
			t.Fatalf("bucket %d is %s to %s, the one before ends at %s", b, from, to, before)
		}
	}
	for d, want := range map[time.Duration]int{-time.Second: 0, 0: 0, time.Hour: steer.Buckets - 1, math.MaxInt64: steer.Buckets - 1} {
		if got := steer.BucketOf(d); got != want {
			t.Errorf("%s is in bucket %d, want %d", d, got, want)
		}
	}
}

// TestMerge holds that the evidence of many edges is that of one that has seen it all, in any order.
func TestMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var all []time.Duration
		var parts []steer.Evidence
		want := steer.Evidence{}
		for range rng.IntN(8) {
			var list []time.Duration
			for range rng.IntN(40) {
				list = append(list, time.Duration(rng.ExpFloat64()*float64(time.Second)))
			}
			e := steer.Evidence{Ended: rng.Int64N(9) + 3, Failed: rng.Int64N(3), Shut: rng.Int64N(2), Refused: rng.Int64N(2), TTFT: counted(list...), TPOT: counted(list...)}
			e.Kept = rng.Int64N(3)
			for place := range rng.IntN(3) {
				e = steer.Merge(e, steer.Evidence{Places: steer.Places{fmt.Sprint(place): {Asked: rng.Int64N(3), Kept: 1}}})
			}
			all, parts = append(all, list...), append(parts, e)
			want.Ended, want.Failed = want.Ended+e.Ended, want.Failed+e.Failed
			want.Shut, want.Refused, want.Kept = want.Shut+e.Shut, want.Refused+e.Refused, want.Kept+e.Kept
			for id, n := range e.Places {
				if want.Places == nil {
					want.Places = steer.Places{}
				}
				want.Places[id] = steer.Place{Asked: want.Places[id].Asked + n.Asked, Kept: want.Places[id].Kept + n.Kept}
			}
		}
		want.TTFT, want.TPOT = counted(all...), counted(all...)
		got := steer.Merge(parts...)
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		other := steer.Merge(parts...)
		if a, b, c := text(t, got), text(t, other), text(t, want); a != b || a != c {
			t.Fatalf("got %s\nand  %s\nwant %s", a, b, c)
		}
		slices.SortFunc(all, func(a, b time.Duration) int { return int(a - b) })
		for _, q := range []float64{0.5, 0.95, 0.99} {
			if len(all) == 0 {
				continue
			}
			exact := all[int(math.Ceil(q*float64(len(all))-1e-9))-1]
			if v := steer.Quantile(got.TTFT, q); math.Abs(float64(v-exact)) > 0.0325*float64(exact)+2100 {
				t.Errorf("the %v quantile is %s, exact is %s", q, v, exact)
			}
		}
	}
}

// TestMergeKeeps holds that a sum changes nothing of what it is made from.
func TestMergeKeeps(t *testing.T) {
	places := steer.Places{"p": {Asked: 1, Kept: 2}}
	a := steer.Evidence{Ended: 1, Places: places, TTFT: append(make(steer.Histogram, 0, 8), counted(time.Second)...)}
	b := steer.Evidence{Ended: 1, Places: steer.Places{"p": {Kept: 4}, "q": {Kept: 1}}, TTFT: counted(time.Millisecond, time.Second, time.Minute)}
	var sums []string
	for range 2 {
		sum := steer.Merge(a, b)
		sum.Add(b)
		sums = append(sums, text(t, sum))
	}
	if sums[0] != sums[1] || text(t, a) != text(t, steer.Evidence{Ended: 1, Places: steer.Places{"p": {Asked: 1, Kept: 2}}, TTFT: counted(time.Second)}) {
		t.Errorf("a sum changed its parts: %s", sums)
	}
}

func text(t *testing.T, e steer.Evidence) string {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEvidenceJSON(t *testing.T) {
	e := steer.Evidence{Ended: 214, Failed: 3, TTFT: counted(time.Second, time.Second, 2*time.Second)}
	if got := text(t, e); got != `{"ended":214,"failed":3,"ttft":[237,2,253,1]}` {
		t.Errorf("wrote %s", got)
	}
	for in, ok := range map[string]bool{
		`{"ended":1}`: true, `{}`: true, `{"ended":2,"failed":2,"ttft":[0,1,399,7],"tpot":[]}`: true,
		`{"ended":1,"failed":2}`: false, `{"ended":-1}`: false, `{"ended":1,"failed":-1}`: false, `{"ended":1,"refused":-1}`: false, `{"shut":-1}`: false, `{"shut":562949953421312}`: false, `{"shut":9}`: true,
		`{"kept":9,"places":{"a/m@p":{"asked":1,"kept":9}}}`: true, `{"kept":-1}`: false, `{"places":{"a/m@p":{"asked":-1}}}`: false, `{"places":{"a/m@p":{"kept":562949953421312}}}`: false,
		`{"places":{"` + strings.Repeat("p", 3000) + `":{"kept":1}}}`: false, placesText(steer.MostPlaces): true, placesText(steer.MostPlaces + 1): false,
		`{"ended":562949953421312}`: false, `{"refused":562949953421312}`: false, `{"ttft":[1]}`: false, `{"ttft":[1,0]}`: false, `{"ttft":[1,-1]}`: false,
		`{"ttft":[2,1,1,1]}`: false, `{"ttft":[1,1,1,1]}`: false, `{"ttft":[400,1]}`: false, `{"ttft":[-1,1]}`: false,
		`{"ttft":[1,562949953421312]}`: false, `{"ttft":{}}`: false, `{"ttft":[1.5,1]}`: false, `[]`: false, `{"ended":1e99}`: false,
	} {
		var got steer.Evidence
		if err := json.Unmarshal([]byte(in), &got); (err == nil) != ok {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// placesText is evidence of so many places.
func placesText(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"a/m@%d":{"kept":1}`, i)
	}
	return `{"places":{` + strings.Join(list, ",") + `}}`
}

// FuzzReport holds that whatever an edge sends is refused or sound: sums and judgements of it stay within bounds.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"node":"e1","endpoints":{"a/m@p":{"ended":60,"failed":3,"ttft":[286,60],"tpot":[100,60]},"a/m@q":{"ended":60}},"trial":"t"}`))
	f.Add([]byte(`{"trial":"t","tried":{"ended":281474976710656,"refused":281474976710656,"ttft":[0,281474976710656,1,281474976710656]},"rest":{"ended":70}}`))
	f.Add([]byte(`{"trial":"t","tried":{"ended":60,"kept":281474976710656,"places":{"a/m@p":{"asked":1,"kept":281474976710656},"a/m@q":{}}},"rest":{"ended":70,"kept":1,"places":{"a/m@p":{"kept":1}}}}`))
	guard, err := steer.Parse("error_rate<2% and error_rate<1.5x and refusal_rate<2x and ttft_p95<1.5x and ttft_p99<1s and tpot_p50<2x")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r steer.Report
		if json.Unmarshal(body, &r) != nil {
			return
		}
		for _, e := range r.Endpoints {
			for _, o := range []steer.Evidence{r.Tried, r.Rest, e} {
				sum := steer.Merge(e, o, o)
				var back steer.Evidence
				if err := json.Unmarshal([]byte(text(t, sum)), &back); err != nil {
					t.Fatalf("a sum cannot be read: %v", err)
				}
				if a, b := text(t, back), text(t, sum); a != b {
					t.Fatalf("%s reads as %s", b, a)
				}
				on := steer.Judge(guard, sum, o)
				if (on.Mine < steer.Enough || on.Peers < steer.Enough) && on.Verdict != steer.Hold {
					t.Fatalf("judged %v", on)
				}
			}
		}
	})
}
