package share_test

import (
	"testing"
	"time"

	"fairlead"
	"fairlead/ledger/share"
)

const term = fairlead.ShareTerm + fairlead.ShareTermLate

// lender makes a lender of 1000 a minute with a burst of 50, whose pool is full and which may lend at once.
func lender(floors map[string]fairlead.Share) *share.Lender {
	return share.New(share.Limit{Whole: fairlead.Share{Amount: 1000, Burst: 50}, Period: time.Minute}, floors, -time.Hour, -term)
}

func ask(edge string, seq, held, want int64, floor fairlead.Share) fairlead.ShareAsk {
	return fairlead.ShareAsk{Edge: edge, Incarnation: 1, Seq: seq, Held: held, Want: want, Least: 1, Floor: floor}
}

func TestAnswers(t *testing.T) {
	r := lender(nil)
	all := fairlead.Share{Amount: 100, Burst: 5}
	first, moved, ok := r.Answer(0, ask("a", 1, 0, 5000, fairlead.Share{}))
	if !ok || !moved || first.Floor != all || first.Lent != (fairlead.Share{Amount: 900, Burst: 45}) || first.Fill.Units != 50 {
		t.Fatalf("%+v %v %v", first, moved, ok)
	}
	if again, moved, ok := r.Answer(time.Second, ask("a", 1, 0, 5000, fairlead.Share{})); !ok || moved || again != first {
		t.Errorf("a repeated ask: %+v %v %v", again, moved, ok)
	}
	b, _, _ := r.Answer(time.Second, ask("b", 1, 0, 5000, fairlead.Share{}))
	if b.Floor != (fairlead.Share{}) || b.Lent != (fairlead.Share{}) || b.Fill != (fairlead.Fill{}) {
		t.Errorf("what another one has was lent: %+v", b)
	}
	second, moved, _ := r.Answer(time.Second, ask("a", 2, 1, 5000, all))
	if half := (fairlead.Share{Amount: 50, Burst: 3}); moved || second.Floor != half || second.Lent.Amount != 450 {
		t.Errorf("half of it: %+v %v", second, moved)
	}
	if b, _, _ := r.Answer(time.Second, ask("b", 2, 0, 5000, fairlead.Share{})); b.Floor != (fairlead.Share{}) || b.Lent != (fairlead.Share{}) {
		t.Errorf("lent before the other one has confirmed: %+v", b)
	}
	if _, _, ok := r.Answer(time.Second, ask("a", 1, 0, 5000, fairlead.Share{})); ok {
		t.Error("an overtaken ask was answered")
	}
	if _, moved, _ := r.Answer(2*time.Second, ask("a", 3, 2, 5000, second.Floor)); !moved {
		t.Error("a floor that was given up has not moved")
	}
	if b, _, _ := r.Answer(2*time.Second, ask("b", 3, 0, 5000, fairlead.Share{})); b.Floor.Amount != 50 || b.Lent.Amount != 450 {
		t.Errorf("after it: %+v", b)
	}
}

// TestTerms holds that what was lent to who falls silent is lent anew a tenth of a term later than its term, and not before, and that its
// floor is not until it is forgotten.
func TestTerms(t *testing.T) {
	r := lender(nil)
	r.Answer(0, ask("a", 1, 0, 5000, fairlead.Share{}))
	if b, _, _ := r.Answer(term-1, ask("b", 1, 0, 5000, fairlead.Share{})); b.Lent.Amount != 0 {
		t.Errorf("before the term's end: %+v", b)
	}
	if b, _, _ := r.Answer(term, ask("b", 2, 0, 5000, fairlead.Share{})); b.Lent.Amount != 900 || b.Floor.Amount != 0 {
		t.Errorf("after it: %+v", b)
	}
	r.Forget("a", term)
	if b, moved, _ := r.Answer(term, ask("b", 3, 2, 5000, fairlead.Share{})); b.Floor.Amount != 100 || !moved {
		t.Errorf("after it was forgotten: %+v %v", b, moved)
	}
	if got := r.Floors(); len(got) != 1 || got["b"].Amount != 100 {
		t.Errorf("floors %v", got)
	}
}

