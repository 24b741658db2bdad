package bus

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
)

// Replica is what Follow keeps at the log's end.
type Replica interface {
	Position(ctx context.Context) (fairlead.Position, error)
	// Apply applies changes in order, all or none, and returns once the data plane decides by them or was told.
	Apply(ctx context.Context, log string, changes []fairlead.Change) error
	// Refuse has the keys refused at once that a change revokes which was heard and has to wait, until the replica stands there.
	// It waits for none of the others.
	Refuse(ctx context.Context, change fairlead.Change)
	// Known gives number and hash of the last change that is still remembered and not after a number; the begin is known always.
	Known(ctx context.Context, through int64) (fairlead.Position, error)
	// BeginCopy stages a whole copy of the log at a position, beside what serves.
	BeginCopy(ctx context.Context, at fairlead.Position) (Copy, error)
	// Since gives the remembered changes after a number, in order. Some may be missing; of one without a kind only the hash is known.
	Since(ctx context.Context, number int64) ([]fairlead.Change, error)
}

// Copy is a whole copy that is being made. Nothing of it is seen before Commit. Either Commit or Discard ends it.
type Copy interface {
	// Remember takes over the changes up to a number that the replica remembers. It comes before Apply.
	Remember(ctx context.Context, through int64) error
	Keys(ctx context.Context, keys []fairlead.Key) error
	Accounts(ctx context.Context, all fairlead.AccountContent) error
	Rest(ctx context.Context, state fairlead.State, secrets []fairlead.SealedSecret) error
	// Apply replays changes since the position: what they say may be in the copy already.
	Apply(ctx context.Context, changes []fairlead.Change) error
	// Revoked revokes keys in the copy that the replica has as revoked, a page of them behind a hash, and gives them; none = no more.
	Revoked(ctx context.Context, after fairlead.KeyHash) ([]fairlead.Key, error)
	Commit(ctx context.Context, log string) error
	Discard() error
}

// ErrDiverged is wrapped by an error of Replica.Apply that says: the changes are sound but do not fit what is here.
// Everything is copied then.
var ErrDiverged = errors.New("the replica has diverged from its log")

// FollowOptions are what a follower tells of itself; each may be nil. The calls come one at a time.
type FollowOptions struct {
	Heard   func()               // a beat was heard; it may come beside another call
	Stale   func(stale bool)     // nothing was heard for three beats, or it is heard again
	Loading func(what string)    // how far a whole copy is; "" = it has ended
	Refused func(changes int64)  // changes so far that did not fit the chain, and were fetched again
	Copied  func(foreign bool)   // a whole copy was put in place; foreign: of another log
	Sure    func()               // once: what the replica holds is known to be of the log that control has
	Clock   func() time.Time     // time.Now where nil; only differences of it count
	Fetched func(changes, n int) // changes that came with the n-th fetch
}

// follower runs a machine: it hears for it, and takes its steps.
type follower struct {
	b       *Bus
	replica Replica
	o       FollowOptions
	m       *machine
	log     *slog.Logger
	fetches int
	refused int64
	trouble string // the last error that was logged, so that it is said once
	sure    bool   // it was told

	mu     sync.Mutex
	heard  []heard
	beats  map[string]fairlead.Position // the latest of each control node
	bytes  int
	look   bool
	held   bool          // everything is copied, so that what is heard has to wait
	notify chan struct{} // has a token while there is something
	listen *listener

	announced chan heard // large changes of keys, to be fetched before their turn
}

// Follow keeps a replica at the log's end, until ctx ends. It returns early only where the replica cannot say where it
// stands, or the bus was closed.
func Follow(ctx context.Context, b *Bus, replica Replica, o FollowOptions) error {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	at, err := replica.Position(ctx)
	if err != nil {
		return err
	}
	f := &follower{
		b: b, replica: replica, o: o, m: newMachine(at, b.o.Beat), log: b.o.Log,
		beats: map[string]fairlead.Position{}, notify: make(chan struct{}, 1), look: true,
		announced: make(chan heard, announcedMax),
	}
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group.Go(func() { f.runAnnounced(ctx) })
	f.m.luck = rand.Float64()
	f.listen = newListener(3*b.o.Beat, o.Stale)
	defer f.listen.stop()
	hearChange := func(msg *nats.Msg) { f.hearChange(ctx, msg) }
	for subject, hear := range map[string]func(*nats.Msg){subjectChange: hearChange, subjectBeat: f.hearBeat} {
		stop, err := b.subscribe(subject, "", hear)
		if err != nil {
			return err
		}
		defer stop()
	}
	defer b.onConnect(func() { f.tell(func() { f.look = true }) })()
	f.run(ctx)
	return nil
}

// tell changes what was heard, and wakes the run.
func (f *follower) tell(change func()) {
	f.mu.Lock()
	change()
	f.mu.Unlock()
	select {
	case f.notify <- struct{}{}:
	default:
	}
}

