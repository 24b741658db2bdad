package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"fairlead/internal/pgtest"
)

// server is the one PostgreSQL of this test binary.
var server pgtest.Server

// TestMain holds that nothing is left running once everything is closed, and ends the server whatever the tests did.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(&closing{m}, goleak.IgnoreCurrent())
}

// closing runs tests and then closes the server, before leaks are looked for.
type closing struct{ m *testing.M }

func (c *closing) Run() int {
	code := c.m.Run()
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close PostgreSQL:", err)
		return 1
	}
	return code
}
