package bus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
)

// Words are short messages that nobody answers and nothing keeps: who misses one hears the next, which says what it said or
// counts on from it. A kind has no dots. A word is at most as large as the largest message that the server takes, 1 MiB.

// Tell tells all nodes a word of a kind. Control alone may.
func (b *Bus) Tell(kind string, body []byte) { b.word(subjectTell(kind), body) }

// Told calls f with each word of a kind that control tells, one at a time, until ctx ends.
func (b *Bus) Told(ctx context.Context, kind string, f func(body []byte)) error {
	return b.words(ctx, subjectTell(kind), func(m *nats.Msg) { f(m.Data) })
}

// Say says a word of a kind to control, in this node's name.
func (b *Bus) Say(kind string, body []byte) { b.word(subjectUp(b.o.Name, kind), body) }

// Said calls f with each word of a kind that nodes say, one at a time, until ctx ends. Every control node hears them
// all; the node that f is told is the one that said it.
func (b *Bus) Said(ctx context.Context, kind string, f func(node string, body []byte)) error {
	return b.words(ctx, subjectUp("*", kind), func(m *nats.Msg) {
		node, _ := asker(m.Subject, "")
		f(node, m.Data)
	})
}

func (b *Bus) word(subject string, body []byte) {
	// Without a connection it is lost, as it would be on the way.
	if err := b.conn.Publish(subject, body); errors.Is(err, nats.ErrMaxPayload) {
		b.o.Log.Warn("a word is too large for the bus", "subject", subject, "bytes", len(body))
	}
}

func (b *Bus) words(ctx context.Context, subject string, f func(*nats.Msg)) error {
	stop, err := b.subscribe(subject, "", f)
	if err != nil {
		return err
	}
	<-ctx.Done()
	stop()
	return nil
}
