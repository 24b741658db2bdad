package bus

import (
	"context"
	"encoding/json"
	"sync"

	"fairlead"
	"fairlead/internal/paced"
)

// uploads holds large contents while edges bring them in pieces. Edges that bring the same add to one another.
type uploads struct {
	mu      sync.Mutex
	values  *values     // as far as they are there
	refused paced.Lines // entries of the audit about nodes whose report was not taken
}

func newUploads() *uploads {
	return &uploads{values: newValues(), refused: paced.Lines{Every: refusalPace}}
}

// take takes a piece, and gives what there is of the value.
func (u *uploads) take(name fairlead.Hash, p *piece) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	value, _ := u.values.get(name)
	if int64(len(value)) > p.Size {
		value = nil // somebody else was wrong; the hash will tell who
	}
	if have := int64(len(value)); p.Offset <= have && have < p.Offset+int64(len(p.Part)) {
		value = append(value, p.Part[have-p.Offset:]...)
		u.values.put(name, value)
	}
	return value
}

func (u *uploads) drop(name fairlead.Hash) {
	u.values.mu.Lock()
	defer u.values.mu.Unlock()
	u.values.drop(name)
}

// remembers takes which changes an edge has applied that this log may not have, and answers which of them are to be sent.
func (s *source) remembers(ctx context.Context, node string, body []byte) ([]byte, error) {
	q, err := read[askRemembers](body)
	if err != nil {
		return nil, err
	}
	if len(q.Changes) > lostPage {
		return nil, fairlead.Errorf(fairlead.CodeInvalidRequest, "these are too many changes for one report")
	}
	list := make([]fairlead.Position, len(q.Changes))
	for i, c := range q.Changes {
		list[i] = fairlead.Position{Number: c.Number, Hash: c.Hash}
	}
	t := tellRemembers{From: s.name}
	if t.Missing, err = s.log.NoteLost(ctx, node, list); err != nil {
		return nil, err
	}
	return json.Marshal(t)
}

// lost takes changes that an edge has applied and this log does not have.
func (s *source) lost(ctx context.Context, node string, body []byte) ([]byte, error) {
	r, err := decodeLost(body)
	if err != nil {
		return nil, err
	}
	return nil, s.keepLost(ctx, node, r)
}

// lostPiece takes a piece of the content of such a change, and keeps the change once it is whole.
func (s *source) lostPiece(ctx context.Context, node string, body []byte) ([]byte, error) {
	r, p, err := decodeLargeLost(body)
	if err != nil {
		return nil, err
	}
	l := &r.changes[0]
	if p.Size < 1 || p.Size > lostLargest || p.Offset < 0 || p.Offset > p.Size-int64(len(p.Part)) {
		return nil, fairlead.Errorf(fairlead.CodeInvalidRequest, "the content has no such part")
	}
	value := s.uploads.take(l.Hash, &p)
	t := tellTaken{Have: int64(len(value))}
	if t.Have == p.Size {
		l.Content, l.large = value, false
		if err := s.keepLost(ctx, node, r); err != nil {
			if fairlead.AsError(err).Code == fairlead.CodeInvalidRequest {
				s.uploads.drop(l.Hash)
			}
			return nil, err
		}
		t.Kept = true
	}
	return json.Marshal(t)
}
