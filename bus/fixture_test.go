package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fairlead"
	"fairlead/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// history is a log in memory, with a true chain: what control serves from.
type history struct {
	mu       sync.Mutex
	log      string
	changes  []fairlead.Change
	keys     map[fairlead.KeyHash]fairlead.Key
	state    fairlead.State
	secrets  []fairlead.SealedSecret
	lost     map[string][]fairlead.Change
	noted    map[string][]int64 // of these, without their contents
	again    []fairlead.Change  // what the next report makes
	revoked  map[string][]fairlead.Key
	acts     []fairlead.Act
	nodes    []fairlead.Node
	accounts fairlead.AccountContent
	listed   int // how often
	tokens   map[fairlead.Hash]string
	fail     error                  // what every read gives
	bend     func(*fairlead.Change) // alters what is read
}

func newHistory(log string) *history {
	return &history{
		log: log, keys: map[fairlead.KeyHash]fairlead.Key{}, lost: map[string][]fairlead.Change{}, noted: map[string][]int64{}, tokens: map[fairlead.Hash]string{},
		state: fairlead.State{Document: []byte("{}")},
	}
}

// commit appends a change.
func (h *history) commit(kind fairlead.ChangeKind, content []byte) fairlead.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := fairlead.Change{Number: int64(len(h.changes) + 1), Kind: kind, At: start, By: "admin", Content: content}
	c.Hash = c.Chain(h.headLocked().Hash)
	h.changes = append(h.changes, c)
	return c
}

// key commits a key whose hash is that of its name.
func (h *history) key(name string) fairlead.Change {
	k := fairlead.Key{ID: "key_" + name, Name: name, Hash: fairlead.HashKey(name), Created: start}
	h.mu.Lock()
	h.keys[k.Hash] = k
	h.mu.Unlock()
	content, _ := json.Marshal(fairlead.KeyContent{Keys: []fairlead.StoredKey{k.Stored()}})
	return h.commit(fairlead.ChangeKey, content)
}

// document commits a revision whose patch is the document.
func (h *history) document(doc string) fairlead.Change {
	h.mu.Lock()
	h.state.Revision++
	h.state.Document = []byte(doc)
	content, _ := json.Marshal(fairlead.RevisionContent{Revision: h.state.Revision, Patch: json.RawMessage(doc)})
	h.mu.Unlock()
	return h.commit(fairlead.ChangeRevision, content)
}

func (h *history) headLocked() fairlead.Position {
	p := fairlead.Position{Log: h.log, Number: int64(len(h.changes))}
	if p.Number > 0 {
		p.Hash = h.changes[p.Number-1].Hash
	}
	return p
}

func (h *history) Head(context.Context) (fairlead.Position, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.headLocked(), h.fail
}

func (h *history) Changes(_ context.Context, after int64, limit, maxBytes int) (list []fairlead.Change, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	size := 0
	for _, c := range h.changes[min(after, int64(len(h.changes))):] {
		if size += len(c.Content); len(list) == limit || (len(list) > 0 && size > maxBytes) {
			break
		}
		if h.bend != nil {
			h.bend(&c)
		}
		list = append(list, c)
	}
	return list, h.fail
}

func (h *history) Change(_ context.Context, n int64) (fairlead.Change, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n < 1 || n > int64(len(h.changes)) {
		return fairlead.Change{}, fairlead.Errorf(fairlead.CodeNotFound, "no such change")
	}
	return h.changes[n-1], h.fail
}

func (h *history) HasChange(_ context.Context, n int64, hash fairlead.Hash) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n == 0 {
		return hash == fairlead.Hash{}, h.fail
	}
	return n <= int64(len(h.changes)) && h.changes[n-1].Hash == hash, h.fail
}

func (h *history) State(context.Context) (fairlead.State, fairlead.Position, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.headLocked(), h.fail
}

func (h *history) AllAccounts(context.Context) (fairlead.AccountContent, error) {
	return h.accounts, nil
}

func (h *history) KeyPage(_ context.Context, after fairlead.KeyHash, limit int) ([]fairlead.Key, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []fairlead.Key
	for _, k := range h.keys {
		if bytes.Compare(k.Hash[:], after[:]) > 0 {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b fairlead.Key) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return list[:min(limit, len(list))], h.fail
}

func (h *history) Secrets(context.Context) ([]fairlead.SealedSecret, error) { return h.secrets, h.fail }

func (h *history) NoteLost(_ context.Context, node string, remembered []fairlead.Position) (missing []int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range remembered {
		known := false
		for _, list := range h.lost {
			if i := slices.IndexFunc(list, func(c fairlead.Change) bool { return c.Hash == p.Hash }); i >= 0 && !known {
				h.noted[node] = append(h.noted[node], p.Number)
				known = true
			}
		}
		if !known {
			missing = append(missing, p.Number)
		}
	}
	return missing, h.fail
}

func (h *history) ReportLost(_ context.Context, node string, changes []fairlead.Change) ([]fairlead.Change, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost[node] = append(h.lost[node], changes...)
	made := h.again
	h.again = nil
	return made, h.fail
}

func (h *history) RevokeLost(_ context.Context, node string, keys []fairlead.Key) ([]fairlead.Change, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.revoked == nil {
		h.revoked = map[string][]fairlead.Key{}
	}
	h.revoked[node] = append(h.revoked[node], keys...)
	return nil, h.fail
}

func (h *history) Note(_ context.Context, act fairlead.Act) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, act)
	return h.fail
}

