package app_test

import (
	"net"
	"os"
	"strings"
	"testing"

	"fairlead/app"
	"fairlead/test/harness"
)

// TestNoLoop holds that a provider which is this node's own data plane is refused, by whichever name,
// at the start and in an edit, and that another port of this machine is not.
func TestNoLoop(t *testing.T) {
	_, provider := fake(t)
	for _, c := range []struct {
		listen, host string
		refused      bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "localhost", true},
		{"127.0.0.1", "LOCALHOST", true},
		{"127.0.0.1", "0.0.0.0", true},
		{"127.0.0.1", "[::ffff:127.0.0.1]", true},
		{"127.0.0.1", "127.0.0.2", false}, // another listener's
		{"", "127.0.0.1", true},
		{"", "127.0.0.2", true},
		{"", "[::1]", true},
		{"", ownAddress(t), true},
		{"", "192.0.2.1", false},
		{"", "no-such-host.invalid", false},
	} {
		port := freePort(t)
		url := "http://" + net.JoinHostPort(strings.Trim(c.host, "[]"), port) + "/v1"
		o := app.Options{
			Listen: net.JoinHostPort(c.listen, port), Control: "127.0.0.1:0", Data: t.TempDir(),
			LookupEnv: environment("OPENAI_API_KEY", "k", "OPENAI_BASE_URL", url),
		}
		a, err := app.New(t.Context(), o)
		switch {
		case c.refused && err == nil:
			t.Errorf("%s listens, the provider is %s: started", o.Listen, url)
		case c.refused && (!strings.Contains(err.Error(), "own data plane") || !strings.Contains(err.Error(), "openai")):
			t.Errorf("%s: %v", url, err)
		case !c.refused && err != nil:
			t.Errorf("%s listens, the provider is %s: %v", o.Listen, url, err)
		}
		if a != nil {
			check(t, a.Close())
		}
	}

	path := file(t, config(provider, "one"))
	n := start(t, app.Options{Config: path})
	check(t, os.WriteFile(path, []byte(config(n.app.DataURL(), "one")), 0o600))
	harness.Until(t, "the edit is refused", func() bool { return strings.Contains(n.state().Error, "own data plane") })
	if s := n.state(); s.Revision != 1 {
		t.Errorf("state %+v", s)
	}
}

// freePort gives a port that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	check(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	check(t, err)
	return port
}

// ownAddress gives an address of this machine, another than the loopback's where it has one.
func ownAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	check(t, err)
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// environment looks up among names and values given in turn.
func environment(pairs ...string) func(string) (string, bool) {
	vars := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}
