package bus

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"fairlead"
)

// largest is the largest value that is taken in pieces: far beyond any document, so that a false size costs nothing.
const largest = 256 << 20

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