func (f *follower) hearChange(ctx context.Context, msg *nats.Msg) {
	h, err := decodeChange(msg.Data)
	if err != nil {
		f.log.Warn("a message on the feed cannot be read", "bytes", len(msg.Data))
		return
	}
	f.listen.heard()
	f.refuse(ctx, h)
	f.tell(func() {
		f.announce(h)
		if f.bytes+len(h.Content) > aheadBytes || len(f.heard) >= aheadChanges {
			h.Content, h.large = nil, true // that it exists is enough to have it fetched
			f.heard = f.heard[:0]
			f.bytes = 0
		}
		f.heard = append(f.heard, h)
		f.bytes += len(h.Content)
	})
}

func (f *follower) hearBeat(msg *nats.Msg) {
	var t beat
	if len(msg.Data) > maxBeat || json.Unmarshal(msg.Data, &t) != nil || fairlead.ValidNodeName(t.From) != nil {
		f.log.Warn("a message on the feed cannot be read", "bytes", len(msg.Data))
		return
	}
	f.listen.heard()
	if f.o.Heard != nil {
		f.o.Heard()
	}
	f.tell(func() { f.beats[t.From] = t.Position })
}

// take gives the machine what was heard since.
func (f *follower) take(now time.Time) {
	f.mu.Lock()
	changes, beats, look := f.heard, f.beats, f.look
	f.heard, f.beats, f.bytes, f.look = nil, map[string]fairlead.Position{}, 0, false
	f.mu.Unlock()
	if look {
		f.m.lookNow()
	}
	for _, h := range changes {
		f.m.hear(h, now)
	}
	for _, p := range beats {
		f.m.beat(p, now)
	}
}

func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		f.take(f.o.Clock())
		if f.m.sure && !f.sure {
			if f.sure = true; f.o.Sure != nil {
				f.o.Sure()
			}
		}
		s := f.m.next(f.o.Clock())
		if s.kind == stepWait {
			f.wait(ctx, s.wait)
			continue
		}
		err := f.do(ctx, s)
		f.m.luck = rand.Float64()
		if ctx.Err() == nil {
			f.complain(err)
		}
	}
}

func (f *follower) wait(ctx context.Context, d time.Duration) {
	var after <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	}
	select {
	case <-ctx.Done():
	case <-f.notify:
	case <-after:
	}
}

// do takes a step.
func (f *follower) do(ctx context.Context, s step) error {
	switch s.kind {
	case stepApply:
		err := f.replica.Apply(ctx, f.m.at.Log, s.changes)
		last := s.changes[len(s.changes)-1]
		at := fairlead.Position{Log: f.m.at.Log, Number: last.Number, Hash: last.Hash}
		if err != nil {
			// It may be on disk all the same: a commit whose answer was lost. Where it stands, only the replica knows.
			if now, unknown := f.replica.Position(ctx); unknown == nil && now.Number > f.m.at.Number {
				at, err = now, nil
			}
		}
		f.m.applied(at, err, f.o.Clock())
		return err
	case stepFetch:
		p, err := f.b.fetch(ctx, f.m.at)
		f.m.fetched(p, err, f.o.Clock())
		f.fetches++
		if f.o.Fetched != nil && err == nil {
			f.o.Fetched(len(p.Changes), f.fetches)
		}
		return err
	case stepAsk:
		t, err := f.b.has(ctx, f.m.at.Number, f.m.at.Hash)
		f.m.answered(t, err, f.o.Clock())
		return err
	default:
		f.hold(true)
		at, err := f.copyAll(ctx, s.foreign)
		f.hold(false)
		f.m.copied(at, err, f.o.Clock())
		if err == nil && f.o.Copied != nil {
			f.o.Copied(s.foreign)
		}
		return err
	}
}

// complain says what is wrong, once.
func (f *follower) complain(err error) {
	if n := f.m.refused; n != f.refused {
		f.refused = n
		f.log.Error("a change does not fit the chain of hashes and was refused; it is fetched again", "after", f.m.at.Number, "refused", n)
		if f.o.Refused != nil {
			f.o.Refused(n)
		}
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != f.trouble {
		f.log.Warn("this node cannot follow the log now; it goes on serving", "after", f.m.at.Number, "error", err)
	}
	if text == "" && f.trouble != "" {
		f.log.Info("this node follows the log again", "at", f.m.at.Number)
	}
	f.trouble = text
}

// listener tells when nothing was heard for a time.
type listener struct {
	after time.Duration
	tell  func(bool)

	mu    sync.Mutex
	timer *time.Timer
	stale bool
	ended bool
}

func newListener(after time.Duration, tell func(bool)) *listener {
	l := &listener{after: after, tell: tell}
	if l.tell == nil {
		l.tell = func(bool) {}
	}
	l.timer = time.AfterFunc(after, func() { l.set(true) })
	return l
}

func (l *listener) heard() {
	l.timer.Reset(l.after)
	l.set(false)
}

func (l *listener) set(stale bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.stale == stale {
		return
	}
	l.stale = stale
	l.tell(stale)
}

func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.timer.Stop()
}