func (h *history) Nodes(context.Context) ([]fairlead.Node, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listed++
	return slices.Clone(h.nodes), h.fail
}

func (h *history) NodeByToken(_ context.Context, token fairlead.Hash, _ time.Time) (fairlead.Node, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if name, ok := h.tokens[token]; ok {
		for _, n := range h.nodes {
			if n.Name == name {
				return n, nil
			}
		}
	}
	return fairlead.Node{}, fairlead.Errorf(fairlead.CodeInvalidKey, "no such token")
}

func (h *history) JoinNode(_ context.Context, token fairlead.Hash, now time.Time, node fairlead.Node, _ fairlead.Act) (fairlead.Node, fairlead.Change, error) {
	h.mu.Lock()
	if h.tokens[token] != node.Name {
		h.mu.Unlock()
		return fairlead.Node{}, fairlead.Change{}, fairlead.Errorf(fairlead.CodeInvalidKey, "no such token")
	}
	delete(h.tokens, token)
	node.Joined = now
	h.nodes[slices.IndexFunc(h.nodes, func(n fairlead.Node) bool { return n.Name == node.Name })] = node
	h.mu.Unlock()
	content, _ := json.Marshal(node)
	return node, h.commit(fairlead.ChangeNode, content), nil
}

// remove makes a node a tombstone.
func (h *history) remove(name string) fairlead.Change {
	h.mu.Lock()
	i := slices.IndexFunc(h.nodes, func(n fairlead.Node) bool { return n.Name == name })
	h.nodes[i].Removed = start
	content, _ := json.Marshal(h.nodes[i])
	h.mu.Unlock()
	return h.commit(fairlead.ChangeNode, content)
}

// set does something under the lock.
func (h *history) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// disk is a replica in memory. It refuses what a replica has to refuse.
type disk struct {
	mu       sync.Mutex
	at       fairlead.Position
	changes  map[int64]fairlead.Change // remembered
	keys     map[fairlead.KeyHash]fairlead.Key
	state    fairlead.State
	secrets  []fairlead.SealedSecret
	accounts fairlead.AccountContent
	applies  int
	copies   int
	commits  int
	refusals int
	fail     error
	moved    chan struct{} // closed when something was applied
}

func newDisk() *disk {
	return &disk{changes: map[int64]fairlead.Change{}, keys: map[fairlead.KeyHash]fairlead.Key{}, moved: make(chan struct{})}
}

func (d *disk) Position(context.Context) (fairlead.Position, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at, nil
}

func (d *disk) Apply(_ context.Context, log string, changes []fairlead.Change) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		d.refusals++
		return d.fail
	}
	d.at.Log = log
	d.applies++
	for _, c := range changes {
		if err := d.fold(c); err != nil {
			return err
		}
	}
	close(d.moved)
	d.moved = make(chan struct{})
	return nil
}

// Refuse is what real replicas are tested with.
func (d *disk) Refuse(context.Context, fairlead.Change) {}

func (d *disk) fold(c fairlead.Change) error {
	if c.Number != d.at.Number+1 || c.Chain(d.at.Hash) != c.Hash {
		return fmt.Errorf("change %d does not follow %d", c.Number, d.at.Number)
	}
	switch c.Kind {
	case fairlead.ChangeKey:
		var k fairlead.KeyContent
		if err := json.Unmarshal(c.Content, &k); err != nil {
			return err
		}
		for _, s := range k.Keys {
			d.keys[fairlead.KeyHash(s.Hash)] = s.Key()
		}
	case fairlead.ChangeRevision:
		var r fairlead.RevisionContent
		if err := json.Unmarshal(c.Content, &r); err != nil {
			return err
		}
		d.state.Revision, d.state.Document = r.Revision, r.Patch
	}
	d.at.Number, d.at.Hash, d.changes[c.Number] = c.Number, c.Hash, c
	return nil
}

