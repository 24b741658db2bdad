package health_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"fairlead/upstream/health"
)

func sec(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }

// learnt makes deadlines that saw n first tokens, log-normal around a median, and cuts "at least" ones.
func learnt(size health.Size, n int, median, sigma float64, cuts int, cut float64) *health.Deadlines {
	d, rng := health.NewDeadlines(epoch), rand.New(rand.NewPCG(8, 9))
	for range n {
		d.LearnFirstToken(size, sec(median*math.Exp(sigma*rng.NormFloat64())), false, at(0))
	}
	for range cuts {
		d.LearnFirstToken(size, sec(cut), true, at(0))
	}
	return d
}

func TestDeadlines_FirstToken(t *testing.T) {
	small, large, think := health.Size{Prompt: 100}, health.Size{Prompt: 100_000}, health.Size{Prompt: 100, Think: true}
	for _, c := range []struct {
		name      string
		d         *health.Deadlines
		size      health.Size
		after     float64
		low, high float64 // s
	}{
		{"nothing learned", health.NewDeadlines(epoch), small, 0, 10, 10},
		{"nothing learned of a thinker", health.NewDeadlines(epoch), think, 0, 180, 180},
		{"19 samples are none", learnt(small, 19, 1, 0, 0, 0), small, 0, 10, 10},
		{"20 are held with care", learnt(small, 20, 1, 0, 0, 0), small, 0, 3.5, 6.5},
		{"1000 are believed", learnt(small, 1000, 1, 0.1, 0, 0), small, 0, 1.6, 3.8},
		{"a wide spread", learnt(small, 5000, 1, 0.6, 0, 0), small, 0, 4.5, 6.5},
		{"never below 1.5 s", learnt(small, 5000, 0.02, 0.1, 0, 0), small, 0, 1.5, 1.5},
		{"never above 60 s", learnt(small, 100, 30, 0.3, 0, 0), small, 0, 60, 60},
		{"another size learns apart", learnt(small, 1000, 1, 0, 0, 0), large, 0, 10, 10},
		{"a thinker learns apart", learnt(small, 1000, 1, 0, 0, 0), think, 0, 180, 180},
		{"a thinker is not cut for quick others", learnt(think, 1000, 1, 0.2, 0, 0), think, 0, 30, 30},
		{"a few thoughts prove nothing", learnt(think, 199, 1, 0.2, 0, 0), think, 0, 180, 180},
		{"cuts are no samples", learnt(small, 0, 1, 0, 1000, 0.1), small, 0, 10, 10},
		{"cuts push the bound up", learnt(small, 1000, 1, 0.1, 50, 5), small, 0, 5.5, 20},
		{"and further", learnt(small, 1000, 1, 0.1, 50, 20), small, 0, 29, 45},
		{"forgotten after hours", learnt(small, 1000, 1, 0.1, 0, 0), small, 6 * 3600, 10, 10},
	} {
		if got := c.d.FirstToken(c.size, at(c.after)); got < sec(c.low) || got > sec(c.high) {
			t.Errorf("%s: %v, want %v .. %v s", c.name, got, c.low, c.high)
		}
	}
}

func TestDeadlines_Hedge(t *testing.T) {
	size := health.Size{Prompt: 100}
	if _, ok := health.NewDeadlines(epoch).Hedge(size, at(0)); ok {
		t.Error("hedges while nothing is learned")
	}
	d := learnt(size, 5000, 1, 0.6, 0, 0)
	if got, ok := d.Hedge(size, at(0)); !ok || got < sec(2.4) || got > sec(3.2) { // e^(1.645 x 0.6) = 2.68
		t.Errorf("R_0.95 is %v", got)
	}
	if _, ok := d.HedgeTotal(size, at(0)); ok {
		t.Error("first tokens taught totals")
	}
	if got, ok := d.Expected(size, at(0)); !ok || got < sec(0.95) || got > sec(1.2) {
		t.Errorf("the median is %v", got)
	}
}

func TestDeadlines_Total(t *testing.T) {
	d := health.NewDeadlines(epoch)
	short, long, think := health.Size{MaxOutput: 50}, health.Size{}, health.Size{Think: true}
	for _, c := range []struct {
		size health.Size
		want time.Duration
	}{{short, time.Minute}, {long, time.Minute}, {think, 0}} {
		if got := d.Total(c.size, at(0)); got != c.want {
			t.Errorf("%+v: %v, want %v", c.size, got, c.want)
		}
	}
	for range 2000 {
		d.LearnTotal(short, sec(1), false, at(0))
		d.LearnTotal(long, sec(100), false, at(0))
	}
	if got := d.Total(short, at(0)); got < sec(1.5) || got > sec(8) {
		t.Errorf("short: %v", got)
	}
	if got := d.Total(long, at(0)); got < sec(100) || got > 10*time.Minute {
		t.Errorf("not stated: %v", got)
	}
}

