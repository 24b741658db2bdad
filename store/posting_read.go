package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"fairlead"
)

const (
	postingColumns = `id, at, kind, account, reference, why, author, hash`
	// mostPostings bounds a page of postings.
	mostPostings = 1000
)

// listPostings reads the postings that a query gives, with their entries, in the order of their ids.
func listPostings(ctx context.Context, q querier, query string, args ...any) (list []fairlead.Posting, err error) {
	err = each(ctx, q, func(r scanner) error {
		var p fairlead.Posting
		var at int64
		var book sql.NullString
		var amount sql.NullInt64
		if err := r.Scan(&p.ID, &at, &p.Kind, &p.Account, &p.Reference, &p.Why, &p.By, scanHash(&p.Hash), &book, &amount); err != nil {
			return err
		}
		p.At = fromMicros(at)
		if n := len(list); n == 0 || list[n-1].ID != p.ID {
			list = append(list, p)
		}
		if book.Valid {
			last := &list[len(list)-1]
			last.Entries = append(last.Entries, fairlead.Entry{Book: book.String, Amount: fairlead.USD(amount.Int64)})
		}
		return nil
	}, `SELECT p.id, p.at, p.kind, p.account, p.reference, p.why, p.author, p.hash, e.book, e.amount
		FROM (`+query+`) p LEFT JOIN entries e ON e.posting = p.id ORDER BY p.id`, args...)
	for i := range list {
		sortEntries(list[i].Entries)
	}
	return list, err
}

func sortEntries(list []fairlead.Entry) {
	slices.SortFunc(list, func(a, b fairlead.Entry) int { return cmp.Compare(a.Book, b.Book) })
}

// Postings lists at most limit postings of an account before one by its id, newest first; before 0 begins at the newest. No page has
// more than 1,000.
func (s *Store) Postings(ctx context.Context, account string, before int64, limit int) (list []fairlead.Posting, err error) {
	if err := storable(account); err != nil {
		return nil, err
	}
	err = s.askFor(ctx, "postings", func(ctx context.Context, q querier) (err error) {
		list, err = listPostings(ctx, q, `SELECT `+postingColumns+` FROM postings WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
			account, fromNewest(before), min(max(limit, 0), mostPostings))
		return err
	})
	slices.Reverse(list)
	return list, err
}

// Balance gives what an account, or one of the operator's books, has. One that nothing was posted to gives CodeNotFound.
func (s *Store) Balance(ctx context.Context, account string) (amount fairlead.USD, err error) {
	if err := storable(account); err != nil {
		return 0, err
	}
	err = s.read(ctx, "read balance", func(ctx context.Context, q querier) error {
		err := q.QueryRowContext(ctx, `SELECT amount FROM balances WHERE book = $1`, account).Scan((*int64)(&amount))
		if errors.Is(err, sql.ErrNoRows) {
			return fairlead.Errorf(fairlead.CodeNotFound, "the ledger has nothing of this account")
		}
		return err
	})
	return amount, err
}

// row is so many parameters in brackets, the first being $1.
func (e *Engine) row(n int) string {
	b := e.bulk(nil, "", n)
	return strings.TrimSpace(b.statement(1))
}