func (d *disk) Known(_ context.Context, through int64) (fairlead.Position, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at.Number <= through {
		return fairlead.Position{Number: d.at.Number, Hash: d.at.Hash}, nil
	}
	known := fairlead.Position{}
	for n, c := range d.changes {
		if n <= through && n > known.Number {
			known = fairlead.Position{Number: n, Hash: c.Hash}
		}
	}
	return known, nil
}

func (d *disk) Since(_ context.Context, n int64) ([]fairlead.Change, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []fairlead.Change
	for _, at := range slices.Sorted(maps.Keys(d.changes)) {
		if at > n {
			list = append(list, d.changes[at])
		}
	}
	return list, nil
}

func (d *disk) BeginCopy(_ context.Context, at fairlead.Position) (bus.Copy, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.copies++
	next := newDisk()
	next.at = at
	if at.Number > 0 {
		next.changes[at.Number] = fairlead.Change{Number: at.Number, Hash: at.Hash}
	}
	return &staged{of: d, next: next}, nil
}

type staged struct {
	of   *disk
	next *disk
}

func (s *staged) Remember(_ context.Context, through int64) error {
	for n, c := range s.of.changes {
		if n <= through && n <= s.next.at.Number {
			s.next.changes[n] = c
		}
	}
	return nil
}

func (s *staged) Revoked(_ context.Context, after fairlead.KeyHash) (keys []fairlead.Key, err error) {
	for hash, k := range s.of.keys {
		if now, ok := s.next.keys[hash]; ok && !k.Active() && now.Active() && now.ID == k.ID && bytes.Compare(hash[:], after[:]) > 0 {
			s.next.keys[hash] = k
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b fairlead.Key) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return keys, nil
}

func (s *staged) Keys(_ context.Context, keys []fairlead.Key) error {
	for _, k := range keys {
		s.next.keys[k.Hash] = k
	}
	return nil
}

func (s *staged) Accounts(_ context.Context, all fairlead.AccountContent) error {
	s.next.accounts = all
	return nil
}

func (s *staged) Rest(_ context.Context, state fairlead.State, secrets []fairlead.SealedSecret) error {
	s.next.state, s.next.secrets = state, secrets
	return nil
}

func (s *staged) Apply(ctx context.Context, changes []fairlead.Change) error {
	return s.next.Apply(ctx, s.next.at.Log, changes)
}

func (s *staged) Commit(_ context.Context, log string) error {
	d := s.of
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.next.at.Log != log {
		return errors.New("the copy is of another log")
	}
	d.at, d.changes, d.keys, d.state, d.secrets, d.accounts = s.next.at, s.next.changes, s.next.keys, s.next.state, s.next.secrets, s.next.accounts
	d.commits++
	close(d.moved)
	d.moved = make(chan struct{})
	return nil
}

func (s *staged) Discard() error { return nil }

// reach waits until the replica stands at a change.
func (d *disk) reach(t testing.TB, n int64) {
	t.Helper()
	d.until(t, fmt.Sprintf("change %d", n), func() bool { return d.at.Number == n })
}

// until waits for something that is looked at under the lock after each change.
func (d *disk) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	bound := time.After(20 * time.Second)
	for {
		d.mu.Lock()
		done, at, moved := ok(), d.at, d.moved
		d.mu.Unlock()
		if done {
			return
		}
		select {
		case <-moved:
		case <-bound:
			t.Fatalf("waited for %s; the replica stands at %d", what, at.Number)
		}
	}
}

// eventually polls, with a bound.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	bound := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-bound:
			t.Fatalf("waited for %s", what)
		}
	}
}

// receive waits for a value, with a bound.
func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running runs something until the test ends.
func running(t testing.TB, what string, f func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// lines are what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newLines() *lines { return &lines{} }

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write takes a line.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count counts the lines that have a word.
func (l *lines) count(word string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte(word))
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// testBeat keeps tests short; nothing depends on its length.
const testBeat = 50 * time.Millisecond

func startBus(t testing.TB, o bus.Options) *bus.Bus {
	t.Helper()
	if o.Name == "" {
		o.Name = "one"
	}
	if o.Beat == 0 {
		o.Beat = testBeat
	}
	if o.Log == nil {
		o.Log = quiet()
	}
	b, err := bus.Start(t.Context(), o)
	check(t, err)
	t.Cleanup(b.Close)
	return b
}

func serve(t testing.TB, b *bus.Bus, log bus.Log, name string) (stop func()) {
	t.Helper()
	return running(t, "serve", func(ctx context.Context) error { return bus.Serve(ctx, b, log, name) })
}

func follow(t testing.TB, b *bus.Bus, d *disk, o bus.FollowOptions) (stop func()) {
	t.Helper()
	return running(t, "follow", func(ctx context.Context) error { return bus.Follow(ctx, b, d, o) })
}
