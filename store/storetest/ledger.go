package storetest

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

// ledgerClauses are those about money and usage.
func ledgerClauses(fresh func(t *testing.T) Database) []clause {
	return []clause{
		{"moves of money", testPost},
		{"frames are settled", testSettled},
		{"usage", testUsage},
		{"names in usage", testLongNames},
		{"books that are full", testFullBooks},
		{"a ledger and its model", testLedgerModel},
		{"frames are settled together", testSettledTogether},
		{"a top-up is posted once", testGrantedTogether},
		{"an audit finds what was altered in a ledger", func(t *testing.T, _ Database) { testLedgerAltered(t, fresh) }},
		{"a ledger in a backup", func(t *testing.T, db Database) { testLedgerRestored(t, db, fresh) }},
		{"a backup from before the ledger", func(t *testing.T, db Database) { testOlderBackup(t, db, fresh(t)) }},
	}
}

// chargeOf is the line of an exchange that began on a node n seconds after start and pays so much.
func chargeOf(t testing.TB, node string, n int, account, key string, pays fairlead.USD) string {
	t.Helper()
	at := start.Add(time.Duration(n) * time.Second)
	l := fairlead.ChargeLine{
		Kind: fairlead.LineCharge, ID: fairlead.NewExchangeID(fairlead.TagOf(node), at), At: at.UnixMicro(), Key: key, Account: account,
		Model: "a/b", Endpoint: "a/b@one", Input: 10, Output: 3, Cost: new(fairlead.USD), Charge: &pays, Status: 200, Attempts: 1,
	}
	*l.Cost = pays / 2
	if account == "" {
		l.Charge = nil
	}
	return lineText(t, l)
}

func lineText(t testing.TB, l fairlead.ChargeLine) string {
	t.Helper()
	text, err := json.Marshal(l)
	check(t, err)
	return string(text)
}

func frameFrom(node string, sequence int64, lines ...string) fairlead.Frame {
	f := frameOf(sequence, lines...)
	f.Node = node
	f.Hash = f.Sum()
	return f
}

func settle(t testing.TB, s *store.Store, frames ...fairlead.Frame) {
	t.Helper()
	_, err := s.TakeFrames(t.Context(), frames)
	check(t, err)
}

func post(t testing.TB, s *store.Store, kind fairlead.PostingKind, account string, amount fairlead.USD, reference string) fairlead.Posting {
	t.Helper()
	p, fresh, err := s.Post(t.Context(), fairlead.Move{Kind: kind, Account: account, Amount: amount, Reference: reference}, act("", ""))
	check(t, err)
	if !fresh {
		t.Errorf("the posting %+v was there before", p)
	}
	return p
}

func wantBalance(t testing.TB, s *store.Store, book string, want fairlead.USD) {
	t.Helper()
	got, err := s.Balance(t.Context(), book)
	check(t, err)
	if got != want {
		t.Errorf("the balance of %s is %d, want %d", book, got, want)
	}
}

// wantLedger holds that neither the ledger nor its evidence is at fault.
func wantLedger(t testing.TB, s *store.Store) fairlead.LedgerCheck {
	t.Helper()
	for _, f := range []func() (fairlead.LedgerCheck, error){
		func() (fairlead.LedgerCheck, error) { return s.VerifyLedger(t.Context()) },
		func() (fairlead.LedgerCheck, error) { return s.AuditLedger(t.Context()) },
	} {
		c, err := f()
		check(t, err)
		if len(c.Faults) > 0 {
			t.Errorf("faults of the ledger: %q", c.Faults)
		}
	}
	c, err := s.AuditLedger(t.Context())
	check(t, err)
	return c
}

