package health

import (
	"math/rand/v2"
	"testing"
	"time"
)

// naive is the breaker written from DESIGN.md with lists instead of windows, and without the outlier
// rule. How long it opens is told to it, within bounds that it knows.
type naive struct {
	state    string // closed, open, trial, ramp
	soft     bool
	until    int64 // of open; of the trial's hold
	start    int64 // of the ramp
	stage    int64
	clean    int
	level    int
	backAt   int64
	openedAt int64
	fresh    int64
	suspect  int64
	began    int64 // of the trial
	mute     bool  // the last trial proved nothing
	hardRun  int
	anyRun   int
	broken   [2]int // hard, any
	lastFail int64
	events   []naiveEvent
}

type naiveEvent struct {
	cell          int64
	n, hard, soft int
}

func (m *naive) tick(now int64) {
	if m.state != "ramp" {
		return
	}
	if s := (now - m.start) / cleanWindow; s >= 3 {
		m.state, m.suspect = "closed", 0
	} else if s > m.stage {
		m.stage, m.clean = s, 0
	}
}

// open gives the bounds of when the opening may end.
func (m *naive) open(soft bool, k Kind, began, now int64) (low, high int64) {
	if m.state == "closed" && now-m.backAt >= forgive {
		m.level = 0
	}
	step := []int64{1, 2, 4, 8, 12}[min(m.level, 4)] * int64(time.Second)
	m.level++
	low, high = max(step*8/10, int64(time.Second)), min(step*12/10, 12*int64(time.Second))
	from := now
	if k == Soft {
		from = began
	}
	least := now + int64(time.Second)
	if k != Soft {
		least = 0
	}
	m.state, m.soft, m.openedAt, m.hardRun, m.anyRun, m.broken, m.mute = "open", soft, now, 0, 0, [2]int{}, false
	return max(from+low, least) - 2, max(from+high, least) + 2
}

func (m *naive) recover(began, now int64) {
	*m = naive{state: "ramp", start: now, backAt: now, fresh: began, level: m.level, openedAt: m.openedAt, lastFail: m.lastFail}
}

// weigh says whether it opened, with the bounds, and whether soft evidence is enough.
func (m *naive) weigh(k Kind, began, now int64) (low, high int64, wants bool) {
	m.tick(now)
	if began < m.fresh || k == Nothing {
		return 0, 0, false
	}
	if k == Success {
		switch m.state {
		case "closed", "ramp":
			m.hardRun, m.anyRun = 0, 0
			m.events = append(m.events, naiveEvent{cell: now / int64(250*time.Millisecond), n: 1})
			if m.state == "ramp" {
				if m.clean++; m.clean == cleanRun {
					m.clean = 0
					if m.stage++; m.stage == 3 {
						m.state, m.suspect = "closed", 0
					}
					m.start = min(m.start, now-m.stage*cleanWindow)
				}
			}
		default:
			if began >= m.openedAt {
				m.recover(began, now)
			}
		}
		return 0, 0, false
	}
	return m.fail(k, began, now, false)
}

func (m *naive) ended(k Kind, began, now int64) (low, high int64, wants bool) {
	m.tick(now)
	switch {
	case began < m.fresh || k == Nothing:
		return 0, 0, false
	case k == Success:
		m.broken = [2]int{}
		return 0, 0, false
	}
	return m.fail(k, began, now, true)
}

func (m *naive) fail(k Kind, began, now int64, after bool) (low, high int64, wants bool) {
	if (m.state == "open" || m.state == "trial") && (!m.soft || began < m.openedAt) {
		return 0, 0, false
	}
	if now-m.lastFail > runGap {
		m.hardRun, m.anyRun, m.broken = 0, 0, [2]int{}
	}
	m.lastFail = now
	hard := map[Kind]int{Hard: 2, Light: 1}[k]
	soft := map[Kind]int{Soft: 2}[k]
	attempts := 1
	if after {
		attempts = 0
		m.broken[0] += hard
		m.broken[1]++
	} else {
		m.hardRun += hard
		m.anyRun++
	}
	cell := now / int64(250*time.Millisecond)
	m.events = append(m.events, naiveEvent{cell, attempts, hard, soft})
	var n, sumHard, sumSoft int
	for _, e := range m.events {
		if e.cell > cell-8 {
			n, sumHard, sumSoft = n+e.n, sumHard+e.hard, sumSoft+e.soft
		}
	}
	if m.hardRun+m.broken[0] >= 4 || (n >= 5 && sumHard >= n) || (m.state == "ramp" && k != Soft) {
		low, high = m.open(false, k, began, now)
		return low, high, false
	}
	switch m.state {
	case "ramp":
		return 0, 0, true
	case "closed":
		m.suspect = now + int64(time.Second)
		return 0, 0, m.anyRun+m.broken[1] >= 3 || (n >= 5 && sumHard+sumSoft >= n)
	}
	return 0, 0, false
}

