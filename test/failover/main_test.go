// Package failover_test holds the failover suite: plays in which a provider fails in some way, and what
// the caller and the providers must then see. The whole program runs in this process on loopback, in
// front of fake providers. The language of the plays is told in DESIGN.md.
package failover_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// together is how many runs of plays go on at a time, however few processors there are: they wait for
// most of their time.
const together = 64

// TestMain lets plays run together and holds that they leave nothing behind.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(together)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
