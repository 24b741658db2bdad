package app_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that a node that has ended leaves no goroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
