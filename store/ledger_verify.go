package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"fairlead"
	"fairlead/ledger"
)

// VerifyLedger makes the balances again from all postings, and holds that these are dense, chained by their hashes, add up to 0 and
// leave no account below 0, and that each charge took what its account had then.
func (s *Store) VerifyLedger(ctx context.Context) (fairlead.LedgerCheck, error) {
	v := bookkeeper{}
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		v = bookkeeper{q: tx}
		return v.walk(ctx)
	})
	if err != nil {
		return fairlead.LedgerCheck{}, s.fail("verify the ledger", because(ctx, err))
	}
	return v.found, nil
}

// bookkeeper keeps the books anew.
type bookkeeper struct {
	q       querier
	found   fairlead.LedgerCheck
	books   ledger.Books
	hash    fairlead.Hash
	charges int64 // postings of that kind
}

func (v *bookkeeper) fault(format string, args ...any) {
	if len(v.found.Faults) < mostFaults {
		v.found.Faults = append(v.found.Faults, fmt.Sprintf(format, args...))
	}
}

func (v *bookkeeper) walk(ctx context.Context) error {
	v.found.Faults, v.books = []string{}, ledger.Books{}
	for after := int64(0); ; {
		page, err := listPostings(ctx, v.q, `SELECT `+postingColumns+` FROM postings WHERE id > $1 ORDER BY id LIMIT $2`, after, mostPostings)
		if err != nil {
			return fmt.Errorf("read postings: %w", err)
		}
		for i := range page {
			v.posting(&page[i])
			after = page[i].ID
		}
		if len(page) < mostPostings {
			break
		}
	}
	for _, check := range []func(context.Context) error{v.end, v.orphans, v.balances} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *bookkeeper) posting(p *fairlead.Posting) {
	v.found.Postings++
	if p.ID != v.found.Postings {
		v.fault("posting %d stands where %d should", p.ID, v.found.Postings)
	}
	if p.Chain(v.hash) != p.Hash {
		v.fault("posting %d is not what was written: its hash differs", p.ID)
	}
	v.hash = p.Hash
	if p.Kind == fairlead.PostCharge {
		v.charges++
		want := ledger.Charge{Account: p.Account, Amount: p.Of(fairlead.BookRevenue)}.Entries(v.books[p.Account])
		sortEntries(want)
		if !slices.Equal(p.Entries, want) {
			v.fault("posting %d charges %s otherwise than its balance of %s allows", p.ID, p.Account, v.books[p.Account])
		}
	}
	if err := v.books.Post(p.Entries); err != nil {
		v.fault("posting %d cannot be: %v", p.ID, err)
		for _, e := range p.Entries {
			v.books[e.Book] += e.Amount // so that what comes after is compared with what it was based on
		}
	}
}

func (v *bookkeeper) end(ctx context.Context) error {
	var last int64
	var hash fairlead.Hash
	err := v.q.QueryRowContext(ctx, `SELECT posting, hash FROM ledger WHERE id = 1`).Scan(&last, scanHash(&hash))
	if err == nil && (last != v.found.Postings || hash != v.hash) {
		v.fault("the ledger has %d postings and ends otherwise than it says, which is at %d", v.found.Postings, last)
	}
	return err
}

func (v *bookkeeper) orphans(ctx context.Context) error {
	var n int64
	err := v.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM entries e WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p.id = e.posting)`).Scan(&n)
	if n > 0 {
		v.fault("%d entries are of no posting", n)
	}
	return err
}

func (v *bookkeeper) balances(ctx context.Context) error {
	err := each(ctx, v.q, func(r scanner) error {
		var book string
		var amount int64
		if err := r.Scan(&book, &amount); err != nil {
			return err
		}
		if !fairlead.OperatorBook(book) {
			v.found.Accounts++
		}
		if want := v.books[book]; want != fairlead.USD(amount) {
			v.fault("the balance of %s is %s, and its entries add up to %s", book, fairlead.USD(amount), want)
		}
		delete(v.books, book)
		return nil
	}, `SELECT book, amount FROM balances ORDER BY book`)
	for book, amount := range v.books {
		if amount != 0 {
			v.fault("%s has no balance, and its entries add up to %s", book, amount)
		}
	}
	return err
}
