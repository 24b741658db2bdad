package steer_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/steer"
)

var begin = time.Unix(1_000_000, 0)

func newRamp(t *testing.T, from, to int, over time.Duration, guard string) steer.Ramp {
	t.Helper()
	r, err := steer.NewRamp(fairlead.Ramp{ID: "ramp_1", Endpoint: "a/m@p", From: from, To: to, Over: fairlead.Duration(over), Guard: guard})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ruled is a ruling on enough evidence, all of it of a stage.
func ruled(v steer.Verdict, stage int) steer.Ruling {
	return steer.Ruling{Verdict: v, Mine: 100, Peers: 100, Stage: stage, Reason: v.String() + " evidence"}
}

func TestNewRamp(t *testing.T) {
	for _, c := range []struct {
		from, to int
		over     time.Duration
		guard    string
		want     string
	}{
		{0, 100, time.Minute, " error_rate < 2% ", ""},
		{100, 0, time.Second, "", ""},
		{0, 1_000_000_000, 24 * time.Hour, "", ""},
		{5, 5, time.Minute, "", "from one weight to another"},
		{-1, 5, time.Minute, "", "0 or more"},
		{5, -1, time.Minute, "", "0 or more"},
		{0, 5, 999 * time.Millisecond, "", "a second or more"},
		{0, 5, time.Minute, "error_rate", "guard: at its end"},
	} {
		r, err := steer.NewRamp(fairlead.Ramp{From: c.from, To: c.to, Over: fairlead.Duration(c.over), Guard: c.guard})
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d to %d in %s, %q: %v, want %q", c.from, c.to, c.over, c.guard, err, c.want)
		}
		if err == nil && strings.Contains(r.Guard, " ") {
			t.Errorf("the guard is kept as %q", r.Guard)
		}
	}
}

// TestPaces holds how ramps go where all is well: the steps, their number and their times.
func TestPaces(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to int
		over     time.Duration
		want     string // seconds:weight of each step
	}{
		{"up by units", 0, 4, 8 * time.Second, "0:1 2:2 4:3 6:4 8:promote"},
		{"down", 100, 0, 4 * time.Second, "0:75 1:50 2:25 3:0 4:promote"},
		{"one unit", 7, 8, 10 * time.Second, "0:8 10:promote"},
		{"as short as can be", 0, 1000, time.Second, "0:1000 1:promote"},
		{"large weights", 0, 1_000_000_000, 3 * time.Second, "0:333333333 1:666666666 2:1000000000 3:promote"},
	} {
		for _, guard := range []string{"", "error_rate<2%"} {
			r, got := newRamp(t, c.from, c.to, c.over, guard), ""
			for s := 0; ; s++ {
				next, m := r.Next(begin.Add(time.Duration(s)*time.Second), ruled(steer.Good, r.Steps))
				r = next
				if m.Action == steer.Advance {
					got += fmt.Sprintf("%d:%d ", s, m.Weight)
				}
				if m.Action.Ends() {
					got += fmt.Sprintf("%d:%s", s, m.Action)
					break
				}
			}
			if got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
		}
	}
	for _, c := range []struct {
		from, to, want int
		over           time.Duration
	}{{0, 1000, 60, time.Hour}, {0, 100, 60, 10 * time.Minute}, {0, 10, 10, time.Hour}, {0, 1000, 30, 30 * time.Second}, {1000, 0, 60, time.Hour}} {
		r, steps, last := newRamp(t, c.from, c.to, c.over, ""), 0, c.from
		for now := begin; ; now = now.Add(time.Second) {
			next, m := r.Next(now, steer.Ruling{})
			r = next
			if m.Action.Ends() {
				break
			}
			if m.Action == steer.Advance {
				if steps++; (m.Weight-last)*(c.to-c.from) <= 0 {
					t.Errorf("from %d to %d", last, m.Weight)
				}
				last = m.Weight
			}
		}
		if steps != c.want || last != c.to {
			t.Errorf("%d to %d in %s: %d steps to %d, want %d", c.from, c.to, c.over, steps, last, c.want)
		}
	}
}

