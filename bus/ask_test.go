package bus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"fairlead"
	"fairlead/bus"
)

// TestAskedAgain holds that a request which a control node does not answer, or cannot, is answered by another one, and that who
// listens hears it once.
func TestAskedAgain(t *testing.T) {
	for name, fault := range map[string]func(ctx context.Context) error{
		"one hangs": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"one has no database": func(context.Context) error {
			return fairlead.Errorf(fairlead.CodeControlUnavailable, "no database")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBus(t, bus.Options{})
			var mu sync.Mutex
			came, heard := map[string]int{}, map[string]int{}
			stop, err := b.Listen("frame", func(_ string, body []byte) {
				mu.Lock()
				defer mu.Unlock()
				heard[string(body)]++
			})
			check(t, err)
			t.Cleanup(stop)
			running(t, "receive", func(ctx context.Context) error {
				return b.Receive(ctx, "frame", func(ctx context.Context, _ string, body []byte) ([]byte, error) {
					mu.Lock()
					came[string(body)]++
					first := came[string(body)] == 1
					mu.Unlock()
					if first && string(body) != "begin" {
						return nil, fault(ctx)
					}
					return body, nil
				})
			})
			eventually(t, "it is received", func() bool {
				_, err := b.Send(t.Context(), "frame", []byte("begin"))
				return err == nil
			})
			for n := range 5 {
				text := fmt.Sprint(n)
				answer, err := b.Send(t.Context(), "frame", []byte(text))
				if err != nil || string(answer) != text {
					t.Fatalf("got %q, %v", answer, err)
				}
			}
			eventually(t, "the last one is heard", func() bool { // those before it were, then
				mu.Lock()
				defer mu.Unlock()
				return heard["4"] > 0
			})
			mu.Lock()
			defer mu.Unlock()
			for n := range 5 {
				if text := fmt.Sprint(n); heard[text] != 1 || came[text] < 2 {
					t.Errorf("request %s came %d times and was heard %d times", text, came[text], heard[text])
				}
			}
		})
	}
}
