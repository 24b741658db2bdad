//go:build linux

package fleet_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"fairlead/internal/pgtest"
)

// server is the one PostgreSQL of these tests.
var server pgtest.Server

// TestMain holds that the tests themselves leave nothing behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(&closing{m}, goleak.IgnoreCurrent()) }

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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