func (m *naive) share(now int64) (State, int) {
	switch m.state {
	case "closed":
		if now < m.suspect {
			return Closed, 50
		}
		return Closed, 100
	case "ramp":
		return Closed, []int{5, 25, 100, 100}[min((now-m.start)/cleanWindow, 3)]
	case "open":
		if now < m.until && !m.mute {
			return Open, 0
		}
	}
	return HalfOpen, 0
}

// drive plays a random sequence on both and compares them after every step. Bytes decide: two for each.
func drive(t *testing.T, seed uint64, script []byte) {
	b, m := NewBreaker(time.Unix(0, 0), seed), &naive{state: "closed"}
	now := headroom
	var trial Ticket // the live one
	for len(script) >= 2 {
		op, arg := script[0], int64(script[1])
		script = script[2:]
		now += arg * arg * int64(time.Millisecond) / 4 // 0 .. 16 s
		began := now
		if op&0x80 != 0 {
			began -= arg * int64(50*time.Millisecond)
		}
		var low, high int64
		var wants bool
		var v Verdict
		switch op & 7 {
		case 0, 1, 2, 3, 4:
			k := []Kind{Nothing, Success, Hard, Light, Soft}[op&7]
			if op&0x40 != 0 && trial.Trial() { // the trial's own end
				v = b.release(trial, k, now)
				low, high, wants = m.endTrial(k, trial, now)
				trial = Ticket{}
				break
			}
			low, high, wants = m.weigh(k, began, now)
			v = b.weigh(k, began, now)
		case 5:
			m.tick(now)
			if wants = b.openSoft(began, now); wants != ((m.state == "closed" || m.state == "ramp") && began >= m.fresh) {
				t.Fatalf("OpenSoft = %v in %s", wants, m.state)
			}
			if wants {
				v.Opened, v.WantsSoft = true, true
				low, high = m.open(true, Soft, began, now)
			}
		case 7:
			k := []Kind{Success, Hard, Light, Soft}[op>>3&3]
			low, high, wants = m.ended(k, began, now)
			v = b.ended(Ticket{began: began}, k, now)
		default:
			got, ok := b.acquire(now, false)
			state, _ := m.share(now)
			free := state == Closed || (state == HalfOpen && now >= m.until)
			if ok != free || got.Trial() != (ok && state == HalfOpen) {
				t.Fatalf("Acquire = %+v %v in %s", got, ok, m.state)
			}
			if got.Trial() {
				m.state, m.until, m.began, trial = "trial", now+trialTime, now, got
			}
		}
		if v.Opened != (high != 0) || v.WantsSoft != wants {
			t.Fatalf("verdict %+v, want opened %v, wants %v (%s after %d: fast %+v; %+v)", v, high != 0, wants, m.state, op, b.fast.sum, *m)
		}
		compare(t, b, m, now, low, high)
	}
}

func (m *naive) endTrial(k Kind, t Ticket, now int64) (low, high int64, wants bool) {
	if m.state != "trial" || m.began != t.began {
		return m.weigh(k, t.began, now)
	}
	switch k {
	case Success:
		m.recover(t.began, now)
	case Nothing:
		m.state, m.mute, m.until = "open", true, t.began+leastOpen
	default:
		low, high = m.open(m.soft && k != Hard, k, t.began, now)
	}
	return low, high, false
}

func compare(t *testing.T, b *Breaker, m *naive, now, low, high int64) {
	t.Helper()
	if high != 0 {
		_, m.until = b.load()
		if m.until < low || m.until > high || m.until > now+mostOpen || m.until < now+leastOpen-2 {
			t.Fatalf("open until %d, want %d .. %d (now %d)", m.until, low, high, now)
		}
	}
	v := b.view(now)
	state, share := m.share(now)
	if v.State != state || v.Share != share || (state != Closed && v.Soft != m.soft) {
		t.Fatalf("%+v, want %s %d soft %v (%s)", v, state, share, m.soft, m.state)
	}
	if r := b.rate(now); !(r > 0 && r < 1) {
		t.Fatalf("rate %v", r)
	}
}

func TestBreaker_Model(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for seed := range uint64(3000) {
		script := make([]byte, 2*(10+rng.IntN(150)))
		quick := rng.IntN(3)
		for i := range script {
			script[i] = byte(rng.IntN(256))
			if i%2 == 1 && quick > 0 {
				script[i] >>= 2 * quick
			}
		}
		drive(t, seed, script)
	}
}

func FuzzBreaker(f *testing.F) {
	f.Add(uint64(1), []byte{2, 1, 2, 1, 6, 80, 0x41, 3, 1, 200})
	f.Add(uint64(2), []byte{5, 1, 6, 90, 0x44, 100, 6, 90, 0x40, 3, 6, 255})
	f.Fuzz(func(t *testing.T, seed uint64, script []byte) { drive(t, seed, script[:min(len(script), 2000)]) })
}
