package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"fairlead"
	"fairlead/ledger"
)

// poster posts to the ledger in a transaction. All transactions take what they share in one order, so that none waits for another
// that waits for it: the head row, frames, balances of accounts (by id), rows of usage (by name), the end of the chain of postings.
type poster struct {
	engine *Engine
	tx     *sql.Tx
	rest   func()

	books    ledger.Books // that were read
	last     int64        // the newest posting
	hash     fairlead.Hash
	postings []fairlead.Posting // to be written
}

// mostNames bounds the values of one statement that names rows: SQLite takes 32,766.
const mostNames = 30_000

// open takes the balances of accounts, and makes those that are not there. accounts is sorted, each once.
func (p *poster) open(ctx context.Context, accounts []string) error {
	p.books = ledger.Books{}
	if err := p.readBooks(ctx, accounts, ""); err != nil {
		return err
	}
	made := p.engine.bulk(p.tx, `INSERT INTO balances (book, amount) VALUES `, 2)
	made.then = ` ON CONFLICT (book) DO NOTHING`
	for _, a := range accounts {
		if _, ok := p.books[a]; !ok {
			if err := made.add(ctx, a, 0); err != nil {
				return err
			}
		}
	}
	if err := made.flush(ctx); err != nil {
		return err
	}
	return p.readBooks(ctx, accounts, p.engine.Lock)
}

func (p *poster) readBooks(ctx context.Context, names []string, lock string) error {
	for part := range slices.Chunk(names, mostNames) {
		args := make([]any, len(part))
		for i := range part {
			args[i] = part[i]
		}
		err := each(ctx, p.tx, func(r scanner) error {
			var book string
			var amount int64
			err := r.Scan(&book, &amount)
			p.books[book] = fairlead.USD(amount)
			return err
		}, `SELECT book, amount FROM balances WHERE book IN `+p.engine.row(len(part))+` ORDER BY book`+lock, args...)
		if err != nil {
			return fmt.Errorf("read balances: %w", err)
		}
	}
	return nil
}

// begin takes the end of the chain, and with it the operator's books.
func (p *poster) begin(ctx context.Context) error {
	err := p.tx.QueryRowContext(ctx, `SELECT posting, hash FROM ledger WHERE id = 1`+p.engine.Lock).Scan(&p.last, scanHash(&p.hash))
	if err != nil {
		return fmt.Errorf("read the end of the ledger: %w", err)
	}
	return p.readBooks(ctx, fairlead.OperatorBooks, "")
}

// post adds a posting without id and hash.
func (p *poster) post(posting fairlead.Posting) (fairlead.Posting, error) {
	if err := p.books.Post(posting.Entries); err != nil {
		return posting, err
	}
	p.last++
	posting.ID = p.last
	sortEntries(posting.Entries)
	p.hash = posting.Chain(p.hash)
	posting.Hash = p.hash
	p.postings = append(p.postings, posting)
	return posting, nil
}

// end writes what was posted.
func (p *poster) end(ctx context.Context) error {
	postings := p.engine.bulk(p.tx, `INSERT INTO postings (id, at, kind, account, reference, why, author, hash) VALUES `, 8)
	entries := p.engine.bulk(p.tx, `INSERT INTO entries (posting, book, amount) VALUES `, 3)
	balances := p.engine.bulk(p.tx, `INSERT INTO balances (book, amount) VALUES `, 2)
	balances.then = ` ON CONFLICT (book) DO UPDATE SET amount = excluded.amount`
	postings.rest, entries.rest, balances.rest = p.rest, p.rest, p.rest
	touched := map[string]bool{}
	for i := range p.postings {
		o := &p.postings[i]
		if err := postings.add(ctx, o.ID, o.At.UnixMicro(), string(o.Kind), o.Account, o.Reference, o.Why, o.By, o.Hash[:]); err != nil {
			return fmt.Errorf("write postings: %w", err)
		}
		for _, e := range o.Entries {
			touched[e.Book] = true
			if err := entries.add(ctx, o.ID, e.Book, int64(e.Amount)); err != nil {
				return fmt.Errorf("write entries: %w", err)
			}
		}
	}
	for _, book := range slices.Sorted(maps.Keys(touched)) {
		if err := balances.add(ctx, book, int64(p.books[book])); err != nil {
			return fmt.Errorf("write balances: %w", err)
		}
	}
	if err := errors.Join(postings.flush(ctx), entries.flush(ctx), balances.flush(ctx)); err != nil {
		return fmt.Errorf("write postings: %w", err)
	}
	_, err := p.tx.ExecContext(ctx, `UPDATE ledger SET posting = $1, hash = $2 WHERE id = 1`, p.last, p.hash[:])
	return err
}

// Post makes a move, with an audit entry. Where there is one of its kind, account and reference with the same amount it gives that one
// and fresh is false; with another amount it gives CodeConflict. So it does where a balance would fall below 0 or out of range.
func (s *Store) Post(ctx context.Context, m fairlead.Move, act fairlead.Act) (posting fairlead.Posting, fresh bool, err error) {
	if err := m.Validate(act.Why); err != nil {
		return posting, false, err
	}
	if err := storable(m.Reference); err != nil {
		return posting, false, err
	}
	why := act.Why
	act.Action, act.Target, act.Why = "credit."+string(m.Kind), m.Account, m.Amount.String()+" USD"
	if why != "" {
		act.Why += ": " + why
	}
	_, err = s.write(ctx, "post to the ledger", act, func(ctx context.Context, w *writer) error {
		fresh = false
		p := &poster{engine: w.engine, tx: w.tx}
		var there bool
		if posting, there, err = p.there(ctx, &m); err != nil {
			return err
		}
		if there {
			return errNothing
		}
		if err := p.open(ctx, []string{m.Account}); err != nil {
			return err
		}
		if err := p.begin(ctx); err != nil {
			return err
		}
		posting, err = p.post(fairlead.Posting{
			At: w.act.At, Kind: m.Kind, Account: m.Account, Reference: m.Reference, Why: why, By: w.act.By, Entries: ledger.Move(&m),
		})
		if err != nil {
			return err
		}
		fresh = true
		return errors.Join(p.end(ctx), w.note(ctx))
	})
	if err != nil {
		return fairlead.Posting{}, false, err
	}
	return posting, fresh, nil
}

// there finds the posting of a move that was made before.
func (p *poster) there(ctx context.Context, m *fairlead.Move) (posting fairlead.Posting, there bool, err error) {
	if m.Reference == "" {
		return posting, false, nil
	}
	list, err := listPostings(ctx, p.tx, `SELECT `+postingColumns+` FROM postings WHERE reference = $1 AND kind = $2 AND account = $3`,
		m.Reference, string(m.Kind), m.Account)
	if err != nil || len(list) == 0 {
		return posting, false, err
	}
	if list[0].Of(m.Account) != m.Amount {
		return posting, false, fairlead.Errorf(fairlead.CodeConflict, "there is a posting with this reference and another amount")
	}
	return list[0], true, nil
}
