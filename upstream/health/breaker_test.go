package health_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead/upstream/health"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(s float64) time.Time { return epoch.Add(time.Duration(s * float64(time.Second))) }

// show writes a view as the tables have it.
func show(v health.View) string {
	s := fmt.Sprintf("%s/%d", v.State, v.Share)
	if v.Reason != "" {
		s += "/" + string(v.Reason)
	}
	if v.Busy {
		s += "/busy"
	}
	return s
}

// play runs a breaker through a line of a table: "T verb" separated by semicolons. Verbs: s, h, l, o
// (success, hard, light, soft failure of an attempt begun just then), ">STATE" (want), "try" and "no"
// (Acquire gives a ticket or refuses), "last" (as a last resort), "S", "H", "O", "N" (release that
// ticket), "soft" (OpenSoft), "up", "down" (a page's word), "gen", "dead" (a probe by generation), "old" (a hard failure of an attempt
// begun 30 s before), "sure", "unsure" (want: that it is down is more than a suspicion, or not), "whole", "broken" (the last ticket's answer ended so). "N*verb" repeats.
func play(t *testing.T, b *health.Breaker, line string) {
	t.Helper()
	var ticket health.Ticket
	for part := range strings.SplitSeq(line, ";") {
		var sec float64
		var verb string
		if _, err := fmt.Sscanf(strings.TrimSpace(part), "%f %s", &sec, &verb); err != nil {
			t.Fatalf("%q: %v", part, err)
		}
		times := 1
		if n, rest, ok := strings.Cut(verb, "*"); ok {
			verb = rest
			fmt.Sscan(n, &times)
		}
		now := at(sec)
		for range times {
			switch kinds := map[string]health.Kind{"s": 1, "h": 2, "l": 3, "o": 4, "S": 1, "H": 2, "L": 3, "O": 4, "N": 0}; {
			case verb == "try" || verb == "no" || verb == "last":
				var ok bool
				if ticket, ok = b.Acquire(now, verb == "last"); ok != (verb != "no") {
					t.Fatalf("%s: at %s: Acquire = %v (%s)", line, part, ok, show(b.View(now)))
				}
			case strings.HasPrefix(verb, ">"):
				if got := show(b.View(now)); got != verb[1:] {
					t.Fatalf("%s: at %s: %s", line, part, got)
				}
			case verb == "sure" || verb == "unsure":
				if v := b.View(now); v.Sure != (verb == "sure") || v.Proven() != v.Sure {
					t.Fatalf("%s: at %s: %+v", line, part, v)
				}
			case strings.HasPrefix(verb, "stay"):
				if got := b.View(now).Stay.String(); got != verb[4:] {
					t.Fatalf("%s: at %s: %s", line, part, got)
				}
			case verb == "soft":
				b.OpenSoft(0, now)
			case strings.Contains(" up down gen dead ", " "+verb+" "):
				p := health.Probed{Generated: verb == "gen" || verb == "dead", Began: now, Next: 3 * time.Second}
				if p.Evidence.Kind = health.Success; verb == "down" || verb == "dead" {
					p.Evidence.Kind = health.Hard
				}
				b.Probe(p, now)
			case verb == "broken":
				b.Ended(ticket, health.Hard, now)
			case verb == "whole":
				b.Ended(ticket, health.Success, now)
			case verb == "old":
				b.Observe(health.Hard, 30*time.Second, now)
			case strings.ToUpper(verb) == verb:
				b.Release(ticket, kinds[verb], now)
			default:
				b.Observe(kinds[verb], 0, now)
			}
		}
	}
}

