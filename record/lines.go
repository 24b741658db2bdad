package record

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	linesHeld = 100 * time.Millisecond // how late a line may be written
	linesMost = 32 << 10               // held before they are written
	linesLost = 1 << 20                // held at most: what comes while the log takes nothing is counted
	// A warning waits until it is written, but not for a log that takes nothing for so long; nor does the end
	// of the process, for longer.
	urgentWait = 250 * time.Millisecond
	flushWait  = 2 * time.Second
)

// Lines writes log lines in groups, for a write a line costs as much as a tenth of an exchange. Lines
// are at most 100 ms late; Flush writes what is held. It never fails, and a log that cannot be written
// stops nobody: what cannot be held any more is dropped, and a line tells later how much that was.
//
// A goroutine writes while there is something to write, and ends.
type Lines struct {
	to io.Writer

	mu      sync.Mutex
	held    []byte
	spare   []byte        // the memory of the group before
	lost    int           // lines
	writing chan struct{} // closed when the goroutine that writes has ended; nil: there is none
	since   time.Time     // when the write under way began
	armed   bool
	timer   *time.Timer
	tell    slog.Handler // where to tell of lost lines; nil: nowhere
}

// NewLines makes a Lines in front of a writer.
func NewLines(to io.Writer) *Lines {
	l := &Lines{to: to}
	l.timer = time.AfterFunc(time.Hour, func() { l.write() })
	l.timer.Stop()
	return l
}

// Write holds p until its group is written.
func (l *Lines) Write(p []byte) (int, error) {
	if l.hold(p) {
		l.write()
	}
	return len(p), nil
}

// hold reports whether there is enough to be written now.
func (l *Lines) hold(p []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held)+len(p) > linesLost {
		l.lost++
		return false
	}
	l.held = append(l.held, p...)
	if len(l.held) >= linesMost {
		return true
	}
	if !l.armed {
		l.armed = true
		l.timer.Reset(linesHeld)
	}
	return false
}

// Flush writes what is held. When it returns, all that Write took before is written, unless the log took
// nothing for two seconds.
func (l *Lines) Flush() { l.wait(flushWait) }

// wait writes what is held and waits for it, unless a write under way lasts for longer than most already.
func (l *Lines) wait(most time.Duration) {
	done := l.write()
	if done == nil {
		return
	}
	l.mu.Lock()
	left := most
	if !l.since.IsZero() {
		left -= time.Since(l.since)
	}
	l.mu.Unlock()
	if left <= 0 {
		return
	}
	bound := time.NewTimer(left)
	defer bound.Stop()
	select {
	case <-done:
	case <-bound.C:
	}
}

// write has what is held written, and gives what is closed when it is; nil where nothing is held.
func (l *Lines) write() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writing == nil && len(l.held) > 0 {
		l.writing = make(chan struct{})
		go l.run(l.writing)
	}
	return l.writing
}

// run writes one group after another until nothing is held.
func (l *Lines) run(done chan struct{}) {
	defer close(done)
	for {
		group, lost := l.take()
		if group == nil {
			return
		}
		_, err := l.to.Write(group) // see Lines: a log that cannot be written stops nobody
		if lost > 0 && err == nil && l.tell != nil {
			r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were lost: the log took nothing", 0)
			r.AddAttrs(slog.Int("lines", lost))
			_ = l.tell.Handle(context.Background(), r) // likewise
		}
	}
}

// take gives what is held, with the lines lost since the last time, and lets the next group begin in the
// spare memory. Where nothing is held the writing is over.
func (l *Lines) take() (group []byte, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) == 0 {
		l.writing, l.since = nil, time.Time{}
		return nil, 0
	}
	group, lost = l.held, l.lost
	l.held, l.spare = l.spare[:0], group
	if cap(l.held) > 16*linesMost {
		l.held = nil
	}
	l.lost, l.armed, l.since = 0, false, time.Now()
	return group, lost
}

// Handler makes a handler over lines write at once whatever is a warning or worse: what went wrong
// is on disk even if the process ends with it. Log writes the lines of exchanges itself where h is a
// handler of slog's own: of its options that one may have a level alone.
func (l *Lines) Handler(h slog.Handler) slog.Handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell = h
	return &urgent{h, l, formOf(h)}
}

// urgent flushes after records of level warn and above.
type urgent struct {
	slog.Handler
	lines *Lines
	form  form // of the handler's lines, where they begin with no attributes
}

func (u *urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.wait(urgentWait)
	}
	return err
}

// line writes a line as Handle would, unless its form has to be left to slog.
func (u *urgent) line(now time.Time, level slog.Level, message string, attrs []slog.Attr) bool {
	var room [1 << 10]byte
	text, ok := u.form.append(room[:0], now, level, message, attrs)
	if !ok {
		return false
	}
	_, _ = u.lines.Write(text) // never fails
	if level >= slog.LevelWarn {
		u.lines.wait(urgentWait)
	}
	return true
}

func (u *urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &urgent{u.Handler.WithAttrs(attrs), u.lines, formOther}
}

func (u *urgent) WithGroup(name string) slog.Handler {
	return &urgent{u.Handler.WithGroup(name), u.lines, formOther}
}
