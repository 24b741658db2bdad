package replica_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childVariable names what a process of this test binary is to do instead of tests, and childFolder where.
const (
	childVariable = "FAIRLEAD_REPLICA_CHILD"
	childFolder   = "FAIRLEAD_REPLICA_FOLDER"
)

// TestMain holds that nothing is left running once everything is closed.
func TestMain(m *testing.M) {
	child := map[string]func(dir string) error{"": nil, "follow": followForever, "full": fillDisk}[os.Getenv(childVariable)]
	if child == nil {
		goleak.VerifyTestMain(m)
		return
	}
	if err := child(os.Getenv(childFolder)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
