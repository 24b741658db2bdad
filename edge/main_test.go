package edge_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that nothing is left running once everything is closed.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
