package bus

import "context"

// Connects calls f after each connect, until ctx ends; of several that came meanwhile once.
func (b *Bus) Connects(ctx context.Context, f func()) {
	again := make(chan struct{}, 1)
	defer b.onConnect(func() {
		select {
		case again <- struct{}{}:
		default: // it will be called anyway
		}
	})()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			f()
		}
	}
}
