package gateway_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that no goroutine is left once every gateway of the tests is shut down.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
