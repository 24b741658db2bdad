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
	linesMost = 32 << 10               // held at once
)

// Lines writes log lines in groups, for a write a line costs as much as a tenth of an exchange. Lines
// are at most 100 ms late; Flush writes what is held. It never fails: a log that cannot be written
// stops nobody.
//
// Whoever fills a group writes it; the others go on meanwhile, until they have filled the next one.
type Lines struct {
	to io.Writer

	// writing is held while a group is written, for their order; it is taken before mu.
	writing sync.Mutex
	spare   []byte // the memory of the group before

	mu    sync.Mutex
	held  []byte
	armed bool
	timer *time.Timer
}

// NewLines makes a Lines in front of a writer.
func NewLines(to io.Writer) *Lines {
	l := &Lines{to: to}
	l.timer = time.AfterFunc(time.Hour, l.Flush)
	l.timer.Stop()
	return l
}

// Write holds p until its group is written.
func (l *Lines) Write(p []byte) (int, error) {
	if l.hold(p) {
		l.flush(linesMost)
	}
	return len(p), nil
}

// hold reports whether there is enough to be written now.
func (l *Lines) hold(p []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
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

// Flush writes what is held. When it returns, all that Write took before is written.
func (l *Lines) Flush() { l.flush(1) }

// flush writes what is held, where that is so much: another one may have written it meanwhile.
func (l *Lines) flush(least int) {
	l.writing.Lock()
	defer l.writing.Unlock()
	group := l.take(least)
	if len(group) > 0 {
		_, _ = l.to.Write(group) // see Lines: a log that cannot be written stops nobody
		l.spare = group[:0]
	}
}

// take gives what is held, where that is so much, and lets the next group begin in the spare memory.
func (l *Lines) take(least int) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) < least {
		return nil
	}
	group := l.held
	l.held, l.spare, l.armed = l.spare, nil, false
	return group
}

// Handler makes a handler over lines write at once whatever is a warning or worse: what went wrong
// is on disk even if the process ends with it. Log writes the lines of exchanges itself where h is a
// handler of slog's own: of its options that one may have a level alone.
func (l *Lines) Handler(h slog.Handler) slog.Handler { return &urgent{h, l, formOf(h)} }

// urgent flushes after records of level warn and above.
type urgent struct {
	slog.Handler
	lines *Lines
	form  form // of the handler's lines, where they begin with no attributes
}

func (u *urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.Flush()
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
		u.lines.Flush()
	}
	return true
}

func (u *urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &urgent{u.Handler.WithAttrs(attrs), u.lines, formOther}
}

func (u *urgent) WithGroup(name string) slog.Handler {
	return &urgent{u.Handler.WithGroup(name), u.lines, formOther}
}
