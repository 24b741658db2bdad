package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"fairlead"
	"fairlead/ledger"
)

// auditPage is how many frames are held at once.
const auditPage = 32

// AuditLedger verifies the ledger and then makes it again from the evidence: what the lines of each frame charge must be what was
// posted for it, no charge may be without its frame, and the rows of usage must be what all frames add up to. It holds a page of frames
// and one number for each minute, however much there is.
func (s *Store) AuditLedger(ctx context.Context) (fairlead.LedgerCheck, error) {
	a := auditor{}
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		a = auditor{bookkeeper: bookkeeper{q: tx}, seed: maphash.MakeSeed(), usage: map[int64]uint64{}}
		return a.audit(ctx)
	})
	if err != nil {
		return fairlead.LedgerCheck{}, s.fail("audit the ledger", because(ctx, err))
	}
	return a.found, nil
}

// auditor makes the ledger again from frames.
type auditor struct {
	bookkeeper
	seed    maphash.Seed
	usage   map[int64]uint64 // by minute: the print of its rows, made of frames less that of those in the table
	settled int64            // frames
	matched int64            // charges that have their frame
	of      fairlead.FrameKey
	begun   bool // a frame of the incarnation was settled
}

// evidence is a frame, and what is noted of its settlement.
type evidence struct {
	frame                      fairlead.Frame
	exchanges, unread, foreign sql.NullInt64
}

func (a *auditor) audit(ctx context.Context) error {
	if err := a.walk(ctx); err != nil {
		return err
	}
	for after := (fairlead.FrameKey{}); ; {
		page, err := a.page(ctx, after)
		if err != nil {
			return fmt.Errorf("read frames: %w", err)
		}
		for i := range page {
			if err := a.frame(ctx, &page[i]); err != nil {
				return err
			}
			after = page[i].frame.Key()
		}
		if len(page) < auditPage {
			break
		}
	}
	if a.matched != a.charges {
		a.fault("%d charges are of no frame that is kept", a.charges-a.matched)
	}
	var settled int64
	if err := a.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM settled`).Scan(&settled); err != nil {
		return err
	}
	if settled != a.settled {
		a.fault("%d frames were settled, and %d of these are kept", settled, a.settled)
	}
	return a.compareUsage(ctx)
}

func (a *auditor) page(ctx context.Context, after fairlead.FrameKey) ([]evidence, error) {
	return list(ctx, a.q, func(r scanner) (e evidence, err error) {
		f := &e.frame
		var packed []byte
		if err := r.Scan(&f.Node, &f.Incarnation, &f.Sequence, &packed, &e.exchanges, &e.unread, &e.foreign); err != nil {
			return e, err
		}
		f.Lines, err = unpack(packed)
		return e, err
	}, `SELECT f.node, f.incarnation, f.sequence, f.packed, s.exchanges, s.unread, s.elsewhere
		FROM frames f LEFT JOIN settled s ON s.node = f.node AND s.incarnation = f.incarnation AND s.sequence = f.sequence
		WHERE (f.node, f.incarnation, f.sequence) > ($1, $2, $3) ORDER BY f.node, f.incarnation, f.sequence LIMIT $4`,
		after.Node, after.Incarnation, after.Sequence, auditPage)
}

func (a *auditor) frame(ctx context.Context, e *evidence) error {
	f := &e.frame
	if f.Node != a.of.Node || f.Incarnation != a.of.Incarnation {
		a.begun = false
	}
	a.of = f.Key()
	if !e.exchanges.Valid {
		if a.begun {
			a.fault("frame %s was not settled, and one before it was", a.of.Reference())
		}
		a.found.Older++
		return nil
	}
	a.begun = true
	a.settled++
	t := ledger.Read(f, nil)
	a.found.Frames++
	a.found.Lines += t.Lines
	a.found.Unread += t.Unread
	a.found.Foreign += t.Foreign
	if t.Lines != e.exchanges.Int64 || t.Unread != e.unread.Int64 || t.Foreign != e.foreign.Int64 {
		a.fault("frame %s has other lines than those that were settled", a.of.Reference())
	}
	for i := range t.Usage {
		a.usage[t.Usage[i].Minute] += a.print(&t.Usage[i])
	}
	return a.compareCharges(ctx, t)
}

// compareCharges compares what a frame charges with what was posted for it.
func (a *auditor) compareCharges(ctx context.Context, t *ledger.Tally) error {
	reference, posted := a.of.Reference(), map[string]fairlead.USD{}
	err := each(ctx, a.q, func(r scanner) error {
		var account string
		var amount int64
		err := r.Scan(&account, &amount)
		posted[account] = fairlead.USD(amount)
		return err
	}, `SELECT p.account, COALESCE(e.amount, 0) FROM postings p LEFT JOIN entries e ON e.posting = p.id AND e.book = $1
		WHERE p.reference = $2 AND p.kind = $3`, fairlead.BookRevenue, reference, string(fairlead.PostCharge))
	if err != nil {
		return fmt.Errorf("read charges: %w", err)
	}
	a.matched += int64(len(posted))
	for _, c := range t.Charges {
		amount, ok := posted[c.Account]
		switch {
		case !ok:
			a.fault("frame %s charges %s %s, which was not posted", reference, c.Account, c.Amount)
		case amount != c.Amount:
			a.fault("frame %s charges %s %s, and %s was posted", reference, c.Account, c.Amount, amount)
		}
		delete(posted, c.Account)
	}
	for _, account := range slices.Sorted(maps.Keys(posted)) {
		a.fault("frame %s charges %s nothing, and %s was posted", reference, account, posted[account])
	}
	return nil
}

// compareUsage compares the rows of usage with what the frames add up to.
func (a *auditor) compareUsage(ctx context.Context) error {
	err := each(ctx, a.q, func(r scanner) error {
		var u fairlead.UsageRow
		err := r.Scan(&u.Minute, &u.Account, &u.Team, &u.Key, &u.Model, &u.Endpoint, &u.Exchanges, &u.Failures, &u.Estimated,
			&u.Input, &u.CacheRead, &u.CacheWrite, &u.Output, &u.Reasoning, (*int64)(&u.Cost), (*int64)(&u.Charge))
		a.usage[u.Minute] -= a.print(&u)
		return err
	}, `SELECT `+usageColumns+` FROM usage_minutes`)
	if err != nil {
		return fmt.Errorf("read usage: %w", err)
	}
	for _, minute := range slices.Sorted(maps.Keys(a.usage)) {
		if a.usage[minute] != 0 {
			a.fault("the usage of the minute of %s is not what its frames add up to", time.Unix(minute*60, 0).UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// cell names a number of a row of usage.
type cell struct {
	minute                              int64
	account, team, key, model, endpoint string
	column                              int
}

// print is a sum of a row's numbers, each times an odd number that its name gives (modulo 2^64). So that of a row is the sum of those
// of the rows that were added up to it; and rows that differ have different prints, but for one chance in some 2^60: the seed is random.
func (a *auditor) print(u *fairlead.UsageRow) (sum uint64) {
	c := cell{minute: u.Minute, account: u.Account, team: u.Team, key: u.Key, model: u.Model, endpoint: u.Endpoint}
	for i, n := range [...]int64{
		u.Exchanges, u.Failures, u.Estimated, u.Input, u.CacheRead, u.CacheWrite, u.Output, u.Reasoning, int64(u.Cost), int64(u.Charge),
	} {
		if n != 0 {
			c.column = i
			sum += uint64(n) * (maphash.Comparable(a.seed, c) | 1)
		}
	}
	return sum
}