// TestRampScripts plays verdicts to a ramp from 0 to 4 in 8 s, one each second:
// g good, h hold, b breach, o good by old evidence, f good by too few exchanges, . nobody looks.
func TestRampScripts(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"g", "1"},
		{"h", "1"},                // at weight 0 there is nothing to judge by
		{"b", "1"},                // nor can it be broken
		{"hh", "1 hold"},          // but from there on there is
		{"hggg", "1 wait 2 wait"}, // two seconds of good evidence to the next one
		{"hhghg", "1 hold wait hold 2"},
		{"gb", "1 revert:0"},
		{"gbggg", "1 revert:0 revert:0 revert:0 revert:0"},
		{"gf", "1 hold"},
		{"ggggggggg", "1 wait 2 wait 3 wait 4 wait promote:4"},
		{"ggggggggo", "1 wait 2 wait 3 wait 4 wait hold"},
		{"ggggggggf", "1 wait 2 wait 3 wait 4 wait hold"},
		{"gggggggog", "1 wait 2 wait 3 wait 4 hold wait"},
		{"ggggggggb", "1 wait 2 wait 3 wait 4 wait revert:0"},
		{"gggggggggh", "1 wait 2 wait 3 wait 4 wait promote:4 promote:4"},
		{"g.g", "1 2"},
		{"g.........g", "1 2"},          // however long nobody looked, one step
		{"g.........ggg", "1 2 3 wait"}, // and of that time three seconds at most
		{"g" + strings.Repeat("h", 24), "1" + strings.Repeat(" hold", 23) + " held:1"},
		{"g" + strings.Repeat("hhhhhhhhhhhg", 3), ""},
	} {
		r, now, got := newRamp(t, 0, 4, 8*time.Second, "error_rate<2%"), begin, []string{}
		for _, v := range c.script {
			on := ruled(steer.Good, r.Steps)
			switch v {
			case 'h':
				on.Verdict = steer.Hold
			case 'b':
				on.Verdict = steer.Breach
			case 'o':
				on.Stage--
			case 'f':
				on.Mine = 49
			}
			if v != '.' {
				next, m := r.Next(now, on)
				r = next
				switch {
				case m.Action == steer.Advance:
					got = append(got, fmt.Sprint(m.Weight))
				case m.Action.Ends():
					got = append(got, fmt.Sprintf("%s:%d", m.Action, m.Weight))
				default:
					got = append(got, string(m.Action))
				}
			}
			now = now.Add(time.Second)
		}
		if text := strings.Join(got, " "); text != c.want && c.want != "" {
			t.Errorf("%s: %s, want %s", c.script, text, c.want)
		}
		if c.want == "" && !strings.Contains(strings.Join(got, " "), "held:") {
			t.Errorf("%s: holding in pieces never ends it: %v", c.script, got)
		}
	}
}

// TestStepsKeepASecondApart holds that time which nobody looked at is not caught up with in a burst.
func TestStepsKeepASecondApart(t *testing.T) {
	r := newRamp(t, 0, 4, 4*time.Second, "")
	var got []string
	for _, at := range []int{0, 5000, 5100, 5900, 6000, 6100, 7000} {
		next, m := r.Next(begin.Add(time.Duration(at)*time.Millisecond), steer.Ruling{})
		r = next
		got = append(got, fmt.Sprintf("%d:%s", at, m.Action))
	}
	if text := strings.Join(got, " "); text != "0:step 5000:step 5100:wait 5900:wait 6000:step 6100:wait 7000:step" {
		t.Error(text)
	}
}

// TestRampFromAWeight holds that a ramp needs evidence for its first step too, unless it begins at 0.
func TestRampFromAWeight(t *testing.T) {
	for _, c := range []struct {
		from, to int
		v        steer.Verdict
		want     steer.Action
	}{{0, 5, steer.Hold, steer.Advance}, {1, 5, steer.Hold, steer.Pause}, {1, 5, steer.Breach, steer.Revert}, {1, 5, steer.Good, steer.Advance}, {5, 0, steer.Hold, steer.Pause}, {5, 0, steer.Breach, steer.Revert}} {
		r := newRamp(t, c.from, c.to, time.Minute, "error_rate<2%")
		if _, m := r.Next(begin, ruled(c.v, 0)); m.Action != c.want {
			t.Errorf("%d to %d on %s: %s, want %s", c.from, c.to, c.v, m.Action, c.want)
		}
	}
}