// testPost holds what an operator's moves do, and which are refused.
func testPost(t *testing.T, db Database) {
	s := open(t, db)
	_, err := s.Balance(t.Context(), "acc_1")
	wantCode(t, err, fairlead.CodeNotFound)
	const most = fairlead.MaxMove
	for i, c := range []struct {
		kind      fairlead.PostingKind
		amount    fairlead.USD
		reference string
		balance   fairlead.USD
		id        int64
		code      fairlead.Code
	}{
		{fairlead.PostTopUp, 100, "order 1", 100, 1, ""},
		{fairlead.PostTopUp, 100, "order 1", 100, 1, ""}, // again
		{fairlead.PostTopUp, 101, "order 1", 100, 0, fairlead.CodeConflict},
		{fairlead.PostGrant, 100, "order 1", 200, 2, ""}, // another kind has references of its own
		{fairlead.PostGrant, 5, "", 205, 3, ""},
		{fairlead.PostGrant, 5, "", 210, 4, ""}, // without a reference each is one
		{fairlead.PostAdjustment, -210, "", 0, 5, ""},
		{fairlead.PostAdjustment, -1, "", 0, 0, fairlead.CodeConflict},
		{fairlead.PostRefund, 7, "r", 7, 6, ""},
		{fairlead.PostRefund, -8, "s", 7, 0, fairlead.CodeConflict},
		{fairlead.PostGrant, 0, "", 7, 0, fairlead.CodeInvalidRequest},
		{fairlead.PostTopUp, -1, "", 7, 0, fairlead.CodeInvalidRequest},
		{fairlead.PostRefund, 0, "", 7, 0, fairlead.CodeInvalidRequest},
		{fairlead.PostCharge, -1, "", 7, 0, fairlead.CodeInvalidRequest},
		{fairlead.PostGrant, most + 1, "", 7, 0, fairlead.CodeInvalidRequest},
		{fairlead.PostGrant, most, "", 7 + most, 7, ""},
		{fairlead.PostGrant, 1, "two\nlines", 7 + most, 0, fairlead.CodeInvalidRequest},
	} {
		p, _, err := s.Post(t.Context(), fairlead.Move{Kind: c.kind, Account: "acc_1", Amount: c.amount, Reference: c.reference}, act("", ""))
		if c.code != "" {
			wantCode(t, err, c.code)
		} else {
			check(t, err)
		}
		if p.ID != c.id || (c.id != 0 && p.Of("acc_1") != c.amount) {
			t.Errorf("move %d gives posting %+v", i+1, p)
		}
		wantBalance(t, s, "acc_1", c.balance)
	}
	wantBalance(t, s, fairlead.BookCash, -100)
	wantBalance(t, s, fairlead.BookExpense, -110-most)
	wantBalance(t, s, fairlead.BookRevenue, 203)
	testPostingsPage(t, s)
	for range 8 {
		post(t, s, fairlead.PostGrant, "acc_2", most, "")
	}
	_, _, err = s.Post(t.Context(), fairlead.Move{Kind: fairlead.PostGrant, Account: "acc_2", Amount: most}, act("", ""))
	wantCode(t, err, fairlead.CodeConflict) // more than fits
	for _, id := range []string{"", "operator:cash", "a b", "a/b"} {
		_, _, err := s.Post(t.Context(), fairlead.Move{Kind: fairlead.PostGrant, Account: id, Amount: 1}, act("", ""))
		wantCode(t, err, fairlead.CodeInvalidRequest)
	}
	_, _, err = s.Post(t.Context(), fairlead.Move{Kind: fairlead.PostRefund, Account: "acc_1", Amount: 1}, fairlead.Act{By: "admin"})
	wantCode(t, err, fairlead.CodeInvalidRequest) // without a reason
	wantLedger(t, s)
	wantWhole(t, s)
}

func testPostingsPage(t *testing.T, s *store.Store) {
	t.Helper()
	all, err := s.Postings(t.Context(), "acc_1", 0, 100)
	check(t, err)
	if len(all) != 7 || all[0].ID != 7 || all[6].ID != 1 {
		t.Fatalf("postings %+v", all)
	}
	first := all[6]
	first.Hash = fairlead.Hash{}
	same(t, "the first posting", first, fairlead.Posting{
		ID: 1, At: start.Truncate(time.Microsecond), Kind: fairlead.PostTopUp, Account: "acc_1", Reference: "order 1", Why: "a test", By: "admin",
		Entries: []fairlead.Entry{{Book: "acc_1", Amount: 100}, {Book: fairlead.BookCash, Amount: -100}},
	})
	page, err := s.Postings(t.Context(), "acc_1", 4, 2)
	check(t, err)
	same(t, "a page", page, all[4:6])
	entries, err := s.Audit(t.Context(), 0, 100)
	check(t, err)
	last := entries[len(entries)-1]
	if len(entries) != 7 || last.Action != "credit.topup" || last.Target != "acc_1" || last.Why != "0.0000001 USD: a test" {
		t.Errorf("%d audit entries, the first is %+v", len(entries), last)
	}
}