func TestDeadlines_Gaps(t *testing.T) {
	for _, c := range []struct {
		name             string
		phase            health.Phase
		n, slow, cut     int
		gap              float64
		beat             float64 // learned keep-alive interval; 0 = none
		wantGap, wantByt [2]float64
	}{
		{"nothing learned", health.Text, 0, 0, 0, 0, 0, [2]float64{60, 60}, [2]float64{20, 20}},
		{"nothing learned of reasoning", health.Reasoning, 0, 0, 0, 0, 0, [2]float64{180, 180}, [2]float64{180, 180}},
		{"nor of tool arguments", health.ToolArguments, 999, 0, 0, 0.01, 0, [2]float64{180, 180}, [2]float64{180, 180}},
		{"text in quick steps", health.Text, 5000, 0, 0, 0.02, 0, [2]float64{5, 5}, [2]float64{20, 20}},
		{"with slow ones among them", health.Text, 5000, 50, 0, 0.02, 0, [2]float64{16, 18}, [2]float64{20, 20}},
		{"reasoning in quick steps", health.Reasoning, 5000, 0, 0, 0.02, 0, [2]float64{30, 30}, [2]float64{30, 30}},
		{"reasoning in slow steps", health.Reasoning, 5000, 0, 0, 5, 0, [2]float64{40, 45}, [2]float64{40, 45}},
		{"never above 180 s", health.Reasoning, 2000, 0, 0, 40, 0, [2]float64{180, 180}, [2]float64{180, 180}},
		{"streams that were given up push it up", health.Text, 5000, 0, 100, 0.02, 0, [2]float64{60, 70}, [2]float64{60, 70}},
		{"keep-alives each 2 s", health.Text, 0, 0, 0, 0, 2, [2]float64{60, 60}, [2]float64{15, 15}},
		{"keep-alives each 10 s", health.Reasoning, 0, 0, 0, 0, 10, [2]float64{180, 180}, [2]float64{40, 45}},
		{"what is no keep-alive", health.Text, 0, 0, 0, 0, 61, [2]float64{60, 60}, [2]float64{20, 20}},
	} {
		d := health.NewDeadlines(epoch)
		for range c.n {
			d.LearnGap(c.phase, sec(c.gap), false, at(0))
		}
		for range c.slow {
			d.LearnGap(c.phase, sec(2), false, at(0))
		}
		for range c.cut {
			d.LearnGap(c.phase, sec(5), true, at(0))
		}
		for i := 0; c.beat > 0 && i < 30; i++ {
			d.LearnKeepAlive(sec(c.beat), at(0))
		}
		gap, byt := d.Gap(c.phase, at(0)).Seconds(), d.Bytes(c.phase, at(0)).Seconds()
		if gap < c.wantGap[0] || gap > c.wantGap[1] || byt < c.wantByt[0] || byt > c.wantByt[1] {
			t.Errorf("%s: gap %v s, bytes %v s; want %v, %v", c.name, gap, byt, c.wantGap, c.wantByt)
		}
	}
}

// TestDeadlines_Totals holds that whole answers have quantiles of their own.
func TestDeadlines_Totals(t *testing.T) {
	d, size := health.NewDeadlines(epoch), health.Size{MaxOutput: 500}
	for i := range 200 {
		if _, ok := d.HedgeTotal(size, at(0)); ok != (i >= 20) {
			t.Fatalf("after %d samples: %v", i, ok)
		}
		d.LearnTotal(size, sec(1+9*float64(i%100)/100), false, at(0))
	}
	if got, ok := d.HedgeTotal(size, at(0)); !ok || got < sec(8) || got > sec(20) {
		t.Errorf("hedged after %v, %v", got, ok)
	}
	if got, ok := d.ExpectedTotal(size, at(0)); !ok || got < sec(5) || got > sec(6.2) {
		t.Errorf("%v, %v is usual", got, ok)
	}
	if _, ok := d.Expected(size, at(0)); ok {
		t.Error("totals taught first tokens")
	}
}
