package bus

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/nats-io/nats.go"

	"fairlead"
)

// The first byte of an answer says whether it is one.
const (
	answerOK    = '+'
	answerError = '-'
)

// refusal is an error on the wire: its code and the message for the caller; the cause stays where it was logged.
type refusal struct {
	Code    fairlead.Code `json:"code"`
	Message string        `json:"message"`
}

func answer(body []byte, err error) []byte {
	if err == nil {
		return append([]byte{answerOK}, body...)
	}
	e := fairlead.AsError(err)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		e = fairlead.Errorf(fairlead.CodeControlUnavailable, "the control plane does not answer in time")
	}
	text, _ := json.Marshal(refusal{e.Code, e.Message}) // two texts; cannot fail
	return append([]byte{answerError}, text...)
}

func readAnswer(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, errFrame
	}
	switch data[0] {
	case answerOK:
		return data[1:], nil
	case answerError:
		var r refusal
		if json.Unmarshal(data[1:], &r) != nil || r.Code == "" {
			return nil, errFrame
		}
		return nil, fairlead.Errorf(r.Code, r.Message)
	}
	return nil, errFrame
}

// work is what control does for a request: the node that asks, and what it says.
type work func(ctx context.Context, node string, body []byte) ([]byte, error)

// desk does the work on requests: some at once, each within a bound of time. Those beyond wait at the subscription,
// and by the time they would be late their askers have asked again.
type desk struct {
	b     *Bus
	ctx   context.Context
	slots chan struct{}
	stops []func()
}

func newDesk(ctx context.Context, b *Bus, atOnce int) *desk {
	return &desk{b: b, ctx: ctx, slots: make(chan struct{}, atOnce)}
}

// take answers the requests on a subject.
func (d *desk) take(subject, queue string, do work) error {
	stop, err := d.b.subscribe(subject, queue, func(m *nats.Msg) {
		node, ok := asker(m.Subject, m.Reply)
		if !ok {
			return
		}
		select {
		case d.slots <- struct{}{}:
		case <-d.ctx.Done():
			return
		}
		go func() {
			defer func() { <-d.slots }()
			d.reply(m, node, do)
		}()
	})
	if err == nil {
		d.stops = append(d.stops, stop)
	}
	return err
}

func (d *desk) reply(m *nats.Msg, node string, do work) {
	ctx, cancel := context.WithTimeout(d.ctx, serveTimeout)
	defer cancel()
	body, err := do(ctx, node, m.Data)
	if err != nil && d.ctx.Err() == nil {
		d.b.o.Log.Warn("a request of a node failed", "node", node, "subject", m.Subject, "error", err)
	}
	if err := d.b.conn.Publish(m.Reply, answer(body, err)); err != nil && d.ctx.Err() == nil {
		d.b.o.Log.Warn("an answer to a node was not sent", "node", node, "subject", m.Subject, "error", err)
	}
}

// close ends the subscriptions and waits for the work at hand.
func (d *desk) close() {
	for _, stop := range d.stops {
		stop()
	}
	for range cap(d.slots) {
		d.slots <- struct{}{}
	}
}