// TestSides holds that the side that gains exchanges is judged: whoever drains a bad endpoint by a ramp is not brought
// back to it.
func TestSides(t *testing.T) {
	report := &steer.Report{Endpoints: map[string]steer.Evidence{"a/m@p": rates(7, 7), "a/m@q": rates(20, 1), "a/m@r": rates(3, 0)}}
	peers := []string{"a/m@p", "a/m@q", "a/m@r", "a/m@none"}
	up, down := newRamp(t, 0, 5, time.Minute, ""), newRamp(t, 5, 0, time.Minute, "")
	if mine, rest := up.Sides(report, peers); mine.Ended != 7 || rest.Ended != 23 {
		t.Errorf("up: %v against %v", mine, rest)
	}
	if mine, rest := down.Sides(report, peers); mine.Ended != 23 || mine.Failed != 1 || rest.Ended != 7 {
		t.Errorf("down: %v against %v", mine, rest)
	}
}

func TestResume(t *testing.T) {
	kept := newRamp(t, 0, 100, 10*time.Minute, "error_rate<2%")
	kept, _ = kept.Next(begin, steer.Ruling{}) // step 1 of 60: weight 1
	for weight, want := range map[int]int{0: 0, 1: 1, 3: 2, 5: 3, 100: 60, 2: -1, 4: -1, 101: -1, -1: -1} {
		r, ok := kept.Resume(weight)
		if !ok {
			r.Steps = -1
		}
		if r.Steps != want || (ok && r.Weight() != weight) {
			t.Errorf("with %d in force it goes on from step %d, want %d", weight, r.Steps, want)
		}
		if want == 60 && r.Ran < 590*time.Second {
			t.Errorf("with the full weight in force, %s of its time are over", r.Ran)
		}
	}
}

// handed gives what another node reads of what one kept.
func handed[T any](t *testing.T, v T) (other T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &other)
	}
	if err != nil || len(b) > 500 {
		t.Fatalf("kept as %s: %v", b, err)
	}
	return other
}

// TestRampHandedOver lets nodes die at any moment, between any two of: a decision, its step in the log, its state kept.
// Their clocks disagree by up to a minute, and their evidence begins anew. Whatever happens: weights go on one step at a
// time, no faster than time that good evidence allows, nothing moves on bad or little evidence, and the end is promoted
// only by a window of this node's that has 50 exchanges of each side from the full weight.
func TestRampHandedOver(t *testing.T) {
	ends := map[steer.Action]int{}
	for seed := range uint64(300) {
		p := &play{t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: begin}
		from, to := p.rng.IntN(30), p.rng.IntN(30)
		if from == to {
			continue
		}
		p.quality = []float64{0, 0.01, 0.03, 0.3}[seed%4]
		p.kept = newRamp(t, from, to, time.Duration(20+p.rng.IntN(100))*time.Second, "error_rate<2%")
		p.weight = from
		p.takeOver()
		for p.end == "" {
			p.second()
		}
		ends[p.end]++
		if p.quality == 0.3 && p.end == steer.Promote {
			t.Errorf("seed %d: promoted what fails at 30 %%", seed)
		}
	}
	if ends[steer.Promote] < 20 || ends[steer.Revert] < 20 || ends[steer.Stop] < 1 {
		t.Errorf("the plays ended %v", ends)
	}
}

// play is one ramp over many leaders.
type play struct {
	t       *testing.T
	rng     *rand.Rand
	now     time.Time
	quality float64 // share of failures of the judged side

	kept   steer.Ramp // in SQL
	weight int        // in force, by the log
	moved  time.Time  // when it was last changed
	good   time.Duration
	end    steer.Action

	ramp   steer.Ramp // the leader's
	window *steer.Window
	skew   time.Duration
	full   int64 // exchanges of the judged side that came in since this leader has the full weight
	peers  int64
}

