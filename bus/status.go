package bus

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
)

const (
	// statusPace is the least time between two statuses on the wire.
	statusPace = 50 * time.Millisecond
	// statusBytes is the largest status; what is more in it is lists for people to read.
	statusBytes = 64 << 10
)

// statusSlot holds the latest status until it may be sent.
type statusSlot struct {
	mu      sync.Mutex
	latest  *fairlead.NodeStatus // not sent yet
	timer   *time.Timer          // runs while the pace holds the next one back
	stopped bool
	cut     bool // it was said that a status is shortened
}

// Report tells control how this node is. The latest status wins: at most 20 a second are sent. Without a connection
// it is not sent; a node reports again each second.
func (b *Bus) Report(status fairlead.NodeStatus) {
	s := &b.status
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.latest = &status
	if s.timer == nil {
		b.sendStatus()
		s.timer = time.AfterFunc(statusPace, b.pace)
	}
}

// pace sends what came in meanwhile.
func (b *Bus) pace() {
	s := &b.status
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	if s.latest == nil {
		s.timer = nil
		return
	}
	b.sendStatus()
	s.timer = time.AfterFunc(statusPace, b.pace)
}

// sendStatus sends the latest; the lock is held.
func (b *Bus) sendStatus() {
	status := *b.status.latest
	b.status.latest = nil
	text, err := json.Marshal(status)
	if err != nil {
		return // texts and numbers; cannot fail
	}
	if len(text) > statusBytes {
		if !b.status.cut {
			b.status.cut = true
			b.o.Log.Warn("this node's status is larger than 64 KiB and shown shortened", "bytes", len(text), "unresolved", len(status.Unresolved))
		}
		text = shortened(status)
	}
	_ = b.conn.Publish(subjectUp(b.o.Name, "status"), text)
}

// shortened is a status that fits: with the first of its long lists, and the beginning of its texts.
func shortened(s fairlead.NodeStatus) []byte {
	s.Unresolved = s.Unresolved[:min(len(s.Unresolved), 100)]
	s = healthOf(s, 50)
	for most := 4 << 10; ; most /= 2 {
		s.ConfigError, s.Loading = beginning(s.ConfigError, most), beginning(s.Loading, most)
		if s.Spool != nil {
			spool := *s.Spool
			spool.Failing = beginning(spool.Failing, most)
			s.Spool = &spool
		}
		text, err := json.Marshal(s)
		if err != nil || len(text) <= statusBytes || most == 0 {
			return text
		}
		s.Unresolved = s.Unresolved[:len(s.Unresolved)/2]
		s = healthOf(s, len(s.Health)/2)
	}
}

// healthOf is a status with so many of its endpoints' health at most; the others are counted.
func healthOf(s fairlead.NodeStatus, most int) fairlead.NodeStatus {
	kept := min(len(s.Health), most)
	s.HealthMore += len(s.Health) - kept
	s.Health = s.Health[:kept]
	return s
}

// beginning is a text of so many bytes at most, whole characters.
func beginning(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

func (s *statusSlot) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// Statuses calls f with each status that a node reports, one at a time, until ctx ends. A node can report in its own
// name alone. Its role is the one that the list of nodes has; an edge, and who is not on the list, has no bus.
func (b *Bus) Statuses(ctx context.Context, f func(fairlead.NodeStatus)) error {
	stop, err := b.subscribe(subjectUp("*", "status"), "", func(m *nats.Msg) {
		var status fairlead.NodeStatus
		if len(m.Data) > statusBytes || json.Unmarshal(m.Data, &status) != nil {
			return
		}
		if name, _ := asker(m.Subject, ""); status.Name == name {
			b.correct(&status)
			f(status)
		}
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	stop()
	return nil
}

// correct puts what a node is in the place of what it says that it is: others are sent to the bus of a control node.
func (b *Bus) correct(s *fairlead.NodeStatus) {
	if s.Name == b.o.Name {
		return
	}
	if s.Role = b.members.role(s.Name); s.Role == fairlead.RoleEdge || !validAddresses([]string{s.Bus}) {
		s.Bus = ""
	}
}

// Send sends a message of a kind to control, in this node's name, and waits until one control node has taken it; the
// answer is what that one said. It is at least once: a message whose answer was lost is sent again by its sender.
func (b *Bus) Send(ctx context.Context, kind string, body []byte) ([]byte, error) {
	return b.ask(ctx, subjectUp(b.o.Name, kind), body)
}

// Receive has f called with the messages of a kind that nodes send, some at once, until ctx ends. Each message comes
// to one of the control nodes; the node that f is told is the one that sent it.
func (b *Bus) Receive(ctx context.Context, kind string, f func(ctx context.Context, node string, body []byte) ([]byte, error)) error {
	d := newDesk(ctx, b, serving)
	defer d.close()
	if err := d.take(subjectUp("*", kind), queueControl, f); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// Listen has f called with the messages of a kind that nodes send, one at a time, at each control node that listens,
// until stop. It takes none of them away from those that receive; what comes faster than f takes it is dropped.
func (b *Bus) Listen(kind string, f func(node string, body []byte)) (stop func(), err error) {
	stop, err = b.subscribe(subjectUp("*", kind), "", func(m *nats.Msg) {
		if node, ok := asker(m.Subject, m.Reply); ok && m.Header.Get(askedAgain) == "" {
			f(node, m.Data)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := b.conn.FlushTimeout(askTimeout); err != nil {
		stop()
		return nil, &fairlead.Error{Code: fairlead.CodeControlUnavailable, Message: "the bus does not answer", Err: err}
	}
	return stop, nil
}
