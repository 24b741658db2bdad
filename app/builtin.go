package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"fairlead/internal/fakellm"
)

// builtin is the fake provider that a node without any configuration serves.
type builtin struct {
	url    string
	cancel context.CancelFunc
	done   chan struct{}
}

func startBuiltin(log *slog.Logger) (*builtin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the built-in fake provider: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &builtin{url: "http://" + l.Addr().String() + "/v1", cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		if err := fakellm.New(fakellm.Options{}).Run(ctx, l); err != nil {
			log.Error("the built-in fake provider stopped", "error", err.Error())
		}
	}()
	return b, nil
}

func (b *builtin) stop() {
	b.cancel()
	<-b.done
}
