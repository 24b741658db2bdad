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
type Lines struct {
	to io.Writer

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
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, p...)
	switch {
	case len(l.held) >= linesMost:
		l.flush()
	case !l.armed:
		l.armed = true
		l.timer.Reset(linesHeld)
	}
	return len(p), nil
}

// Flush writes what is held.
func (l *Lines) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

func (l *Lines) flush() {
	if len(l.held) > 0 {
		_, _ = l.to.Write(l.held) // see Lines: a log that cannot be written stops nobody
		l.held = l.held[:0]
	}
	l.armed = false
}

// Handler makes a handler over lines write at once whatever is a warning or worse: what went wrong
// is on disk even if the process ends with it.
func (l *Lines) Handler(h slog.Handler) slog.Handler { return &urgent{h, l} }

// urgent flushes after records of level warn and above.
type urgent struct {
	slog.Handler
	lines *Lines
}

func (u *urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.lines.Flush()
	}
	return err
}

func (u *urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &urgent{u.Handler.WithAttrs(attrs), u.lines}
}

func (u *urgent) WithGroup(name string) slog.Handler {
	return &urgent{u.Handler.WithGroup(name), u.lines}
}
