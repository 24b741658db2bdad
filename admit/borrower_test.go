package admit_test

import (
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
)

// borrower makes a limiter of 1000 a minute with a burst of 50, without a share, and what borrows for it.
func borrower(t *testing.T) (*admit.Limiter, *admit.Borrower) {
	t.Helper()
	m := limiter(t, admit.NewSharedLimiters(100, 0, 0), "key k", requests(1000, 50))
	return m, admit.NewBorrower(m, "e", 3, 0)
}

func TestBorrows(t *testing.T) {
	m, b := borrower(t)
	take := admit.NewClaims([]admit.Claim{{Limiter: m, N: 1}})
	if refused, ok := take.Take(0); ok || refused.Wait != time.Second {
		t.Errorf("without a share: %v %+v", ok, refused)
	}
	a := b.Ask(100 * time.Millisecond)
	if a.Edge != "e" || a.Incarnation != 3 || a.Seq != 1 || a.Want != 600 || a.Least != 1 || a.Took {
		t.Errorf("%+v", a)
	}
	if at := b.Next(); at != 300*time.Millisecond {
		t.Errorf("who has too little asks again at %v", at)
	}
	reply := fairlead.ShareReply{
		Incarnation: 3, Seq: 1, Floor: fairlead.Share{Amount: 6, Burst: 10}, Lent: fairlead.Share{Amount: 60, Burst: 1}, Fill: fairlead.Fill{Units: 2},
	}
	for range 3 { // the same answer again brings nothing
		b.Take(200*time.Millisecond, reply)
	}
	if s := m.State(200 * time.Millisecond); s.Remaining != 2 || s.Share != (fairlead.Share{Amount: 66, Burst: 11}) {
		t.Errorf("%+v", s)
	}
	take.Take(200 * time.Millisecond)
	take.Take(200 * time.Millisecond)
	end := 100*time.Millisecond + fairlead.ShareTerm - fairlead.ShareTermEarly // 4.85 s of 1.1 a second
	if s := m.State(end + 6*time.Second); s.Remaining != 5 || s.Share.Amount != 6 {
		t.Errorf("after the term: %+v", s)
	}
	if a := b.Ask(end + 6*time.Second); a.Held != 0 || !a.Took || a.Floor != reply.Floor {
		t.Errorf("after the term: %+v", a)
	}
}

// TestAnswersThatDoNotCount holds that only the answer to the latest ask counts, and that of a late one no more than the floor does.
func TestAnswersThatDoNotCount(t *testing.T) {
	m, b := borrower(t)
	lent := fairlead.ShareReply{
		Incarnation: 3, Seq: 1, Floor: fairlead.Share{Amount: 25, Burst: 2}, Lent: fairlead.Share{Amount: 90, Burst: 5}, Fill: fairlead.Fill{Units: 5},
	}
	b.Ask(0)
	b.Ask(time.Second)
	other := lent
	other.Incarnation, other.Seq = 2, 2
	for _, r := range []fairlead.ShareReply{lent, other} {
		b.Take(time.Second, r)
		if s := m.State(time.Second); s.Share != (fairlead.Share{}) {
			t.Errorf("%+v counted: %+v", r, s)
		}
	}
	lent.Seq = 2
	b.Take(time.Second+fairlead.ShareTerm-fairlead.ShareTermEarly, lent)
	if s := m.State(6 * time.Second); s.Share != lent.Floor || s.Remaining != 0 {
		t.Errorf("a late answer: %+v", s)
	}
}

// TestGivesUp holds that an edge without demand gives up what it was lent, with what is left of it, and no more than that.
func TestGivesUp(t *testing.T) {
	m, b := borrower(t)
	b.Ask(0)
	b.Take(0, fairlead.ShareReply{
		Incarnation: 3, Seq: 1, Floor: fairlead.Share{Amount: 25, Burst: 2}, Lent: fairlead.Share{Amount: 900, Burst: 45}, Fill: fairlead.Fill{Units: 40},
	})
	admit.NewClaims([]admit.Claim{{Limiter: m, N: 10}}).Take(0)
	if a := b.Ask(time.Second); a.Held != 1 || a.Want != 600 || a.Back != (fairlead.Fill{}) || a.Least != 10 {
		t.Errorf("in demand: %+v", a)
	}
	b.Take(time.Second, fairlead.ShareReply{
		Incarnation: 3, Seq: 2, Floor: fairlead.Share{Amount: 25, Burst: 2}, Lent: fairlead.Share{Amount: 600, Burst: 30},
	})
	if s := m.State(time.Second); s.Remaining != 32 {
		t.Errorf("what is above a smaller burst stayed: %+v", s)
	}
	if at := b.Next(); at != 1200*time.Millisecond {
		t.Errorf("who has less tells so at %v", at)
	}
	a := b.Ask(2 * time.Second)
	if a.Held != 2 || a.Back.Units != 13 { // 30 + 925/60 of a second, cut to 47 before and to 32 then
		t.Errorf("what was cut goes back: %+v", a)
	}
	a = b.Ask(3 * time.Second)
	if a.Held != 0 || a.Want != 0 || a.Back.Units != 30 {
		t.Errorf("without demand: %+v", a)
	}
	if s := m.State(3 * time.Second); s.Remaining != 2 || s.Share.Amount != 25 {
		t.Errorf("it kept %+v", s)
	}
}
