package bus

import (
	"testing"

	"github.com/nats-io/nats.go"

	"fairlead"
)

// Overhear has f called with all changes that are published, until the test ends.
func (b *Bus) Overhear(t testing.TB, f func(fairlead.Change)) error {
	stop, err := b.subscribe(subjectChange, "", func(m *nats.Msg) {
		if h, err := decodeChange(m.Data); err == nil {
			f(h.Change)
		}
	})
	if err == nil {
		t.Cleanup(stop)
		err = b.conn.Flush()
	}
	return err
}

// Connected reports whether the node has its connection now.
func (b *Bus) Connected() bool { return b.conn.IsConnected() }

// ClusterAddress is where the embedded server takes other control nodes.
func (b *Bus) ClusterAddress() string {
	if b.server == nil || b.o.ClusterListen == "" {
		return ""
	}
	return b.server.ClusterAddr().String()
}

// Peers counts the other control nodes that the embedded server is connected to.
func (b *Bus) Peers() int {
	if b.server == nil {
		return 0
	}
	return b.server.NumRoutes()
}
