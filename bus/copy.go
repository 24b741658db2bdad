package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fairlead"
	"fairlead/internal/jitter"
)

// errMoved tells that the log became another one while it was copied.
var errMoved = errors.New("the log became another one while it was copied")

// copyAll copies everything and gives the position that the copy stands at. What serves goes on serving until the copy
// is whole. Before a log that was followed is given up, control is told what it had and the other has not.
func (f *follower) copyAll(ctx context.Context, foreign bool) (at fairlead.Position, err error) {
	f.loading("begin")
	defer f.loading("")
	if foreign {
		if err := f.reportLost(ctx); err != nil {
			return at, err
		}
	}
	h, err := f.b.head(ctx)
	if err != nil {
		return at, fmt.Errorf("begin a whole copy: %w", err)
	}
	f.log.Info("everything is copied", "from", h.Position.Number, "log", h.Position.Log, "foreign", foreign)
	c, err := f.replica.BeginCopy(ctx, h.Position)
	if err != nil {
		return at, fmt.Errorf("begin a whole copy: %w", err)
	}
	if at, err = f.fill(ctx, c, h); err == nil && foreign {
		err = f.revokeLost(ctx, c)
	}
	if err == nil {
		err = c.Commit(ctx, at.Log)
	}
	if err != nil {
		return at, errors.Join(fmt.Errorf("make a whole copy: %w", err), c.Discard())
	}
	return at, nil
}

func (f *follower) fill(ctx context.Context, c Copy, h copyHead) (fairlead.Position, error) {
	at := h.Position
	if err := f.carry(ctx, c, at.Number); err != nil {
		return at, err
	}
	if err := f.fillKeys(ctx, c, at.Log); err != nil {
		return at, err
	}
	f.loading("state")
	if err := c.Accounts(ctx, h.Accounts); err != nil {
		return at, err
	}
	if err := c.Rest(ctx, h.State, h.Secrets); err != nil {
		return at, err
	}
	for {
		var p page
		err := again(ctx, func() (err error) { p, err = f.b.fetch(ctx, at); return err })
		if err != nil {
			return at, err
		}
		if !p.OnChain || p.Head.Log != at.Log {
			return at, errMoved
		}
		if len(p.Changes) == 0 {
			break
		}
		changes := make([]fairlead.Change, len(p.Changes))
		for i, h := range p.Changes {
			if h.Number != at.Number+1 || h.Chain(at.Hash) != h.Hash {
				f.m.refused++
				return at, fmt.Errorf("change %d does not fit the chain", h.Number)
			}
			changes[i], at.Number, at.Hash = h.Change, h.Number, h.Hash
		}
		if err := c.Apply(ctx, changes); err != nil {
			return at, err
		}
		f.loading(fmt.Sprintf("change %d of %d", at.Number, p.Head.Number))
	}
	return at, nil
}

// carry has a copy remember what this node remembers of the log that is copied, so that a later restore of it finds what that undoes.
// Between that and where the copy begins there may be changes that never were here.
func (f *follower) carry(ctx context.Context, c Copy, through int64) error {
	var common fairlead.Position
	err := again(ctx, func() (err error) { common, err = f.common(ctx, through); return err })
	if errors.Is(err, errUnread) && ctx.Err() == nil { // the copy is what mends a damaged replica
		f.log.Warn("the changes that this node remembers are not taken over", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the last change that both logs have: %w", err)
	}
	return c.Remember(ctx, common.Number)
}

// revokeLost tells control of keys that were revoked here and that the other log has as good, by whatever change that was: one that
// nobody remembers any more, or of a log before that one. At this node they stay revoked.
func (f *follower) revokeLost(ctx context.Context, c Copy) error {
	var after fairlead.KeyHash
	for {
		keys, err := c.Revoked(ctx, after)
		if err != nil || len(keys) == 0 {
			return err
		}
		f.log.Error("keys that were revoked here are good on the other log; they are reported and stay revoked here", "keys", len(keys), "first", keys[0].ID)
		for some := range slices.Chunk(keys, lostPage) {
			p := keyPage{Keys: slices.Clone(some)}
			for i := range p.Keys { // what tells which keys they are
				p.Keys[i].KeyTerms = fairlead.KeyTerms{Old: p.Keys[i].Old}
			}
			err := again(ctx, func() error { _, err := f.b.Send(ctx, "revoked", p.encode()); return err })
			if err != nil {
				return fmt.Errorf("report revoked keys: %w", err)
			}
		}
		after = keys[len(keys)-1].Hash
	}
}

// keysAhead is a page of keys that was asked for.
type keysAhead struct {
	page keyPage
	err  error
}

// askKeys asks for the keys whose hashes come after one, and does not wait for them.
func (f *follower) askKeys(ctx context.Context, after fairlead.KeyHash) <-chan keysAhead {
	answer := make(chan keysAhead, 1)
	go func() {
		var a keysAhead
		a.err = again(ctx, func() (err error) { a.page, err = f.b.keys(ctx, after); return err })
		answer <- a
	}()
	return answer
}

// fillKeys asks for each page while the one before is written, which halves the time of many keys.
func (f *follower) fillKeys(ctx context.Context, c Copy, log string) error {
	ahead, cancel := context.WithCancel(ctx)
	next := f.askKeys(ahead, fairlead.KeyHash{})
	defer func() {
		cancel()
		if next != nil {
			<-next
		}
	}()
	var after fairlead.KeyHash
	for n := 0; next != nil; {
		a := <-next
		next = nil
		if a.err != nil {
			return a.err
		}
		p := a.page
		if p.Log != log {
			return errMoved
		}
		for i := range p.Keys {
			if h := p.Keys[i].Hash; bytes.Compare(h[:], after[:]) > 0 {
				after = h
				continue
			}
			return fmt.Errorf("keys of a page are not in order: %w", errFrame)
		}
		if !p.Last && len(p.Keys) > 0 {
			next = f.askKeys(ahead, after)
		}
		if len(p.Keys) > 0 {
			if err := c.Keys(ctx, p.Keys); err != nil {
				return err
			}
		}
		n += len(p.Keys)
		f.loading(fmt.Sprintf("%d keys", n))
	}
	return nil
}

// again tries what fails because control is away a few times more, so that a short outage does not waste what a long copy
// has already.
func again(ctx context.Context, try func() error) error {
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		err := try()
		if err == nil || pause > 5*time.Second || fairlead.AsError(err).Code != fairlead.CodeControlUnavailable {
			return err
		}
		t := time.NewTimer(jitter.About(pause)) // many edges may have heard the same
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

func (f *follower) loading(what string) {
	if f.o.Loading != nil {
		f.o.Loading(what)
	}
}
