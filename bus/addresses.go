package bus

import (
	"context"
	"encoding/json"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"slices"

	"github.com/nats-io/nats.go"

	"fairlead"
)

// maxLearned bounds the control nodes whose addresses an edge keeps.
const maxLearned = 32

// advertised is the address of this node's bus that others are told with each beat; "" where there is none that another
// machine could use.
func (b *Bus) advertised() string {
	if b.o.Advertise != "" {
		return b.o.Advertise
	}
	at := b.Address()
	host, _, err := net.SplitHostPort(at)
	if ip := net.ParseIP(host); err != nil || (ip != nil && ip.IsUnspecified()) {
		return ""
	}
	return at
}

// keepAddresses keeps an edge's connection able to move: from beats it learns where the control nodes are that there are now.
// Who joined by one of them goes on when that one is gone, and finds the others after a restart, too.
func keepAddresses(ctx context.Context, b *Bus, id *Identity) error {
	if len(b.o.Addresses) == 0 {
		return nil // an existing cluster, whose addresses are told by a flag
	}
	heard := make(chan beat, 16)
	stop, err := b.subscribe(subjectBeat, "", func(m *nats.Msg) {
		var t beat
		if len(m.Data) > maxBeat || json.Unmarshal(m.Data, &t) != nil || fairlead.ValidNodeName(t.From) != nil {
			return
		}
		if t.Address == "" || !validAddresses([]string{t.Address}) {
			return
		}
		select {
		case heard <- t:
		default: // the next beat says it again
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-heard:
			learned, err := id.learn(t.From, t.Address)
			if err != nil {
				b.o.Log.Warn("the address of a control node is not kept", "control", t.From, "error", err)
			}
			if learned {
				b.reach(id.Known())
			}
		}
	}
}

// reach makes the addresses those that the next connect tries, in an order of chance, so that edges spread over control nodes.
func (b *Bus) reach(addresses []string) {
	urls := make([]string, len(addresses))
	for i, at := range mathrand.Perm(len(addresses)) {
		urls[i] = "tls://" + addresses[at]
	}
	if err := b.conn.SetServerPool(urls); err != nil && b.conn.Status() != nats.CLOSED {
		b.o.Log.Warn("an address of a control node cannot be used", "error", hideURL(err))
	}
}

// learn notes where a control node is, and reports whether that is news.
func (id *Identity) learn(control, address string) (news bool, err error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	old, known := id.control[control]
	if old == address || (!known && len(id.control) >= maxLearned) {
		return false, nil
	}
	next := maps.Clone(id.control)
	if next == nil {
		next = map[string]string{}
	}
	next[control] = address
	id.control = next
	return true, id.write(id.pair.Load())
}

// Known are the addresses of control nodes' buses that the node knows: those that it joined by, and those that it has learned.
func (id *Identity) Known() []string {
	id.mu.Lock()
	defer id.mu.Unlock()
	list := append(slices.Collect(maps.Values(id.control)), id.Addresses...)
	slices.Sort(list)
	return slices.Compact(list)
}
