package bus

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
)

// largest is the largest value that is taken in pieces: far beyond any document, so that a false size costs nothing.
const largest = 256 << 20

// askedAgain marks a request that was sent before, for those who only listen.
const askedAgain = "Fairlead-Again"

// Any control node of the group answers, and which one gets a request is chance: it may be one that hangs, or whose database does. So
// what has no answer after a while is sent again, up to askMore times, each pause twice the one before. Everything that is asked
// may be asked twice. A slow way is no reason: the first pause is at least thrice what the last good answer took, as far as there is
// time for another answer then.
const (
	askMore   = 3
	askAgain  = 300 * time.Millisecond
	askLatest = time.Second
)

// patience is how long an ask waits for an answer before it is sent again, by how long the last good answer took.
func patience(took time.Duration) time.Duration { return min(max(askAgain, 3*took), askLatest) }

// answered is what became of one request.
type answered struct {
	body      []byte
	err       error
	took      time.Duration
	elsewhere bool // another control node may do
}

// ask sends a request and gives its answer. It does not outlive the connection that it was sent over, for no answer
// comes over another.
func (b *Bus) ask(ctx context.Context, subject string, body []byte) ([]byte, error) {
	b.mu.Lock()
	epoch, pause := b.epoch, patience(b.took[subject])
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	defer context.AfterFunc(epoch, cancel)()
	a := firstOf(ctx, pause, func(ctx context.Context, repeated bool) answered { return b.request(ctx, subject, body, repeated) })
	if a.err == nil {
		b.mu.Lock()
		b.took[subject] = a.took
		b.mu.Unlock()
	}
	return a.body, a.err
}

// firstOf makes a request, again after a pause and pauses that double, and gives the first answer that counts.
func firstOf(ctx context.Context, pause time.Duration, request func(ctx context.Context, repeated bool) answered) answered {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	answers := make(chan answered, 1+askMore)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for sent, open := 0, 0; ; {
		if sent <= askMore {
			repeated := sent > 0
			group.Go(func() { answers <- request(ctx, repeated) })
			sent++
			open++
		}
		select {
		case a := <-answers:
			if open--; !a.elsewhere || (open == 0 && sent > askMore) {
				return a
			}
		case <-timer.C:
			pause *= 2
			timer.Reset(pause)
		}
	}
}

// request sends a request once.
func (b *Bus) request(ctx context.Context, subject string, body []byte, repeated bool) answered {
	msg := &nats.Msg{Subject: subject, Data: body}
	if repeated && b.conn.HeadersSupported() {
		msg.Header = nats.Header{askedAgain: {"1"}}
	}
	begun := time.Now()
	m, err := b.conn.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return answered{err: &fairlead.Error{Code: fairlead.CodeControlUnavailable, Message: "the control plane does not answer", Err: err}}
	}
	a := answeredBy(m.Data)
	a.took = time.Since(begun)
	return a
}

// answeredBy reads an answer.
func answeredBy(data []byte) (a answered) {
	a.body, a.err = readAnswer(data)
	a.elsewhere = a.err != nil && fairlead.AsError(a.err).Code == fairlead.CodeControlUnavailable
	return a
}

func (b *Bus) askControl(ctx context.Context, verb string, question any) ([]byte, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	return b.ask(ctx, subjectAsk(b.o.Name, verb), text)
}

// fetch gives what comes after a position, large changes with their contents.
func (b *Bus) fetch(ctx context.Context, at fairlead.Position) (page, error) {
	body, err := b.askControl(ctx, "fetch", askFetch{at.Number, at.Hash})
	if err != nil {
		return page{}, err
	}
	p, err := decodePage(body)
	if err != nil {
		return page{}, fmt.Errorf("read what was fetched: %w", err)
	}
	for i := range p.Changes {
		h := &p.Changes[i]
		if !h.large {
			continue
		}
		if h.Content, err = b.pieces(ctx, "piece", askPiece{Change: h.Number, Hash: h.Hash}); err != nil {
			return page{}, fmt.Errorf("fetch change %d: %w", h.Number, err)
		}
		h.large = false
		// One a page: the rest is fetched when this one is applied.
		p.Changes = p.Changes[:i+1]
		break
	}
	return p, nil
}

// has asks whether a change lies on the log.
func (b *Bus) has(ctx context.Context, number int64, hash fairlead.Hash) (t tellHas, err error) {
	body, err := b.askControl(ctx, "has", askFetch{number, hash})
	if err != nil {
		return t, err
	}
	if json.Unmarshal(body, &t) != nil {
		return t, errFrame
	}
	return t, nil
}

// pieces takes a large value, piece by piece.
func (b *Bus) pieces(ctx context.Context, verb string, q askPiece) ([]byte, error) {
	var value []byte
	for {
		q.Offset = int64(len(value))
		body, err := b.askControl(ctx, verb, q)
		if err != nil {
			return nil, err
		}
		p, err := decodePiece(body)
		if err != nil {
			return nil, err
		}
		end := q.Offset + int64(len(p.Part))
		if p.Offset != q.Offset || p.Size < end || p.Size > largest || (len(p.Part) == 0 && end < p.Size) {
			return nil, errFrame
		}
		if value = append(value, p.Part...); end == p.Size {
			return value, nil
		}
	}
}

// head begins a whole copy.
func (b *Bus) head(ctx context.Context) (h copyHead, err error) {
	body, err := b.askControl(ctx, "copy", struct{}{})
	if err != nil {
		return h, err
	}
	var t tellCopy
	if json.Unmarshal(body, &t) != nil || fairlead.ValidNodeName(t.From) != nil {
		return h, errFrame
	}
	text, err := b.pieces(ctx, "piece."+t.From, askPiece{Hash: t.Value})
	if err != nil {
		return h, err
	}
	if sha256.Sum256(text) != t.Value {
		return h, errors.New("the state came altered")
	}
	return h, json.Unmarshal(text, &h)
}

// keys gives the keys whose hashes come after one.
func (b *Bus) keys(ctx context.Context, after fairlead.KeyHash) (keyPage, error) {
	body, err := b.askControl(ctx, "keys", askKeys{fairlead.Hash(after)})
	if err != nil {
		return keyPage{}, err
	}
	return decodeKeys(body)
}
