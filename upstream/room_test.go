package upstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestRoom holds that no more get in than fit, in their order, and that who leaves the queue takes
// nothing with it.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := room{size: 10, free: 10}
		enter := func(ctx context.Context, weight int64) (in *atomic.Bool, failed chan error) {
			in, failed = new(atomic.Bool), make(chan error, 1)
			go func() {
				err := r.enter(ctx, weight)
				in.Store(err == nil)
				failed <- err
			}()
			synctest.Wait()
			return in, failed
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, _ := enter(t.Context(), 7)
		impatient, failed := enter(ctx, 4)
		small, _ := enter(t.Context(), 1)
		if !first.Load() || impatient.Load() || small.Load() {
			t.Errorf("in: %v %v %v, want the first alone", first.Load(), impatient.Load(), small.Load())
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		synctest.Wait()
		if !small.Load() {
			t.Error("the one behind who left is not in")
		}
		huge, _ := enter(t.Context(), 1000)
		r.leave(7)
		synctest.Wait()
		if huge.Load() {
			t.Error("what is larger than the room is in beside another")
		}
		r.leave(1)
		synctest.Wait()
		if !huge.Load() {
			t.Error("what is larger than the room never gets in")
		}
		r.leave(1000)
		if r.free != r.size || len(r.waiting) != 0 {
			t.Errorf("%d free of %d, %d waiting", r.free, r.size, len(r.waiting))
		}
	})
}

// TestRoomUnderLoad enters and leaves from many goroutines, some of which give up.
func TestRoomUnderLoad(t *testing.T) {
	r := room{size: 100, free: 100}
	var held atomic.Int64
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			for n := range 200 {
				ctx, cancel := context.WithCancel(context.Background())
				if n%3 == 0 {
					cancel()
				}
				weight := int64(1 + (i*n)%60)
				if r.enter(ctx, weight) == nil {
					if now := held.Add(weight); now > r.size {
						t.Errorf("%d are in a room of %d", now, r.size)
					}
					held.Add(-weight)
					r.leave(weight)
				}
				cancel()
			}
		})
	}
	group.Wait()
	if r.free != r.size {
		t.Errorf("%d free of %d", r.free, r.size)
	}
}
