package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"fairlead"
	"fairlead/store"
)

// testLedgerModel does what chance says, and compares all balances with those of a few lines of arithmetic.
func testLedgerModel(t *testing.T, db Database) {
	s := open(t, db)
	r := rand.New(rand.NewPCG(7, 11))
	have, revenue, short := map[string]fairlead.USD{}, fairlead.USD(0), fairlead.USD(0)
	sequence := map[string]int64{}
	for range 60 {
		account := fmt.Sprint("acc_", r.IntN(5))
		if r.IntN(2) == 0 {
			amount := fairlead.USD(r.IntN(400) - 100)
			_, _, err := s.Post(t.Context(), fairlead.Move{Kind: fairlead.PostAdjustment, Account: account, Amount: amount}, act("", ""))
			if refused := amount == 0 || have[account]+amount < 0; refused != (err != nil) {
				t.Fatalf("%d to %d: %v", amount, have[account], err)
			}
			if err == nil {
				have[account] += amount
				revenue -= amount
			}
			continue
		}
		node := fmt.Sprint("edge-", r.IntN(2))
		sums, lines := map[string]fairlead.USD{}, []string{}
		for i := range r.IntN(20) {
			account, pays := fmt.Sprint("acc_", r.IntN(5)), fairlead.USD(r.IntN(30))
			sums[account] += pays
			lines = append(lines, chargeOf(t, node, i*20, account, "k", pays))
		}
		sequence[node]++
		settle(t, s, frameFrom(node, sequence[node], lines...))
		for account, amount := range sums {
			paid := min(have[account], amount)
			have[account] -= paid
			revenue += amount
			short += amount - paid
		}
	}
	for account, amount := range have {
		if amount != 0 {
			wantBalance(t, s, account, amount)
		}
	}
	wantBalance(t, s, fairlead.BookRevenue, revenue)
	wantBalance(t, s, fairlead.BookShortfall, -short)
	wantLedger(t, s)
}

