package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// complainEvery is how often a complaint of the embedded server is passed on that comes again and again.
	complainEvery = time.Minute
	// maxComplaints bounds how many are remembered.
	maxComplaints = 1000
	// routeMade ends what the server notes when it has reached a peer of its cluster.
	routeMade = " - Route connection created"
)

// serverLog passes on what the embedded server complains of; the rest is noise to an operator. The server tries a peer that is away
// each second and says so each time: that is passed on at once, then each minute with how often it was, and once more when
// the peer is reached.
type serverLog struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	said map[string]*complaint // by what it is about
}

// complaint is one that came lately.
type complaint struct {
	passed time.Time // last
	times  int       // all in all
	silent int       // since then
}

func newServerLog(log *slog.Logger) *serverLog {
	return &serverLog{log: log, now: time.Now, said: map[string]*complaint{}}
}

func (l *serverLog) Noticef(format string, _ ...any) {
	from, ok := strings.CutSuffix(format, routeMade)
	if !ok {
		return
	}
	peer, _, _ := strings.Cut(from, " - ")
	l.mu.Lock()
	c := l.said[peer]
	delete(l.said, peer)
	l.mu.Unlock()
	if c != nil {
		l.log.Info("a control node is reached again", "address", peer, "failed", c.times)
	}
}

func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}
func (l *serverLog) Warnf(format string, v ...any) {
	l.log.Info("bus server", "message", fmt.Sprintf(format, v...))
}

func (l *serverLog) Errorf(format string, v ...any) {
	again, pass := l.due(about(format, v))
	if !pass {
		return
	}
	attrs := []any{"message", fmt.Sprintf(format, v...)}
	if again > 0 {
		attrs = append(attrs, "again", again)
	}
	l.log.Warn("bus server", attrs...)
}

// about is what a complaint is about: a peer that cannot be reached, else its kind, whatever connection it came of.
func about(format string, v []any) string {
	for _, a := range v {
		var failed *net.OpError
		if err, ok := a.(error); ok && errors.As(err, &failed) && failed.Op == "dial" && failed.Addr != nil {
			return failed.Addr.String()
		}
	}
	for _, mark := range []string{" - rid:", " - cid:"} {
		if _, rest, ok := strings.Cut(format, mark); ok {
			_, kind, _ := strings.Cut(rest, " - ")
			return kind
		}
	}
	return format
}

// due counts a complaint. It tells whether to pass it on, and how many were not since the last one.
func (l *serverLog) due(what string) (silent int, pass bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.said[what]
	if c == nil {
		if len(l.said) >= maxComplaints {
			clear(l.said)
		}
		c = &complaint{}
		l.said[what] = c
	}
	c.times++
	now := l.now()
	if c.times > 1 && now.Sub(c.passed) < complainEvery {
		c.silent++
		return 0, false
	}
	silent, c.silent, c.passed = c.silent, 0, now
	return silent, true
}

func (l *serverLog) Fatalf(format string, v ...any) {
	l.log.Error("bus server", "message", fmt.Sprintf(format, v...))
}
