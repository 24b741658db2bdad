package bus

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
)

// Log is what Serve reads of the store, and what it has written: which changes edges remember that it lacks.
type Log interface {
	Head(ctx context.Context) (fairlead.Position, error)
	Changes(ctx context.Context, after int64, limit, maxBytes int) ([]fairlead.Change, error)
	Change(ctx context.Context, number int64) (fairlead.Change, error)
	HasChange(ctx context.Context, number int64, hash fairlead.Hash) (bool, error)
	State(ctx context.Context) (fairlead.State, fairlead.Position, error)
	KeyPage(ctx context.Context, after fairlead.KeyHash, limit int) ([]fairlead.Key, error)
	Secrets(ctx context.Context) ([]fairlead.SealedSecret, error)
	// AllAccounts gives all accounts and teams.
	AllAccounts(ctx context.Context) (fairlead.AccountContent, error)
	// NoteLost gives the numbers of those changes whose contents ReportLost is to bring.
	NoteLost(ctx context.Context, node string, remembered []fairlead.Position) (missing []int64, err error)
	// ReportLost gives the changes that it makes, if any: keys are revoked again, and edges removed.
	ReportLost(ctx context.Context, node string, changes []fairlead.Change) ([]fairlead.Change, error)
	// RevokeLost revokes keys again that a node remembers as revoked, and gives the changes that it makes, if any.
	RevokeLost(ctx context.Context, node string, keys []fairlead.Key) ([]fairlead.Change, error)
	// Note adds an act to the audit.
	Note(ctx context.Context, act fairlead.Act) error
}

// maxBeat bounds the bytes of a beat.
const maxBeat = 1024

// beat tells where the log ends.
type beat struct {
	From    string `json:"from"`              // control node
	Address string `json:"address,omitempty"` // at which edges reach its bus
	fairlead.Position
}

// The bodies of requests.
type (
	askFetch struct {
		After int64         `json:"after"`
		Hash  fairlead.Hash `json:"hash"`
	}
	askKeys struct {
		After fairlead.Hash `json:"after"`
	}
	askPiece struct {
		Change int64         `json:"change,omitempty"` // whose content; 0 = a value that the answerer holds
		Hash   fairlead.Hash `json:"hash"`             // of the change, or the SHA-256 of the value
		Offset int64         `json:"offset"`
	}
)

// The bodies of answers that are not frames.
type (
	tellHas struct {
		Has  bool              `json:"has"`
		Head fairlead.Position `json:"head"`
	}
	// tellCopy says where the first part of a whole copy is to be had, piece by piece.
	tellCopy struct {
		From  string        `json:"from"` // control node
		Value fairlead.Hash `json:"value"`
	}
	// copyHead is that part.
	copyHead struct {
		Position fairlead.Position       `json:"position"`
		State    fairlead.State          `json:"state"`
		Secrets  []fairlead.SealedSecret `json:"secrets"`
		Accounts fairlead.AccountContent `json:"accounts,omitzero"`
	}
)

// serving is how many requests are worked on at once: enough to keep a database busy, few enough to leave it to others.
const serving = 16

// Publish tells all edges of a committed change. It is not kept and not repeated: who misses it learns of it from the
// next beat.
func (b *Bus) Publish(change fairlead.Change) {
	if err := b.conn.Publish(subjectChange, encodeChange(&change)); err != nil {
		b.o.Log.Warn("a change was not published; edges will fetch it", "change", change.Number, "error", err)
	}
}

// source is a control node at work for edges.
type source struct {
	b    *Bus
	log  Log
	name string
	// address is where edges reach this node's bus; "" = none that they could use.
	address string
	values  *values
	uploads *uploads
}

