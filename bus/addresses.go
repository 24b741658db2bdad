package bus

import (
	"context"
	"encoding/json"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
)

const (
	// maxLearned bounds the control nodes whose addresses an edge keeps: those that were heard last.
	maxLearned = 32
	// heardPace is how old what is on disk of that may be, while nothing else is news.
	heardPace = time.Hour
)

// learned is where a control node is, and when it was heard last.
type learned struct {
	Address string    `json:"address"`
	Heard   time.Time `json:"heard"`
}

// UnmarshalJSON reads an address alone, too.
func (l *learned) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &l.Address) == nil {
		return nil
	}
	type plain learned
	return json.Unmarshal(text, (*plain)(l))
}

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
			news, err := id.learn(t.From, t.Address, b.o.Clock())
			if err != nil {
				b.o.Log.Warn("the address of a control node is not kept", "control", t.From, "error", err)
			}
			if news {
				b.reach(id.Known())
			}
		}
	}
}

// reach makes the addresses those that the next connect tries, in their order.
func (b *Bus) reach(addresses []string) {
	urls := make([]string, len(addresses))
	for i, address := range addresses {
		urls[i] = "tls://" + address
	}
	if err := b.conn.SetServerPool(urls); err != nil && b.conn.Status() != nats.CLOSED {
		b.o.Log.Warn("an address of a control node cannot be used", "error", hideURL(err))
	}
}

// learn notes where a control node is, heard of at a time, and reports whether others are to be tried first now. Beyond the bound the one that was not
// heard the longest is forgotten. The file has the times of the last news, or of an hour ago.
func (id *Identity) learn(control, address string, now time.Time) (news bool, err error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	old, known := id.control[control]
	if id.control == nil {
		id.control = map[string]learned{}
	}
	id.control[control] = learned{address, now}
	if known && old.Address == address && now.Sub(id.kept).Abs() < heardPace {
		return false, nil
	}
	if len(id.control) > maxLearned {
		delete(id.control, id.latest()[maxLearned])
	}
	id.kept = now
	return true, id.write(id.pair.Load())
}

// latest are the control nodes that are known, the one heard last first; the lock is held.
func (id *Identity) latest() []string {
	names := slices.Sorted(maps.Keys(id.control))
	slices.SortStableFunc(names, func(a, b string) int { return id.control[b].Heard.Compare(id.control[a].Heard) })
	return names
}

// Known are the addresses of control nodes' buses that the node knows, in the order in which to try them: those of control nodes that
// were heard lately, those that it joined by, then the rest; each kind in an order of chance, so that edges spread.
func (id *Identity) Known() []string {
	id.mu.Lock()
	defer id.mu.Unlock()
	var lately, rest []string
	var newest time.Time
	for i, name := range id.latest() {
		l := id.control[name]
		if i == 0 {
			newest = l.Heard
		}
		if newest.Sub(l.Heard) <= 2*heardPace {
			lately = append(lately, l.Address)
		} else {
			rest = append(rest, l.Address)
		}
	}
	var known []string
	for _, kind := range [][]string{lately, slices.Clone(id.Addresses), rest} {
		mathrand.Shuffle(len(kind), func(i, j int) { kind[i], kind[j] = kind[j], kind[i] })
		for _, address := range kind {
			if !slices.Contains(known, address) {
				known = append(known, address)
			}
		}
	}
	return known
}
