package spool

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that nothing is left running, and lets tests run this binary as another process.
func TestMain(m *testing.M) {
	if part := os.Getenv("SPOOL_CHILD"); part != "" {
		child(part, os.Getenv("SPOOL_DIR"))
		return
	}
	goleak.VerifyTestMain(m)
}
