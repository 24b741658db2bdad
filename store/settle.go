package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"fairlead"
	"fairlead/ledger"
)

// settlement is what the frames of one transaction charge and add up to.
type settlement struct {
	poster
	at    time.Time
	due   []dueFrame
	usage []fairlead.UsageRow
}

type dueFrame struct {
	key   fairlead.FrameKey
	tally *ledger.Tally
}

// add takes a frame that is kept by this transaction. The tally is that of a frame that may be tried again: it is not changed.
func (s *settlement) add(f *fairlead.Frame, t *ledger.Tally) {
	s.due = append(s.due, dueFrame{f.Key(), t})
	s.usage = append(s.usage, t.Usage...)
}

// settle charges the accounts of the frames, each once a frame, and adds their usage up.
func (s *settlement) settle(ctx context.Context) error {
	if len(s.due) == 0 {
		return nil
	}
	accounts := map[string]bool{}
	for _, d := range s.due {
		for _, c := range d.tally.Charges {
			accounts[c.Account] = true
		}
	}
	if len(accounts) > 0 {
		if err := s.open(ctx, slices.Sorted(maps.Keys(accounts))); err != nil {
			return err
		}
	}
	if err := s.mark(ctx); err != nil {
		return err
	}
	if err := s.addUsage(ctx); err != nil {
		return err
	}
	if len(accounts) == 0 {
		return nil
	}
	return s.charge(ctx)
}

// mark notes that the frames are settled.
func (s *settlement) mark(ctx context.Context) error {
	rows := s.engine.bulk(s.tx, `INSERT INTO settled (node, incarnation, sequence, exchanges, unread, elsewhere) VALUES `, 6)
	rows.rest = s.rest
	for _, d := range s.due {
		t := d.tally
		if err := rows.add(ctx, d.key.Node, d.key.Incarnation, d.key.Sequence, t.Lines, t.Unread, t.Foreign); err != nil {
			return err
		}
	}
	return rows.flush(ctx)
}

const usageColumns = `minute, account, team, key_id, model, endpoint, exchanges, failures, estimated, input, cache_read, cache_write, output, reasoning, cost, charge`

// addUsage adds to the rows of usage, in the order of their names.
func (s *settlement) addUsage(ctx context.Context) error {
	rows := s.engine.bulk(s.tx, `INSERT INTO usage_minutes AS u (`+usageColumns+`) VALUES `, 16)
	rows.rest = s.rest
	rows.then = ` ON CONFLICT (minute, account, team, key_id, model, endpoint) DO UPDATE SET
		exchanges = u.exchanges + excluded.exchanges, failures = u.failures + excluded.failures, estimated = u.estimated + excluded.estimated,
		input = u.input + excluded.input, cache_read = u.cache_read + excluded.cache_read, cache_write = u.cache_write + excluded.cache_write,
		output = u.output + excluded.output, reasoning = u.reasoning + excluded.reasoning,
		cost = u.cost + excluded.cost, charge = u.charge + excluded.charge`
	for _, u := range ledger.Fold(s.usage) {
		err := rows.add(ctx, u.Minute, u.Account, u.Team, u.Key, u.Model, u.Endpoint, u.Exchanges, u.Failures, u.Estimated,
			u.Input, u.CacheRead, u.CacheWrite, u.Output, u.Reasoning, int64(u.Cost), int64(u.Charge))
		if err != nil {
			return err
		}
	}
	return rows.flush(ctx)
}

// charge posts what each account pays for each frame. Where the books have no room its error is none of the frame's: as CodeConflict
// it would say that another frame has its key.
func (s *settlement) charge(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	for _, d := range s.due {
		reference := d.key.Reference()
		for _, c := range d.tally.Charges {
			_, err := s.post(fairlead.Posting{
				At: s.at, Kind: fairlead.PostCharge, Account: c.Account, Reference: reference, By: d.key.Node, Entries: c.Entries(s.books[c.Account]),
			})
			if err != nil {
				return errors.New("charge " + c.Account + ": " + err.Error())
			}
		}
	}
	return s.end(ctx)
}
