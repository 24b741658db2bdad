// Package spool keeps lines on an edge's disk until control has them: charge lines, the evidence of what callers owe.
// Append stores a line in memory that is the system's; the disk is made to keep lines in groups, off the path. Lines go up in frames (fairlead.Frame)
// that are the same whenever they are read, and stay for a while after they were acknowledged. DESIGN.md says what is
// kept where, and what a failure costs.
package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fairlead"
	"fairlead/internal/datasync"
	"fairlead/internal/filelock"
)

// Options is what a spool is made of. Zero values take defaults.
type Options struct {
	Node    string        // this node's name: a part of the key of each frame
	Keep    time.Duration // how long acknowledged lines stay; 0 = 7 days
	Max     int64         // bytes on the disk; 0 = 10 GiB. Acknowledged lines go first; then no more are taken
	Segment int64         // bytes of a file, about; 0 = 64 MiB
	Sync    time.Duration // how long a line may be in memory alone; 0 = 5 ms
	Lines   int           // so many lines make a frame, or more; 0 = 512
	Every   time.Duration // and as many as there are after so long; 0 = 250 ms
	Pace    time.Duration // the least time between frames that are cut for their lines' number; 0 = 25 ms
	Log     *slog.Logger  // nil = discarded
	// Clock dates frames; nil = time.Now.
	Clock func() time.Time
}

func (o *Options) fill() {
	if o.Keep <= 0 {
		o.Keep = 7 * 24 * time.Hour
	}
	if o.Max <= 0 {
		o.Max = 10 << 30
	}
	if o.Segment <= 0 {
		o.Segment = 64 << 20
	}
	if o.Sync <= 0 {
		o.Sync = 5 * time.Millisecond
	}
	if o.Lines <= 0 {
		o.Lines = 512
	}
	if o.Every <= 0 {
		o.Every = 250 * time.Millisecond
	}
	if o.Pace <= 0 {
		o.Pace = 25 * time.Millisecond
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Errors of Append beside those of the disk.
var (
	ErrFull   = errors.New("the spool has no room: lines that were not acknowledged fill all that it may have")
	ErrClosed = errors.New("the spool is closed")
)

// Spool is an open spool. Its methods may be called from several goroutines.
type Spool struct {
	Options
	root string
	lock *os.File
	disk *datasync.Syncer

	// working is held by whoever syncs, cuts, trims or renews.
	working sync.Mutex
	broken  string // why the disk refused a sync or a cut; "" = it does not
	piece   []byte // memory of whoever cuts

	taking func() // of tests: called between the pieces that a new incarnation takes over

	retry    time.Time // when what failed is tried again; of run alone
	windowAt time.Time // when a window is asked for again; of who holds working

	mu          sync.Mutex
	dir         string // of the incarnation
	incarnation string
	segments    []*segment // oldest first; the last one is written to
	born        place      // where the first line of this process stands, or would
	buf         []byte
	ack         *os.File
	acked       int64 // all frames up to it are, as far as control has told
	after       int64 // Next goes on behind it: behind acked, or before that where a frame is to go once more
	last        int64 // the newest frame
	fresh       fresh
	held        int64         // bytes of segments that are not wholly acknowledged
	waiting     int           // lines in no frame yet
	dirty       bool          // there are lines in memory alone
	relief      bool          // lines were acknowledged while there was no room
	ready       chan struct{} // closed when there is a frame more, or the spool is closed
	closed      bool
	trouble     trouble
	stats       Stats
	missed      int64 // the newest frame whose damage was told

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

// place is a place between lines.
type place struct{ segment, at int64 }

// Stats is what a spool has done since it was opened, and how it stands.
type Stats struct {
	Lines       int64  // taken
	Refused     int64  // not taken: no line of them is on the disk
	Damaged     int64  // lines of frames that could not be read any more
	Aside       int64  // lines that were not acknowledged when a new incarnation began, and went aside with the old one
	Failing     string // why lines are refused now; "" = they are not
	Bytes       int64  // on the disk
	Incarnation string
	Last        int64 // the newest frame's sequence
	Acked       int64 // the newest acknowledged one's
	Waiting     int   // lines in no frame yet
}

// Open opens the spool in a folder, making both where there are none, and has what an ended process left in no frame
// cut into one. One process may hold it at a time.
func Open(dir string, o Options) (*Spool, error) {
	o.fill()
	if err := fairlead.ValidNodeName(o.Node); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s := &Spool{Options: o, root: dir, disk: datasync.New(), wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), ready: make(chan struct{})}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open spool: %w", err), s.closeFiles())
	}
	go s.run()
	return s, nil
}

func (s *Spool) open() (err error) {
	if err := os.MkdirAll(s.root, 0o700); err != nil {
		return err
	}
	if s.lock, err = filelock.Lock(filepath.Join(s.root, "lock")); err != nil {
		return err
	}
	return s.openIncarnation()
}

// Bound changes for how long acknowledged lines stay, and what lines may take on the disk.
func (s *Spool) Bound(keep time.Duration, most int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Keep == keep && s.Max == most {
		return
	}
	s.Keep, s.Max, s.relief = keep, most, true
	s.poke()
}

// large is the size from which on a segment is followed by another: one that is written to cannot go.
func (o *Options) large() int64 { return min(o.Segment, max(1, o.Max/4)) }

// Append writes a line: a text without a newline, of at most 16 KiB. Where it gives nil the line outlives this process
// from now on, and a lost machine from a few milliseconds later. Where it gives an error the line is not in the spool;
// the next one may well be. The text's memory is the caller's again.
func (s *Spool) Append(text []byte) error {
	if err := checkText(text); err != nil {
		return err
	}
	sum := checksum(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.buf = appendLine(s.buf[:0], text, sum)
	n := int64(len(s.buf))
	if s.held+n > s.Max {
		return s.refuse(ErrFull)
	}
	g := s.segments[len(s.segments)-1]
	if err := g.put(s.buf); err != nil {
		return s.refuse(err)
	}
	s.held += n
	s.waiting++
	s.stats.Lines++
	if s.trouble.over() || !s.dirty || s.waiting%s.Lines == 0 {
		s.dirty = true
		s.poke()
	}
	return nil
}

// refuse notes a line that could not be written.
func (s *Spool) refuse(err error) error {
	s.stats.Refused++
	if s.trouble.begin(err) {
		s.poke()
	}
	return fmt.Errorf("append to spool: %w", err)
}

// poke has the goroutine look at what there is to do.
func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Stats tells how the spool stands.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Failing, st.Incarnation, st.Last, st.Acked, st.Waiting = s.trouble.now, s.incarnation, s.last, s.acked, s.waiting
	for _, g := range s.segments {
		st.Bytes += g.bytes()
	}
	return st
}

// Close has the disk keep all lines, cuts those in no frame yet into one, and closes the spool.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.ready)
	s.mu.Unlock()
	close(s.stop)
	<-s.done
	s.tell()
	s.working.Lock()
	defer s.working.Unlock()
	return errors.Join(s.cutAll(), s.closeFiles())
}

func (s *Spool) closeFiles() error {
	var errs []error
	for _, g := range s.segments {
		errs = append(errs, g.full())
	}
	for _, f := range []*os.File{s.ack, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	s.segments, s.ack, s.lock = nil, nil, nil
	errs = append(errs, s.disk.Close())
	return errors.Join(errs...)
}