func TestBreaker(t *testing.T) {
	const (
		suspect, failing, outlier = ">closed/50/suspect", ">open/0/failing", ">open/0/outlier"
		half, busy                = ">half_open/0/trial", ">half_open/0/trial/busy"
		p5, p25, p100             = ">closed/5/recovering", ">closed/25/recovering", ">closed/100/recovering"
	)
	for _, c := range []struct{ name, line string }{
		{"new", "0 >closed/100; 0 s; 1 >closed/100"},
		{"one failure halves for a second", "0 h; 0.9 " + suspect + "; 1 >closed/100"},
		{"a light or soft one too", "0 l; 0.9 " + suspect + "; 5 o; 5.5 " + suspect + "; 6 >closed/100"},
		{"two hard running open", "0 h; 4 h; 4 " + failing + "; 4.9 " + failing + "; 5.3 " + half},
		{"a success between them does not", "0 h; 1 s; 2 h; 2 " + suspect},
		{"more than a minute apart is not running", "0 h; 61 h; 61 " + suspect},
		{"light is half", "0 3*l; 0 " + suspect + "; 0 l; 0 " + failing},
		{"half of five in 2 s", "0 h; 0.1 s; 0.2 s; 0.3 h; 0.4 s; 0.5 h; 0.5 " + failing},
		{"less than half of five", "0 h; 0.1 s; 0.2 s; 0.3 s; 0.4 h; 0.4 " + suspect},
		{"half of five in more than 2 s", "0 h; 0.1 s; 0.2 h; 0.3 s; 3 h; 3 " + suspect},
		{"soft does not open by itself", "0 20*o; 0 " + suspect},
		{"nothing says nothing", "0 try; 0 N; 0 >closed/100"},
		{"soft opens on demand", "0 3*o; 0 soft; 0 " + outlier + "; 1.3 " + half},
		{"the last resort passes a soft one", "0 soft; 0 no; 0 last; 0.1 S; 0.1 " + p5},
		{"but no hard one", "0 2*h; 0 no; 0.5 no"},
		{"hard failures of the last resort open hard", "0 soft; 0 last; 0 H; 0 last; 0 H; 0.1 " + failing},
		{"one trial at a time", "0 2*h; 1.3 try; 1.3 " + busy + "; 1.3 no; 5 no"},
		{"a trial succeeds", "0 2*h; 2 try; 2.5 S; 2.5 " + p5 + "; 5.4 " + p5 + "; 5.5 " + p25 + "; 8.5 " + p100 + "; 11.4 " + p100 + "; 11.5 >closed/100"},
		{"successes shorten windows", "0 2*h; 2 try; 2 S; 2 20*s; 2 " + p25 + "; 2 20*s; 2 " + p100 + "; 2 20*s; 2 >closed/100"},
		{"a failed trial doubles", "0 2*h; 2 try; 2 H; 3.5 " + failing + "; 4.5 " + half},
		{"a silent trial counts from its start", "0 2*h; 2 try; 5 O; 5.9 " + failing + "; 6.1 " + half},
		{"a trial without proof frees the slot", "0 2*h; 2 try; 2.1 N; 2.9 no; 3 try"},
		{"and its turn is awaited", "0 2*h; 2 try; 2.1 N; 2.2 " + busy + "; 2.2 stay100ms; 3 " + half + "; 3 try; 3 N; 4 stay200ms; 4 try; 4 stay200ms; 4 S; 4 stay0s; 4 " + p5},
		{"what fails after it is down", "0 2*h; 2 try; 2.1 N; 3 try; 3 H; 3 stay0s; 3 " + failing},
		{"a page that fails says so too", "0 2*h; 2 try; 2.1 N; 2.2 down; 2.3 " + failing},
		{"a lost trial frees it after 10 s", "0 2*h; 2 try; 11.9 no; 12 try; 12 " + busy},
		{"failure in the ramp opens for longer", "0 2*h; 2 try; 2 S; 4 h; 5.5 " + failing + "; 6.5 " + half},
		{"light too", "0 2*h; 2 try; 2 S; 4 l; 4 " + failing},
		{"soft only on demand", "0 2*h; 2 try; 2 S; 4 o; 4 " + p5 + "; 4 soft; 4 " + outlier},
		{"failures of the outage do not count in the ramp", "0 2*h; 2 try; 2 S; 3 9*old; 3 " + p5},
		{"nor after it", "0 2*h; 2 try; 2 S; 20 9*old; 20 >closed/100"},
		{"a minute in use forgives", "0 2*h; 2 try; 2 H; 5 try; 5 S; 66 2*h; 67.3 " + half},
		{"less does not", "0 2*h; 2 try; 2 H; 5 try; 5 S; 60 2*h; 63.1 " + failing},
		{"two broken answers running open", "0 try; 0 S; 4 broken; 5 try; 5 S; 9 broken; 9 " + failing},
		{"a whole one between them does not", "0 try; 0 S; 4 broken; 5 try; 5 S; 6 whole; 7 try; 7 S; 9 broken; 9 " + suspect},
		{"a broken one and a failure running open", "0 try; 0 S; 4 broken; 5 h; 5 " + failing},
		{"a broken one is one attempt", "0 try; 0 4*s; 0 S; 0 broken; 0 " + suspect},
		{"a trial's answer that breaks", "0 2*h; 2 try; 2 S; 4 broken; 4 " + failing},
		{"a probe that saw nothing proves nothing", "0 2*h; 2 try; 2 H; 3.2 2*up; 3.2 " + failing},
		{"a page that saw it brings it back", "0 2*h; 2 try; 2 H; 2.2 down; 3.1 up; 3.1 " + failing + "; 3.1 up; 3.1 " + p5 + "; 9.2 " + p100},
		{"not within a second", "0 2*h; 0 down; 0.1 9*up; 0.9 " + failing + "; 1 up; 1 " + p5},
		{"two clean answers running", "0 2*h; 0 down; 1 up; 1.1 down; 1.2 up; 1.2 " + failing + "; 1.3 up; 1.3 " + p5},
		{"a page that fails keeps it shut", "0 2*h; 1 down; 3.9 no; 4 try"},
		{"what is half open, too", "0 2*h; 2 " + half + "; 2 down; 4.9 no; 5 " + half},
		{"but not for ever", "0 2*h; 10 down; 20 down; 26 down; 27 down; 28 down; 29 down; 29.9 no; 30 " + half + "; 30 down; 30 try"},
		{"the next outage is another", "0 2*h; 0.5 down; 4 try; 4 H; 7 2*up; 7 " + half},
		{"a generated answer needs no outage seen", "0 2*h; 2 try; 2 H; 3.1 gen; 3.1 " + failing + "; 3.1 gen; 3.1 " + p5},
		{"nor does what it opened on matter", "0 soft; 1.1 dead; 2 no; 2 2*gen; 2 " + p5},
		{"a probe leaves a trial alone", "0 2*h; 2 try; 2 dead; 2 9*gen; 2 " + busy + "; 2 S; 2 " + p5},
		{"but not a lost one", "0 2*h; 2 try; 12 2*gen; 12 " + p5},
		{"no probe opens", "0 h; 0 9*dead; 0 9*down; 1 >closed/100"},
		{"a failure in the ramp of a probe opens for longer", "0 2*h; 2 2*gen; 2 " + p5 + "; 2.5 h; 4 " + failing + "; 5 " + half},
		{"two failed trials make it sure", "0 unsure; 0 2*h; 0 unsure; 1.3 try; 1.3 H; 1.4 unsure; 4 try; 4 H; 4 sure; 9 sure; 9 try; 9 sure; 9 N; 9.5 sure; 11 try; 11 H; 11 sure"},
		{"whatever was sent beside does not", "0 2*h; 0.5 9*h; 0.5 unsure; 1.3 try; 1.4 N; 3 try; 3 H; 3 unsure"},
		{"failed probes do, too", "0 2*h; 0.5 down; 0.5 unsure; 0.6 down; 0.6 sure"},
		{"back in use nothing is", "0 2*h; 1.3 try; 1.3 H; 4 try; 4 H; 9 try; 9 S; 9 unsure; 9.5 h; 9.5 unsure; 20 try; 20 H; 20 unsure"},
		{"time that runs backwards", "5 h; 4 h; 4 " + failing + "; 5.9 " + failing + "; 7 " + half},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(20) {
				play(t, health.NewBreaker(epoch, seed), c.line)
			}
		})
	}
}