func (p *play) takeOver() {
	r, ok := handed(p.t, p.kept).Resume(p.weight)
	if !ok {
		p.t.Fatalf("weight %d is none of the ramp's", p.weight)
	}
	p.ramp, p.skew = r, time.Duration(p.rng.IntN(120)-60)*time.Second
	p.window = steer.NewWindow(p.now.Add(p.skew), time.Duration(r.Over), r.Steps)
	p.full, p.peers = 0, 0
}

func (p *play) second() {
	p.now = p.now.Add(time.Second)
	if p.rng.IntN(30) == 0 {
		p.now = p.now.Add(time.Duration(p.rng.IntN(20)) * time.Second) // until another one has the lock
		p.takeOver()
	}
	here := p.now.Add(p.skew)
	mine, peers := rates(int64(p.rng.IntN(40)), 0), rates(int64(p.rng.IntN(40)), 0)
	if p.rng.IntN(4) == 0 {
		mine = steer.Evidence{}
	}
	for range mine.Ended {
		if p.rng.Float64() < p.quality {
			mine.Failed++
		}
	}
	p.window.Add(here, mine, peers)
	p.peers += peers.Ended
	if p.weight == p.ramp.To {
		p.full += mine.Ended
	}
	on := p.ramp.Judge(here, p.window)
	if on.Verdict == steer.Good {
		p.good += 3 * time.Second // the most that may be counted at one look
	}
	next, move := p.ramp.Next(here, on)
	p.check(on, move)
	p.commit(next, move)
	p.window.Stage(here, p.ramp.Steps)
}

// check holds a move against what is allowed.
func (p *play) check(on steer.Ruling, m steer.Move) {
	t, blind := p.t, p.weight == 0 && p.kept.To > 0
	t.Helper()
	switch m.Action {
	case steer.Advance:
		if on.Verdict != steer.Good && !blind {
			t.Fatalf("a step on %s", on.Verdict)
		}
		steps := func(w int) int { r, _ := p.kept.Resume(w); return r.Steps }
		if steps(m.Weight) != steps(p.weight)+1 {
			t.Fatalf("from weight %d to %d", p.weight, m.Weight)
		}
		if !p.moved.IsZero() && p.now.Sub(p.moved) < time.Second {
			t.Fatal("two steps within a second")
		}
	case steer.Promote:
		if on.Verdict != steer.Good || p.weight != p.kept.To || p.full < steer.Enough || p.peers < steer.Enough || on.Mine < steer.Enough {
			t.Fatalf("promoted at weight %d on %s with %d and %d", p.weight, on.Verdict, p.full, p.peers)
		}
		if p.good < time.Duration(p.kept.Over)*9/10 {
			t.Fatalf("promoted after %s of good evidence, of %s", p.good, time.Duration(p.kept.Over))
		}
	case steer.Revert:
		if on.Verdict != steer.Breach || on.Mine < steer.Enough || m.Weight != p.kept.From {
			t.Fatalf("reverted to %d on %s", m.Weight, on.Verdict)
		}
	}
}

// commit does what was decided: into the log, then into what is kept, where the node does not die in between.
func (p *play) commit(next steer.Ramp, m steer.Move) {
	if p.rng.IntN(20) == 0 {
		p.takeOver()
		return
	}
	if m.Weight != p.weight {
		p.weight, p.moved = m.Weight, p.now
	}
	if p.rng.IntN(20) == 0 && !m.Action.Ends() {
		p.takeOver()
		return
	}
	p.ramp = next
	if p.rng.IntN(3) > 0 || m.Action != steer.Wait {
		p.kept = handed(p.t, next)
	}
	if m.Action.Ends() {
		p.end = m.Action
		again, same := p.kept.Next(p.now.Add(time.Hour), steer.Ruling{})
		if same != m || again.Held != p.kept.Held || again.Ran != p.kept.Ran {
			p.t.Fatalf("after its end %v it says %v", m, same)
		}
	}
}