// testSettled holds that the lines of a frame are charged once, as far as the balance goes, and that what cannot be read is not.
func testSettled(t *testing.T, db Database) {
	s := open(t, db)
	post(t, s, fairlead.PostGrant, "acc_1", 100, "")
	f := frameFrom("edge-1", 1,
		lineText(t, fairlead.ChargeLine{Kind: fairlead.LineIntent, ID: fairlead.NewExchangeID(fairlead.TagOf("edge-1"), start), Account: "acc_1"}),
		chargeOf(t, "edge-1", 0, "acc_1", "key_1", 30), chargeOf(t, "edge-1", 1, "acc_1", "key_2", 31),
		chargeOf(t, "edge-1", 2, "acc_2", "key_3", 8), chargeOf(t, "edge-1", 3, "", "key_4", 1000),
		chargeOf(t, "edge-2", 4, "acc_1", "key_1", 5), `{"kind":"charge"}`, `not JSON`, chargeOf(t, "edge-1", 5, "operator:cash", "key_1", 5),
		`{"kind":"gap","at":1,"lines":3}`)
	settle(t, s, f)
	settle(t, s, f) // again
	other := frameFrom("edge-1", 1, chargeOf(t, "edge-1", 0, "acc_1", "key_1", 30))
	_, err := s.TakeFrames(t.Context(), []fairlead.Frame{other})
	wantCode(t, err, fairlead.CodeConflict)
	wantBalance(t, s, "acc_1", 39)
	wantBalance(t, s, "acc_2", 0)
	wantBalance(t, s, fairlead.BookRevenue, 69)
	wantBalance(t, s, fairlead.BookShortfall, -8)

	settle(t, s, frameFrom("edge-1", 2, chargeOf(t, "edge-1", 6, "acc_1", "key_1", 40)), frameFrom("edge-1", 3, chargeOf(t, "edge-1", 7, "acc_1", "key_1", 2)))
	wantBalance(t, s, "acc_1", 0)
	wantBalance(t, s, fairlead.BookShortfall, -11)
	list, err := s.Postings(t.Context(), "acc_1", 0, 10)
	check(t, err)
	if len(list) != 4 || list[1].Reference != "edge-1/inc_1/2" || list[1].Kind != fairlead.PostCharge || list[1].By != "edge-1" {
		t.Fatalf("postings %+v", list)
	}
	same(t, "a charge above the balance", list[1].Entries, []fairlead.Entry{{Book: "acc_1", Amount: -39}, {Book: fairlead.BookRevenue, Amount: 40}, {Book: fairlead.BookShortfall, Amount: -1}})
	c := wantLedger(t, s)
	if c.Frames != 3 || c.Lines != 6 || c.Unread != 3 || c.Foreign != 1 || c.Postings != 5 || c.Accounts != 2 {
		t.Errorf("audited %+v", c)
	}
}

// testFullBooks holds that a frame which the books have no room for is not kept, is not called another's, and charges nothing.
func testFullBooks(t *testing.T, db Database) {
	s := open(t, db)
	const each = fairlead.USD(10_000_000_000_000) // as much as a line can charge
	for i := range 10 {
		amount := fairlead.MaxMove
		if i == 9 {
			amount = math.MaxInt64 - 9*fairlead.MaxMove - each
		}
		post(t, s, fairlead.PostGrant, "acc_1", amount, "")
		post(t, s, fairlead.PostAdjustment, "acc_1", -amount, "")
	}
	wantBalance(t, s, fairlead.BookRevenue, math.MaxInt64-each)
	kept, err := s.TakeFrames(t.Context(), []fairlead.Frame{frameFrom("edge-1", 1, chargeOf(t, "edge-1", 0, "acc_2", "k", each), chargeOf(t, "edge-1", 0, "acc_3", "k", 1))})
	var e *fairlead.Error
	if err == nil || errors.As(err, &e) || len(kept) != 0 {
		t.Errorf("kept %v, %v", kept, err)
	}
	wantBalance(t, s, fairlead.BookRevenue, math.MaxInt64-each)
	settle(t, s, frameFrom("edge-1", 1, chargeOf(t, "edge-1", 0, "acc_2", "k", each)))
	wantBalance(t, s, fairlead.BookRevenue, math.MaxInt64)
	wantLedger(t, s)
}
