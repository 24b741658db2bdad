package upstream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
	"fairlead/upstream/health"
)

const auto = time.Duration(fairlead.Auto)

// learnt are the bounds of bytes and of deltas in these tests, by phase.
var learnt = map[health.Phase][2]time.Duration{
	health.Text:          {20 * time.Second, 60 * time.Second},
	health.Reasoning:     {90 * time.Second, 10 * time.Second},
	health.ToolArguments: {16 * time.Second, 180 * time.Second},
}

// tell plays a script to a clock and gives its last verdict: "5s" is a wait in which nothing came, "5s+" one
// that ended with bytes, "~5s" time away from the provider. "t", "r" and "c" are deltas of text, of reasoning
// and of a call, in capitals the starts of their blocks; "p" is a keep-alive, "e" a frame that says nothing.
func tell(t *testing.T, c *clock, script string) (v stall) {
	t.Helper()
	now := c.at
	frames := map[string]dialect.Phase{"t": dialect.PhaseText, "r": dialect.PhaseReasoning, "c": dialect.PhaseTools}
	for _, word := range strings.Fields(script) {
		span, bytes := strings.CutSuffix(word, "+")
		span, away := strings.CutPrefix(span, "~")
		d, err := time.ParseDuration(span)
		switch p := frames[strings.ToLower(word)]; {
		case err == nil && away:
			now = now.Add(d)
			c.wait(now)
		case err == nil:
			now = now.Add(d)
			came := 0
			if bytes {
				came = 1
			}
			c.woke(now, came)
		case word == "p":
			c.alive()
		case word == "e":
			c.other()
		case word == strings.ToLower(word):
			c.meaningful()
			c.enter(p)
		default:
			c.enter(p)
		}
		if v = c.verdict(); v != lively {
			c.know(learnt[c.phase][0], learnt[c.phase][1])
			v = c.verdict()
		}
	}
	return v
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		name, script string
		idle         time.Duration
		want         stall
	}{
		{"silent text", "t 20s", auto, silenced},
		{"not yet", "t 19999ms", auto, lively},
		{"in parts", "t 10s 5s 5s", auto, silenced},
		{"a byte starts it again", "t 19s+ 19s", auto, lively},
		{"but not that of deltas", "t 19s+ p 19s+ p 19s+ p 3s", auto, emptied},
		{"nor an empty frame", "t 19s+ e 19s+ e 19s+ e 3s", auto, emptied},
		{"nor a part of a frame", "t 19s+ 19s+ 19s+ 3s", auto, emptied},
		{"a delta does", "t 19s+ p 19s+ p 19s+ t 3s", auto, lively},
		{"silence after bytes", "t 19s+ p 20s", auto, silenced},
		{"reasoning has its own, and no delta is missed before bytes are", "r 89s", auto, lively},
		{"silent reasoning", "r 90s", auto, silenced},
		{"a thought that begins without a word", "t 10s+ R 30s", auto, lively},
		{"text behind reasoning", "r 89s+ t 20s", auto, silenced},
		{"a call", "t 1s+ c 15s", auto, lively},
		{"a silent call", "t 1s+ c 16s", auto, silenced},
		{"a call that is kept alive", "c 15s+ p 15s+ p 15s+ p 15s+ p", auto, lively},
		{"time away is no silence", "t 19s ~1h 0s", auto, lively},
		{"nor does it hide any", "t 19s ~1h 1s", auto, silenced},
		{"time away between keep-alives", "t 19s+ p ~10m 19s+ p ~10m 19s+ p", auto, lively},
		{"a stated bound", "t 3s", 3 * time.Second, silenced},
		{"of bytes", "t 2s+ p 2s+ p 2s+ p 2s+ p 2s+ p", 3 * time.Second, lively},
		{"of reasoning as well", "r 3s", 3 * time.Second, silenced},
		{"is no bound of deltas", "t 16s+ p 16s+ p 16s+ p 13s+ p", 17 * time.Second, emptied},
		{"but they wait as long", "t 70s+ p 29s", 100 * time.Second, lively},
		{"and no longer", "t 70s+ p 30s", 100 * time.Second, emptied},
		{"a short one of both", "r 2s+ p 2s+ p 2s+ p 2s+ p 2s+ p 2s+ p 2s+ p 999ms", 3 * time.Second, lively},
		{"is no less than the least of bytes", "r 2s+ p 2s+ p 2s+ p 2s+ p 2s+ p 2s+ p 2s+ p 1s", 3 * time.Second, emptied},
		{"no bound", "t 24h", 0, lively},
		{"no bound of deltas", "t 24h+ p 24h+ p", 0, lively},
	} {
		k := clock{idle: c.idle}
		k.start(time.Unix(0, 0))
		if got := tell(t, &k, c.script); got != c.want {
			t.Errorf("%s: %q gives %d, want %d", c.name, c.script, got, c.want)
		}
	}
}

