package steer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/steer"
)

func newTrial(t *testing.T, hold time.Duration, guard string) steer.Trial {
	t.Helper()
	tr, err := steer.NewTrial(&fairlead.Trial{ID: "trial_1", Percent: 5, Hold: fairlead.Duration(hold), Guard: guard})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestNewTrial(t *testing.T) {
	for _, c := range []struct {
		percent int
		hold    time.Duration
		guard   string
		want    string
	}{
		{1, time.Second, "", ""},
		{99, time.Hour, "error_rate<2%", ""},
		{0, time.Hour, "", "1 to 99 percent"},
		{100, time.Hour, "", "1 to 99 percent"},
		{5, time.Millisecond, "", "a second or more"},
		{5, time.Hour, "x", "guard: at character 1"},
	} {
		_, err := steer.NewTrial(&fairlead.Trial{Percent: c.percent, Hold: fairlead.Duration(c.hold), Guard: c.guard})
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d %% for %s: %v, want %q", c.percent, c.hold, err, c.want)
		}
	}
}

// TestTrialScripts plays verdicts to a trial of 3 s, one each second, as TestRampScripts does.
func TestTrialScripts(t *testing.T) {
	for _, c := range []struct{ guard, script, want string }{
		{"error_rate<2%", "gggg", "wait wait wait promote"},
		{"error_rate<2%", "gggggg", "wait wait wait promote promote promote"},
		{"error_rate<2%", "ghghgg", "wait hold wait hold wait promote"},
		{"error_rate<2%", "gggf", "wait wait wait hold"},
		{"error_rate<2%", "gggh", "wait wait wait hold"},
		{"error_rate<2%", "gbg", "wait revert revert"},
		{"error_rate<2%", "hhhhhhhhhhg", "hold hold hold hold hold hold hold hold hold held held"},
		{"", "hbfg", "wait wait wait promote"},
	} {
		tr, now, got := newTrial(t, 3*time.Second, c.guard), begin, []string{}
		for _, v := range c.script {
			on := ruled(steer.Good, 0)
			switch v {
			case 'h':
				on.Verdict = steer.Hold
			case 'b':
				on.Verdict = steer.Breach
			case 'f':
				on.Peers = 49
			}
			next, m := tr.Next(now, on)
			tr, got = handed(t, next), append(got, string(m.Action))
			now = now.Add(time.Second)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s, %s: %s, want %s", c.guard, c.script, text, c.want)
		}
	}
}

// TestTrialHandedOver lets nodes die at any moment: no trial is promoted on fewer than 50 exchanges of each side that
// the node saw itself, nor before its time in good evidence is over.
func TestTrialHandedOver(t *testing.T) {
	ends := map[steer.Action]int{}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 8))
		quality := []float64{0, 0.01, 0.03, 0.3}[seed%4]
		kept := newTrial(t, time.Duration(10+rng.IntN(60))*time.Second, "error_rate<2%")
		var tr steer.Trial
		var w *steer.Window
		var mine, peers int64
		var good time.Duration
		skew := time.Duration(0)
		for now := begin; ; now = now.Add(time.Second) {
			if w == nil || rng.IntN(30) == 0 {
				now = now.Add(time.Duration(rng.IntN(20)) * time.Second)
				tr, skew = handed(t, kept), time.Duration(rng.IntN(120)-60)*time.Second
				w, mine, peers = steer.NewWindow(now.Add(skew), time.Duration(kept.Takes), 0), 0, 0
			}
			report := &steer.Report{Trial: tr.ID, Tried: rates(int64(rng.IntN(10)), 0), Rest: rates(int64(rng.IntN(90)), 0)}
			for range report.Tried.Ended {
				if rng.Float64() < quality {
					report.Tried.Failed++
				}
			}
			if rng.IntN(9) == 0 {
				report.Trial = "another one"
			} else {
				mine, peers = mine+report.Tried.Ended, peers+report.Rest.Ended
			}
			tried, rest := tr.Sides(report)
			w.Add(now.Add(skew), tried, rest)
			on := tr.Judge(now.Add(skew), w)
			if on.Verdict == steer.Good {
				good += 3 * time.Second
			}
			next, m := tr.Next(now.Add(skew), on)
			if m.Action == steer.Promote && (mine < steer.Enough || peers < steer.Enough || good < time.Duration(kept.Takes)) {
				t.Fatalf("seed %d: promoted on %d and %d after %s", seed, mine, peers, good)
			}
			if rng.IntN(20) == 0 {
				w = nil
				continue
			}
			tr = next
			if kept = next; m.Action.Ends() {
				ends[m.Action]++
				if quality == 0.3 && m.Action == steer.Promote {
					t.Errorf("seed %d: promoted what fails at 30 %%", seed)
				}
				break
			}
		}
	}
	if ends[steer.Promote] < 20 || ends[steer.Revert] < 20 || ends[steer.Stop] < 1 {
		t.Errorf("the plays ended %v", ends)
	}
}

// TestSide holds that sides are drawn evenly, as one draw to an account, and that a share that grows keeps its own.
func TestSide(t *testing.T) {
	for _, form := range []string{"key_%d", "acct_%016d", "%d", "%08x-team"} {
		for _, trial := range []string{"trial_1", "trial_2", ""} {
			for _, percent := range []int{0, 1, 5, 50, 99, 100} {
				const accounts = 20_000
				in := 0
				for i := range accounts {
					who := fmt.Sprintf(form, i)
					on := steer.Side(who, trial, percent)
					if on {
						in++
					}
					if on && percent < 100 && !steer.Side(who, trial, percent+1) {
						t.Fatalf("%s leaves %s as it grows from %d %%", who, trial, percent)
					}
				}
				want := accounts * float64(percent) / 100
				rest := accounts - want
				if percent == 0 || percent == 100 {
					if float64(in) != want {
						t.Errorf("%s: %d of %d are in %d %%", form, in, accounts, percent)
					}
					continue
				}
				// Chi squared with one degree of freedom: 15.1 is passed by chance once in 10,000.
				d := float64(in) - want
				if chi := d*d/want + d*d/rest; chi > 15.1 {
					t.Errorf("%s, %s: %d of %d are in %d %%: chi squared is %.1f", form, trial, in, accounts, percent, chi)
				}
			}
		}
	}
}

// TestSideOfEach holds that accounts fall evenly over 100 shares of one percent, and that being in one trial says nothing
// of being in the next.
func TestSideOfEach(t *testing.T) {
	const accounts = 100_000
	var cells [100]float64
	both, first, second := 0.0, 0.0, 0.0
	for i := range accounts {
		who := fmt.Sprintf("key_%d", i)
		for p := 1; p <= 100; p++ {
			if steer.Side(who, "trial_1", p) {
				cells[p-1]++
				break
			}
		}
		a, b := steer.Side(who, "trial_1", 30), steer.Side(who, "trial_2", 30)
		if a {
			first++
		}
		if b {
			second++
		}
		if a && b {
			both++
		}
	}
	chi := 0.0
	for _, n := range cells {
		d := n - accounts/100
		chi += d * d / (accounts / 100)
	}
	if chi > 160 { // 99 degrees of freedom: by chance once in 10,000
		t.Errorf("chi squared over the shares is %.1f", chi)
	}
	if want := first * second / accounts; both < want*0.95 || both > want*1.05 {
		t.Errorf("%v are in both trials, by chance it were %v", both, want)
	}
	in := false
	if n := testing.AllocsPerRun(100, func() { in = in != steer.Side("key_abcdefghijkmnpqr", "trial_abcdefghijkmnpqr", 5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