// Serve answers edges from the log and beats, until ctx ends. Any number of control nodes may serve one log.
func Serve(ctx context.Context, b *Bus, log Log, name string, ready ...func()) error {
	s := &source{b: b, log: log, name: name, address: b.advertised(), values: newValues(), uploads: newUploads()}
	d := newDesk(ctx, b, serving)
	defer d.close()
	for _, t := range []struct {
		subject, queue string
		do             work
	}{
		{subjectAsk("*", "fetch"), queueControl, s.fetch},
		{subjectAsk("*", "has"), queueControl, s.has},
		{subjectAsk("*", "copy"), queueControl, s.copy},
		{subjectAsk("*", "keys"), queueControl, s.keys},
		{subjectAsk("*", "piece"), queueControl, s.piece},
		{subjectPieces("*", name), "", s.piece},
		{subjectUp("*", "remembers"), queueControl, s.remembers},
		{subjectUp("*", "lost"), queueControl, s.lost},
		{subjectUp("*", "revoked"), queueControl, s.revoked},
		{subjectUp("*", "lost."+name), "", s.lostPiece},
	} {
		if err := d.take(t.subject, t.queue, t.do); err != nil {
			return err
		}
	}
	left := make(chan struct{}, 1)
	stop, err := b.subscribe(subjectChange, "", func(m *nats.Msg) {
		if h, err := decodeChange(m.Data); err == nil && h.Kind == fairlead.ChangeNode {
			select {
			case left <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	for _, f := range ready { // what this process asks from now on is answered
		f()
	}
	s.beats(ctx, left)
	return nil
}

// beats beats, and looks who left: at once where a change says so, else when the log has grown.
func (s *source) beats(ctx context.Context, left <-chan struct{}) {
	tick := time.NewTicker(s.b.o.Beat)
	defer tick.Stop()
	var seen fairlead.Position
	well := true
	for {
		head, err := s.beat(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && well:
			s.b.o.Log.Warn("the log cannot be read; edges will say that they are stale", "error", err)
		case err == nil && !well:
			s.b.o.Log.Info("the log can be read again")
		}
		if well = err == nil; well && head != seen && s.members(ctx) {
			seen = head
		}
		for again := true; again; {
			select {
			case <-ctx.Done():
				return
			case <-left:
				s.members(ctx)
			case <-tick.C:
				again = false
			}
		}
	}
}

func (s *source) beat(ctx context.Context) (fairlead.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	head, err := s.log.Head(ctx)
	if err != nil {
		return head, err
	}
	text, err := json.Marshal(beat{s.name, s.address, head})
	if err != nil {
		return head, err
	}
	// Not sent where the connection is broken: then it is not heard either, and the log can still be read.
	_ = s.b.conn.Publish(subjectBeat, text)
	return head, nil
}

// members reads who belongs to the fleet and ends the connections of those who do not.
func (s *source) members(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	if err := s.b.members.refresh(ctx); err != nil {
		return false
	}
	s.b.sweep()
	return true
}

// fetch answers with the changes after the asker's position, if that lies on the log.
func (s *source) fetch(ctx context.Context, _ string, body []byte) ([]byte, error) {
	q, err := read[askFetch](body)
	if err != nil {
		return nil, err
	}
	p := page{}
	if p.Head, err = s.log.Head(ctx); err != nil {
		return nil, err
	}
	if p.OnChain, err = s.log.HasChange(ctx, q.After, q.Hash); err != nil {
		return nil, err
	}
	if p.OnChain {
		changes, err := s.log.Changes(ctx, q.After, pageChanges, pageBytes)
		if err != nil {
			return nil, err
		}
		p.Changes = pageOf(changes)
	}
	return p.encode(), nil
}

// pageOf keeps what fits into a message; a large change goes without its content.
func pageOf(changes []fairlead.Change) []heard {
	var list []heard
	size := 0
	for _, c := range changes {
		h := heard{Change: c, large: len(c.Content) == 0 || len(c.Content) > wholeLimit}
		if !h.large {
			size += len(c.Content)
		}
		if size += 100 + len(c.By); size > pageBytes+pageBytes/4 && len(list) > 0 {
			break
		}
		list = append(list, h)
	}
	return list
}

func (s *source) has(ctx context.Context, _ string, body []byte) ([]byte, error) {
	q, err := read[askFetch](body)
	if err != nil {
		return nil, err
	}
	t := tellHas{}
	if t.Head, err = s.log.Head(ctx); err != nil {
		return nil, err
	}
	if t.Has, err = s.log.HasChange(ctx, q.After, q.Hash); err != nil {
		return nil, err
	}
	return json.Marshal(t)
}

// copy begins a whole copy. The state is of one moment with its position, and secrets and accounts are read after it: what
// changes them later is replayed.
func (s *source) copy(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	h := copyHead{}
	var err error
	if h.State, h.Position, err = s.log.State(ctx); err != nil {
		return nil, err
	}
	if h.Secrets, err = s.log.Secrets(ctx); err != nil {
		return nil, err
	}
	if h.Accounts, err = s.log.AllAccounts(ctx); err != nil {
		return nil, err
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("write the state: %w", err)
	}
	sum := fairlead.Hash(sha256.Sum256(text))
	s.values.put(sum, text)
	return json.Marshal(tellCopy{From: s.name, Value: sum})
}

func (s *source) keys(ctx context.Context, _ string, body []byte) ([]byte, error) {
	q, err := read[askKeys](body)
	if err != nil {
		return nil, err
	}
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	p := keyPage{Log: head.Log}
	if p.Keys, err = s.log.KeyPage(ctx, fairlead.KeyHash(q.After), keysPage); err != nil {
		return nil, err
	}
	p.Last = len(p.Keys) < keysPage
	p.fit()
	return p.encode(), nil
}

func (s *source) piece(ctx context.Context, _ string, body []byte) ([]byte, error) {
	q, err := read[askPiece](body)
	if err != nil {
		return nil, err
	}
	value, ok := s.values.get(q.Hash)
	if !ok && q.Change > 0 {
		c, err := s.log.Change(ctx, q.Change)
		if err != nil {
			return nil, err
		}
		if ok = c.Hash == q.Hash; ok {
			value = c.Content
			s.values.put(q.Hash, value)
		}
	}
	if !ok {
		return nil, fairlead.Errorf(fairlead.CodeNotFound, "this value is not held any more")
	}
	p := piece{Size: int64(len(value)), Offset: q.Offset}
	if q.Offset < 0 || q.Offset > p.Size {
		return nil, fairlead.Errorf(fairlead.CodeInvalidRequest, "the value has no such part")
	}
	p.Part = value[q.Offset:min(p.Size, q.Offset+wholeLimit)]
	return p.encode(), nil
}

// read reads the body of a request.
func read[T any](body []byte) (q T, err error) {
	if json.Unmarshal(body, &q) != nil {
		return q, fairlead.Errorf(fairlead.CodeMalformed, "the request cannot be read")
	}
	return q, nil
}