// testSettledTogether holds that frames of several nodes for the same accounts, and what an operator posts meanwhile, come out as if
// one had followed the other, and that none waits for another that waits for it.
func testSettledTogether(t *testing.T, db Database) {
	s := open(t, db)
	const nodes, frames, accounts, each = 4, 8, 12, 3
	var wg sync.WaitGroup
	for n := range nodes {
		wg.Go(func() {
			node := fmt.Sprint("edge-", n)
			for i := range int64(frames) {
				var lines []string
				for a := range accounts {
					account := fmt.Sprint("acc_", (a*(n+1)*7)%accounts) // in another order on each node
					lines = append(lines, chargeOf(t, node, a, account, "key", each))
				}
				f := frameFrom(node, i+1, lines...)
				for range 2 { // the second time it is there
					if _, err := s.TakeFrames(t.Context(), []fairlead.Frame{f}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 20 {
			m := fairlead.Move{Kind: fairlead.PostGrant, Account: fmt.Sprint("acc_", i%accounts), Amount: 50, Reference: fmt.Sprint(i / 2 * 2)}
			if _, _, err := s.Post(context.WithoutCancel(t.Context()), m, act("", "")); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	const charged = nodes * frames * accounts * each
	wantBalance(t, s, fairlead.BookRevenue, charged)
	wantBalance(t, s, fairlead.BookExpense, -20*50)
	left := fairlead.USD(0)
	for i := range accounts {
		b, err := s.Balance(t.Context(), fmt.Sprint("acc_", i))
		if err == nil {
			left += b
		}
		if b < 0 {
			t.Errorf("acc_%d has %d", i, b)
		}
	}
	short, err := s.Balance(t.Context(), fairlead.BookShortfall)
	var e *fairlead.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	if charged+left+short-20*50 != 0 {
		t.Errorf("charged %d, left %d, short %d, granted %d", charged, left, short, 20*50)
	}
	wantLedger(t, s)
}

// testGrantedTogether holds that what is asked for by several at once under one reference is posted once.
func testGrantedTogether(t *testing.T, db Database) {
	s := open(t, db)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			p, _, err := s.Post(t.Context(), fairlead.Move{Kind: fairlead.PostTopUp, Account: "acc_1", Amount: 9, Reference: "order"}, act("", ""))
			if err != nil || p.ID != 1 {
				t.Errorf("posting %d, %v", p.ID, err)
			}
		})
	}
	wg.Wait()
	wantBalance(t, s, "acc_1", 9)
	wantLedger(t, s)
}

// keep puts something of everything into a ledger.
func keep(t *testing.T, s *store.Store) {
	t.Helper()
	post(t, s, fairlead.PostTopUp, "acc_1", 1000, "order 1")
	post(t, s, fairlead.PostGrant, "acc_2", 10, "")
	for i := range int64(3) {
		settle(t, s, frameFrom("edge-1", i+1, chargeOf(t, "edge-1", int(i)*70, "acc_1", "key_1", 30), chargeOf(t, "edge-1", int(i)*70, "acc_2", "key_2", 7), `no JSON`))
	}
}

// testLedgerAltered does by hand what nobody should be able to do unseen.
func testLedgerAltered(t *testing.T, fresh func(*testing.T) Database) {
	for _, c := range []struct{ name, statement, want string }{
		{"an entry", `UPDATE entries SET amount = amount + 1 WHERE posting = 3 AND book = 'acc_1'`, "posting 3 is not what was written"},
		{"both sides of a grant", `UPDATE entries SET amount = amount * 2 WHERE posting = 1`, "posting 1 is not what was written"},
		{"a reason", `UPDATE postings SET why = 'none' WHERE id = 2`, "posting 2 is not what was written"},
		{"a posting gone", `DELETE FROM postings WHERE id = 3`, "charges acc_1 0.00000003, which was not posted"},
		{"the last posting gone", `DELETE FROM postings WHERE id = 8`, "ends otherwise than it says"},
		{"its entries left", `DELETE FROM postings WHERE id = 8`, "entries are of no posting"},
		{"a balance", `UPDATE balances SET amount = amount + 1 WHERE book = 'acc_1'`, "the balance of acc_1 is"},
		{"a balance gone", `DELETE FROM balances WHERE book = 'acc_1'`, "acc_1 has no balance"},
		{"the end set back", `UPDATE ledger SET posting = 7`, "ends otherwise"},
		{"a charge of another account", `UPDATE postings SET account = 'acc_3' WHERE id = 4`, "charges acc_3 nothing"},
		{"usage", `UPDATE usage_minutes SET charge = charge + 1 WHERE key_id = 'key_2'`, "is not what its frames add up to"},
		{"usage of another model", `UPDATE usage_minutes SET model = 'a/c' WHERE key_id = 'key_2'`, "is not what its frames add up to"},
		{"usage gone", `DELETE FROM usage_minutes WHERE key_id = 'key_2'`, "is not what its frames add up to"},
		{"usage made up", `INSERT INTO usage_minutes SELECT minute + 900, account, team, key_id, model, endpoint, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM usage_minutes WHERE key_id = 'key_1'`, "is not what its frames"},
		{"a frame gone", `DELETE FROM frames WHERE sequence = 2`, "are of no frame that is kept"},
		{"a frame said not to be settled", `DELETE FROM settled WHERE sequence = 2`, "frame edge-1/inc_1/2 was not settled"},
		{"a frame's counts", `UPDATE settled SET unread = 0 WHERE sequence = 2`, "has other lines than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := fresh(t)
			s := open(t, db)
			keep(t, s)
			wantLedger(t, s)
			_, err := db.SQL(t).Exec(c.statement)
			check(t, err)
			found, err := s.AuditLedger(t.Context())
			check(t, err)
			if all := strings.Join(found.Faults, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("found %q, want %q", all, c.want)
			}
		})
	}
}

// testLedgerRestored holds that a backup carries the ledger, that frames which are newer than it are settled when they come again,
// once, and that one with an altered ledger is refused.
func testLedgerRestored(t *testing.T, db Database, fresh func(*testing.T) Database) {
	s := open(t, db)
	keep(t, s)
	file := backUp(t, s)
	late := frameFrom("edge-1", 4, chargeOf(t, "edge-1", 200, "acc_1", "key_1", 500))
	settle(t, s, late)
	wantBalance(t, s, "acc_1", 410)

	o := open(t, fresh(t))
	altered := zip(t, sealAgain(strings.Replace(unzip(t, file), `["balances","acc_1",910]`, `["balances","acc_1",911]`, 1)))
	_, err := o.Restore(t.Context(), bytes.NewReader(altered))
	wantCode(t, err, fairlead.CodeInvalidRequest)
	_, err = o.Restore(t.Context(), bytes.NewReader(file))
	check(t, err)
	wantBalance(t, o, "acc_1", 910)
	wantLedger(t, o)
	for range 2 {
		settle(t, o, frameFrom("edge-1", 4, strings.TrimSuffix(string(late.Lines), "\n")))
	}
	wantBalance(t, o, "acc_1", 410)
	a, err := s.Postings(t.Context(), "acc_1", 0, 10)
	check(t, err)
	b, err := o.Postings(t.Context(), "acc_1", 0, 10)
	check(t, err)
	a[0].At, a[0].Hash, b[0].At, b[0].Hash = a[1].At, a[1].Hash, a[1].At, a[1].Hash // the time of a charge is that of its settlement
	same(t, "postings", b, a)
	wantLedger(t, o)
}

// testOlderBackup restores a backup from before there was a ledger: its frames are not settled, and later ones are.
func testOlderBackup(t *testing.T, db, other Database) {
	s := open(t, db)
	settle(t, s, frameFrom("edge-1", 1, chargeOf(t, "edge-1", 0, "acc_1", "key_1", 30)))
	var lines []string
	for line := range strings.Lines(unzip(t, backUp(t, s))) {
		var table string
		if _, err := fmt.Sscanf(line, `[%q`, &table); err == nil && strings.Contains(" ledger postings entries balances settled usage_minutes ", " "+table+" ") {
			continue
		}
		lines = append(lines, line)
	}
	text := strings.Replace(strings.Join(lines, ""), `"schema":8`, `"schema":4`, 1)
	for _, gone := range []string{`,"ledger":1`, `,"postings":1`, `"balances":3,`, `"entries":2,`, `,"settled":1`, `,"usage_minutes":1`} {
		if !strings.Contains(text, gone) {
			t.Fatalf("the end of a backup has no %s: %s", gone, lines[len(lines)-1])
		}
		text = strings.Replace(text, gone, "", 1)
	}
	o := open(t, other)
	_, err := o.Restore(t.Context(), bytes.NewReader(zip(t, sealAgain(text))))
	check(t, err)
	settle(t, o, frameFrom("edge-1", 2, chargeOf(t, "edge-1", 100, "acc_1", "key_1", 5)))
	wantBalance(t, o, fairlead.BookRevenue, 5)
	if c := wantLedger(t, o); c.Older != 1 || c.Frames != 1 {
		t.Errorf("audited %+v", c)
	}
}