// TestTakeover holds that a lender without memory waits a term, keeps floors, and does not cut short what the one before it lent.
func TestTakeover(t *testing.T) {
	all := fairlead.Share{Amount: 100, Burst: 5}
	r := share.New(share.Limit{Whole: fairlead.Share{Amount: 1000, Burst: 50}, Period: time.Minute}, map[string]fairlead.Share{"gone": all}, 0, 0)
	if _, _, ok := r.Answer(time.Second, ask("a", 7, 6, 5000, fairlead.Share{})); ok {
		t.Error("who holds a share of the lender before was answered")
	}
	if a, _, ok := r.Answer(term-1, ask("a", 8, 0, 5000, fairlead.Share{})); !ok || a.Lent.Amount != 0 || a.Floor.Amount != 0 {
		t.Errorf("before the term's end: %+v %v", a, ok)
	}
	if a, _, _ := r.Answer(term, ask("a", 9, 0, 5000, fairlead.Share{})); a.Lent.Amount != 900 || a.Floor.Amount != 0 {
		t.Errorf("after it: %+v", a)
	}
}

// TestTakeoverOfConcurrency holds that exchanges which the lender before let in count: until all edges were heard, or as long as they may last.
func TestTakeoverOfConcurrency(t *testing.T) {
	limit := share.Limit{Whole: fairlead.Share{Amount: 9}, Linger: 9 * time.Minute}
	known := map[string]fairlead.Share{"a": {}, "b": {}}
	at := func(r *share.Lender, now time.Duration, edge string, seq, use int64) int64 {
		a := ask(edge, seq, 0, 9, fairlead.Share{})
		a.InUse = use
		reply, _, _ := r.Answer(now, a)
		return reply.Lent.Amount
	}
	r := share.New(limit, known, 0, 0)
	if n := at(r, term, "a", 1, 0); n != 0 {
		t.Errorf("%d were lent before b was heard", n)
	}
	at(r, term, "b", 1, 7)
	if n := at(r, term, "a", 2, 0); n != 2 {
		t.Errorf("%d were lent where 7 of 9 are under way", n)
	}
	r = share.New(limit, known, 0, 0)
	if n := at(r, term+10*time.Minute-1, "a", 1, 0); n != 0 {
		t.Errorf("%d were lent before the longest exchange ended", n)
	}
	if n := at(r, term+10*time.Minute, "a", 2, 0); n != 9 {
		t.Errorf("%d were lent after it", n)
	}
}

// TestBack holds that what an edge gives back goes to the next one, and not once the lender has lent its part anew.
func TestBack(t *testing.T) {
	full := fairlead.Share{Amount: 1, Burst: 1}
	r := share.New(share.Limit{Whole: full, Period: time.Minute}, nil, -time.Hour, -term)
	if a, _, _ := r.Answer(0, ask("a", 1, 0, 5, fairlead.Share{})); a.Lent != full || a.Fill.Units != 1 {
		t.Fatalf("%+v", a)
	}
	back := ask("a", 2, 0, 0, fairlead.Share{})
	back.Back = fairlead.Fill{Units: 1}
	r.Answer(time.Second, back)
	if b, _, _ := r.Answer(time.Second, ask("b", 1, 0, 5, fairlead.Share{})); b.Lent != full || b.Fill.Units != 1 {
		t.Errorf("what was given back: %+v", b)
	}
	r.Answer(7*time.Second, ask("c", 1, 0, 5, fairlead.Share{})) // b is silent, c has its part
	back = ask("b", 2, 0, 0, fairlead.Share{})
	back.Back = fairlead.Fill{Units: 1}
	r.Answer(7*time.Second, ask("c", 2, 0, 0, fairlead.Share{})) // who has used it up
	r.Answer(7*time.Second, back)
	if d, _, _ := r.Answer(7*time.Second, ask("d", 1, 0, 5, fairlead.Share{})); d.Lent != full || d.Fill.Units != 0 {
		t.Errorf("what was given back too late: %+v", d)
	}
}

// TestFillIsGrowth holds that what an edge gets at once is no more than its burst grows by: it may have spent all of the one before.
func TestFillIsGrowth(t *testing.T) {
	r := lender(nil)
	seq := map[string]int64{}
	floor := map[string]fairlead.Share{}
	say := func(edge string, want int64) fairlead.ShareReply {
		a := ask(edge, seq[edge]+1, seq[edge], want, floor[edge])
		if want == 0 {
			a.Held, a.Back = 0, fairlead.Fill{Units: 15}
		}
		reply, _, _ := r.Answer(0, a)
		seq[edge], floor[edge] = a.Seq, reply.Floor
		return reply
	}
	before := map[string]int64{}
	for range 4 { // until the shares are even
		for _, e := range []string{"a", "b", "c"} {
			reply := say(e, 5000)
			before[e] = reply.Lent.Burst + reply.Floor.Burst
		}
	}
	say("b", 0)
	for _, e := range []string{"a", "c"} {
		reply := say(e, 5000)
		if grown := reply.Lent.Burst + reply.Floor.Burst - before[e]; grown < 5 || reply.Fill.Units != grown {
			t.Errorf("%s grew by %d and got %d at once", e, grown, reply.Fill.Units)
		}
	}
}

