package bus_test

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"fairlead/bus"
	"fairlead/test/harness"
)

// TestPeerAway holds that a control node says once that it cannot reach another one, and once that it can.
func TestPeerAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	at := l.Addr().String()
	check(t, l.Close())
	var log harness.Output
	f := newFleet(t)
	one := f.control("one", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{at}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	eventually(t, "it says that nobody is there", func() bool { return strings.Contains(log.String(), "connection refused") })
	f.control("two", bus.Options{ClusterListen: at})
	eventually(t, "the two are one cluster", func() bool { return one.Peers() == 1 })
	eventually(t, "it says that it is back", func() bool { return strings.Contains(log.String(), "is reached again") })
	if said := strings.Count(log.String(), "connection refused"); said != 1 {
		t.Errorf("it said %d times that nobody is there:\n%s", said, log.String())
	}
}
