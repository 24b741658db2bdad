package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
)

// TestFollowsAgain holds that a node that could not follow the log once follows it later, without a restart.
func TestFollowsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := &App{Options: Options{Log: slog.New(slog.DiscardHandler)}}
		times := 0
		a.again(ctx, "follow the log", func() error {
			if times++; times == 3 {
				cancel()
				return nil
			}
			return errors.New("the disk does not answer")
		})
		if times != 3 {
			t.Errorf("tried %d times", times)
		}
	})
}
