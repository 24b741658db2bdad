package bus

import (
	"context"

	"fairlead"
)

// announcedMax bounds the announced changes that wait to be fetched before their turn.
const announcedMax = 64

// refuse has keys refused that a change revokes which came with its content, whenever its turn is: while everything is copied,
// which is the follower's only work then, that is a while. It is called where the change is heard.
func (f *follower) refuse(ctx context.Context, h heard) {
	if h.Kind == fairlead.ChangeKey && !h.large {
		f.replica.Refuse(ctx, h.Change)
	}
}

// hold begins or ends the time in which changes wait for a copy. Large ones of keys are fetched beside it then, for what they revoke;
// those that wait already, too.
func (f *follower) hold(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held = yes; !yes {
		return
	}
	for _, h := range f.m.waiting {
		f.announce(h)
	}
	for _, h := range f.heard {
		f.announce(h)
	}
}

// announce has a large change of keys fetched before its turn, if that is not near. It is an offer: where too many wait, this one
// comes in its turn. The lock is held.
func (f *follower) announce(h heard) {
	if !f.held || !h.large || h.Kind != fairlead.ChangeKey {
		return
	}
	select {
	case f.announced <- h:
	default:
	}
}

// runAnnounced fetches what was announced, one after the other, until ctx ends.
func (f *follower) runAnnounced(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-f.announced:
			var err error
			h.Content, err = f.b.pieces(ctx, "piece", askPiece{Change: h.Number, Hash: h.Hash})
			if h.large = false; err == nil { // else it comes in its turn
				f.refuse(ctx, h)
			}
		}
	}
}