// TestBreaker_Outage holds the two promises over any traffic: a dead endpoint sees at most one attempt
// a second, and a recovered one has its whole weight back within 30 s, though exchanges come 4 s apart.
func TestBreaker_Outage(t *testing.T) {
	for _, gap := range []float64{0.01, 0.3, 1, 4} {
		for seed := range uint64(40) {
			b := health.NewBreaker(epoch, seed)
			down := 60 + float64(seed)*0.37
			var tries []float64
			back := -1.0
			for now := 0.0; now < down+40; now += gap {
				ticket, ok := b.Acquire(at(now), false)
				switch {
				case ok && now < down:
					tries = append(tries, now)
					b.Release(ticket, health.Hard, at(now))
				case ok:
					b.Release(ticket, health.Success, at(now))
				}
				if v := b.View(at(now)); now >= down && back < 0 && v.State == health.Closed && v.Share == 100 {
					back = now - down
				}
			}
			for i := 2; i < len(tries); i++ {
				if tries[i]-tries[i-1] < 0.999 {
					t.Fatalf("gap %v seed %d: tries at %v", gap, seed, tries)
				}
			}
			if len(tries) > 14 || back < 0 || back > 30 {
				t.Fatalf("gap %v seed %d: %d tries, back after %v s", gap, seed, len(tries), back)
			}
		}
	}
}

