package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
)

// heldCopy is a replica whose copies stop before their end until they are let on.
type heldCopy struct {
	keeper
	filled, let chan struct{}
}

func (h heldCopy) BeginCopy(ctx context.Context, at fairlead.Position) (bus.Copy, error) {
	c, err := h.keeper.BeginCopy(ctx, at)
	return heldCommit{c, h}, err
}

// heldCommit has all that is in the log when it stops, and nothing of what comes later.
type heldCommit struct {
	bus.Copy
	of heldCopy
}

func (c heldCommit) Commit(ctx context.Context, log string) error {
	c.of.filled <- struct{}{}
	select {
	case <-c.of.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.Copy.Commit(ctx, log)
}

// revoke commits the revocation of keys in one change.
func (h *history) revoke(names ...string) fairlead.Change {
	var content fairlead.KeyContent
	h.set(func() {
		for _, name := range names {
			k := h.keys[fairlead.HashKey(name)]
			k.Revoked = start.Add(time.Hour)
			h.keys[k.Hash] = k
			content.Keys = append(content.Keys, k.Stored())
		}
	})
	text, _ := json.Marshal(content)
	return h.commit(fairlead.ChangeKey, text)
}

// TestRevokedWhileCopying holds that a key revoked while an edge copies everything is refused there before the copy ends, and
// ever after, whether the change carries its content or is announced.
func TestRevokedWhileCopying(t *testing.T) {
	for _, c := range []struct {
		name string
		keys int // that are revoked
	}{{"small", 1}, {"large", 3000}} {
		t.Run(c.name, func(t *testing.T) {
			was, is := newHistory("was"), newHistory("is")
			names := make([]string, c.keys)
			for i := range names {
				names[i] = fmt.Sprint("k", i)
				is.key(names[i])
			}
			was.key(names[0])
			b := startBus(t, bus.Options{})
			stop := serve(t, b, was, "one")
			r := heldCopy{realReplica(t), make(chan struct{}), make(chan struct{})}
			copied := make(chan struct{})
			running(t, "follow", func(ctx context.Context) error {
				return bus.Follow(ctx, b, r, bus.FollowOptions{Copied: func(bool) { close(copied) }})
			})
			at, _ := was.Head(t.Context())
			reach(t, r.keeper, at)
			stop()
			serve(t, b, is, "one")
			receive(t, r.filled)
			wantActive(t, r.keeper, names[0], true)

			b.Publish(is.revoke(names...))
			eventually(t, "the refusal", func() bool { return !active(t, r.keeper, names[0]) })
			select {
			case <-copied:
				t.Fatal("the copy has ended")
			default:
			}
			r.let <- struct{}{}
			receive(t, copied)
			wantActive(t, r.keeper, names[0], false)
			at, _ = is.Head(t.Context())
			reach(t, r.keeper, at)
			wantActive(t, r.keeper, names[0], false)
		})
	}
}

func active(t *testing.T, r keeper, name string) bool {
	t.Helper()
	k, found, err := r.Key(t.Context(), fairlead.HashKey(name))
	check(t, err)
	return found && k.Active()
}

func wantActive(t *testing.T, r keeper, name string, want bool) {
	t.Helper()
	if active(t, r, name) != want {
		t.Errorf("the key is active: %v", !want)
	}
}