// TestClocksOfLenders holds that a lender with a fast clock does not fill its pool too fast.
func TestClocksOfLenders(t *testing.T) {
	l := share.Limit{Whole: fairlead.Share{Amount: 1, Burst: 1}, Period: time.Minute, Clocks: 50_000}
	for now, want := range map[time.Duration]int64{63*time.Second - 1: 0, 63 * time.Second: 1} {
		r := share.New(l, nil, 0, 0)
		if a, _, _ := r.Answer(now, ask("a", 1, 0, 5, fairlead.Share{})); a.Fill.Units != want {
			t.Errorf("after %v: %+v", now, a)
		}
	}
}

// TestFloorsInUse holds that a floor that was given up while exchanges use it is another one's when they have ended.
func TestFloorsInUse(t *testing.T) {
	r := share.New(share.Limit{Whole: fairlead.Share{Amount: 40}}, nil, 0, -term)
	a := ask("a", 1, 0, 40, fairlead.Share{})
	one, _, _ := r.Answer(0, a)
	if one.Floor.Amount != 4 || one.Lent.Amount != 36 {
		t.Fatalf("%+v", one)
	}
	r.Answer(0, ask("b", 1, 0, 40, fairlead.Share{}))
	a = ask("a", 2, 1, 40, one.Floor)
	a.InUse = 40
	two, _, _ := r.Answer(0, a)
	a = ask("a", 3, 2, 40, two.Floor)
	a.InUse = 40
	r.Answer(0, a)
	if b, _, _ := r.Answer(0, ask("b", 2, 0, 40, fairlead.Share{})); two.Floor.Amount != 2 || b.Floor.Amount != 0 || b.Lent.Amount != 0 {
		t.Errorf("where all is in use: %+v, after %+v", b, two)
	}
	a.Seq, a.Held, a.InUse = 4, 3, 20
	r.Answer(0, a)
	if b, _, _ := r.Answer(0, ask("b", 3, 0, 40, fairlead.Share{})); b.Floor.Amount != 2 || b.Lent.Amount != 18 {
		t.Errorf("where half is: %+v", b)
	}
}

// TestSilentUse holds that the exchanges of an edge that has fallen silent count for as long as they may last.
func TestSilentUse(t *testing.T) {
	r := share.New(share.Limit{Whole: fairlead.Share{Amount: 9}, Linger: 9 * time.Minute}, nil, 0, -term)
	b := ask("b", 1, 0, 0, fairlead.Share{})
	b.InUse = 7
	r.Answer(0, b)
	for i, c := range []struct {
		now  time.Duration
		want int64
	}{{time.Minute, 2}, {term + 10*time.Minute - 1, 2}, {term + 10*time.Minute, 9}} {
		if a, _, _ := r.Answer(c.now, ask("a", int64(i+1), int64(i), 9, fairlead.Share{})); a.Lent.Amount != c.want {
			t.Errorf("at %v: %+v", c.now, a)
		}
	}
}

// TestSilentParts holds that what a silent edge still counts for is left out of what the others divide.
func TestSilentParts(t *testing.T) {
	r := share.New(share.Limit{Whole: fairlead.Share{Amount: 9}, Linger: 9 * time.Minute}, nil, 0, -term)
	b := ask("b", 1, 0, 0, fairlead.Share{})
	b.InUse = 5
	r.Answer(0, b)
	r.Answer(time.Minute, ask("a", 1, 0, 9, fairlead.Share{}))
	r.Answer(time.Minute, ask("c", 1, 0, 9, fairlead.Share{}))
	if a, _, _ := r.Answer(time.Minute, ask("a", 2, 1, 9, fairlead.Share{})); a.Lent.Amount != 2 {
		t.Errorf("half of the four that are left: %+v", a)
	}
}

// TestForgottenFloors holds that edges whose floors the store has forgotten (a restored backup) do not bring lenders above the limit.
func TestForgottenFloors(t *testing.T) {
	r := lender(map[string]fairlead.Share{})
	all := fairlead.Share{Amount: 100, Burst: 5}
	r.Answer(0, ask("a", 1, 0, 0, all))
	r.Answer(0, ask("b", 1, 0, 0, all))
	if c, _, _ := r.Answer(0, ask("c", 1, 0, 5000, fairlead.Share{})); c.Floor.Amount != 0 || c.Lent != (fairlead.Share{Amount: 800, Burst: 40}) {
		t.Errorf("%+v", c)
	}
}