// TestBreaker_SilentOutage is the worst case: every trial is cut only after 9 s of silence.
func TestBreaker_SilentOutage(t *testing.T) {
	for seed := range uint64(200) {
		b := health.NewBreaker(epoch, seed)
		b.OpenSoft(0, at(0))
		recovered := 40 + float64(seed)*0.1
		type try struct {
			health.Ticket
			end  float64
			kind health.Kind
		}
		var under []try
		back := -1.0
		for now := 0.0; now < 90 && back < 0; now += 0.5 {
			for len(under) > 0 && under[0].end <= now {
				b.Release(under[0].Ticket, under[0].kind, at(now))
				under = under[1:]
			}
			if int(now*2)%8 == 0 { // an exchange each 4 s
				if ticket, ok := b.Acquire(at(now), false); ok {
					if now < recovered {
						under = append(under, try{ticket, now + 9, health.Soft})
					} else {
						b.Release(ticket, health.Success, at(now))
					}
				}
				if v := b.View(at(now)); now >= recovered && v.State == health.Closed && v.Share == 100 {
					back = now - recovered
				}
			}
		}
		if back < 0 || back > 30 {
			t.Fatalf("seed %d: back after %v s", seed, back)
		}
	}
}

// TestBreaker_Jitter holds the bounds of open times and that they are spread.
func TestBreaker_Jitter(t *testing.T) {
	for step, want := range []float64{1, 2, 4, 8, 12, 12} {
		low, high := 99.0, 0.0
		for seed := range uint64(300) {
			b := health.NewBreaker(epoch, seed)
			now := at(1)
			b.Observe(health.Hard, 0, now)
			b.Observe(health.Hard, 0, now)
			for range step {
				now = b.View(now).Until
				ticket, ok := b.Acquire(now, false)
				if !ok {
					t.Fatal("no trial when the time is over")
				}
				b.Release(ticket, health.Hard, now)
			}
			d := b.View(now).Until.Sub(now).Seconds()
			low, high = min(low, d), max(high, d)
		}
		if low < max(0.8*want, 1)-1e-6 || high > min(1.2*want, 12)+1e-6 || high-low < 0.15*want {
			t.Errorf("step %d: open for %.3f .. %.3f s, want about %v", step, low, high, want)
		}
	}
}