// TestClockLearns tables what is learned, where every gap is looked at.
func TestClockLearns(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"a gap", "t 3s+ t", "gap 3s"},
		{"over comments", "t 3s+ p 3s+ p 3s+ t", "beat 3s; gap 9s"},
		{"two in one piece are one", "t 3s+ t t t", "gap 3s"},
		{"one that was partly away", "t 3s ~3s 0s+ t", "gap 3s"},
		{"one that was mostly away", "t 3s ~4s 0s+ t", ""},
		{"that is over with the next", "t 3s ~4s 0s+ t 2s+ t", "gap 2s"},
		{"keep-alives", "t 5s+ p 5s+ p 7s+ p", "beat 5s; beat 7s"},
		{"padding", "t 5s+ p 900ms+ p", ""},
		{"text between them", "t 5s+ p 5s+ t 5s+ p", "gap 10s"},
		{"something else between them", "t 5s+ p 5s+ e 5s+ p", ""},
		{"time away between them", "t 5s+ p ~6s 5s+ p", ""},
	} {
		k := clock{idle: auto}
		k.start(time.Unix(0, 0))
		var told []string
		for _, word := range strings.Fields(c.script) {
			k.turn = 0
			switch word {
			case "t":
				if gap, ok := k.meaningful(); ok {
					told = append(told, fmt.Sprint("gap ", gap))
				}
			case "p":
				if interval, ok := k.alive(); ok {
					told = append(told, fmt.Sprint("beat ", interval))
				}
			default:
				tell(t, &k, word)
			}
		}
		if got := strings.Join(told, "; "); got != c.want {
			t.Errorf("%s: %q teaches %q, want %q", c.name, c.script, got, c.want)
		}
	}
}

// TestClockSamples holds that one gap in eight is learned, whichever they are, and of those that are cut no
// other share.
func TestClockSamples(t *testing.T) {
	learned, cut := 0, 0
	const streams, gaps = 64, 80
	for i := range int64(streams) {
		k := clock{idle: auto}
		k.start(time.Unix(0, i<<4))
		for range gaps {
			k.woke(k.at.Add(time.Millisecond), 1)
			if _, ok := k.meaningful(); ok {
				learned++
			}
		}
		k.woke(k.at.Add(time.Minute), 0)
		if gap, ok := k.cut(); ok && gap == time.Minute {
			cut++
		}
	}
	if learned != streams*gaps/learnOneIn || cut != streams/learnOneIn {
		t.Errorf("%d of %d gaps are learned, and %d of %d cut ones", learned, streams*gaps, cut, streams)
	}
}

// FuzzClock holds against a reckoning of its own that the clock calls no stream dead before its bounds and
// every one after them, and that what it says is due is when it says so.
func FuzzClock(f *testing.F) {
	f.Add(int8(-1), []byte{0, 3, 20, 19, 4, 5, 60, 0, 40})
	f.Add(int8(3), []byte{1, 3, 2, 4, 6, 200, 3, 3})
	f.Add(int8(0), []byte{2, 3, 255, 3, 255})
	f.Fuzz(func(t *testing.T, idle int8, ops []byte) {
		k := clock{idle: max(time.Duration(idle), -1) * time.Second}
		if idle < 0 {
			k.idle = auto
		}
		k.start(time.Unix(0, 0))
		now, phase := k.at, health.Text
		var silent, quiet time.Duration
		for i := 0; i+1 < len(ops); i += 2 {
			d := time.Duration(ops[i+1]) * 500 * time.Millisecond
			switch op := ops[i] % 8; op {
			case 0, 1, 2: // a delta, which comes with bytes
				k.woke(now, 1)
				k.meaningful()
				k.enter([]dialect.Phase{dialect.PhaseText, dialect.PhaseReasoning, dialect.PhaseTools}[op])
				phase, silent, quiet = []health.Phase{health.Text, health.Reasoning, health.ToolArguments}[op], 0, 0
			case 3, 4: // a wait, ended by bytes or not
				now = now.Add(d)
				k.woke(now, int(op)-3)
				if silent, quiet = silent+d, quiet+d; op == 4 {
					silent = 0
				}
			case 5:
				now = now.Add(d)
				k.wait(now)
			case 6:
				k.alive()
			case 7:
				k.other()
			}
			got := k.verdict()
			if got != lively {
				k.know(learnt[phase][0], learnt[phase][1])
				got = k.verdict()
			}
			bytes, deltas := learnt[phase][0], max(learnt[phase][0], learnt[phase][1])
			if idle > 0 {
				bytes, deltas = k.idle, max(k.idle, learnt[phase][1], health.LeastSilence)
			}
			dead := idle != 0 && (silent >= bytes || quiet >= deltas)
			if dead != (got != lively) || (got == emptied) != (dead && silent < bytes && silent < quiet) {
				t.Fatalf("op %d: verdict %d after %v without bytes and %v without deltas in phase %d", i/2, got, silent, quiet, phase)
			}
			if due := k.due(); got == lively && !due.IsZero() && !due.After(now) || got != lively && due.After(now) {
				t.Fatalf("op %d: verdict %d is due at %v, now %v", i/2, got, due, now)
			}
			if dead {
				return
			}
		}
	})
}

// BenchmarkNoted is what the clocks cost a chunk of text, beside reading it: two times that are known
// anyway, a frame that is looked at, and one gap in eight that is learned.
func BenchmarkNoted(b *testing.B) {
	now := time.Now()
	s := &Stream{deadlines: health.NewDeadlines(now), clock: clock{idle: auto}}
	s.clock.start(now)
	f := sse.Frame{Data: []byte("{}")}
	seen := dialect.Sight{Meaningful: true, Phase: dialect.PhaseText, Bytes: 5}
	b.ReportAllocs()
	for b.Loop() {
		s.clock.wait(now)
		now = now.Add(20 * time.Millisecond)
		if s.verdict() != nil || s.clock.due().Before(now) {
			b.Fatal("given up")
		}
		s.clock.woke(now, 1)
		s.noted(&f, &seen)
	}
}
