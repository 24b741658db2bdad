// Package paced keeps what happens a thousand times a second from filling a log: it says when a line is due again, and how
// often it was left out since.
package paced

import (
	"sync"
	"time"
)

// Lines are lines of a log, each known by what it is about. Every is the least time between two of one kind.
type Lines struct {
	Every time.Duration

	mu   sync.Mutex
	said map[string]*line
}

type line struct {
	at     time.Time
	silent int
}

// most bounds what is remembered: what comes then is told as if it were new.
const most = 10_000

// Due reports whether a line is to be written now, and how many of its kind were not since the last one.
func (l *Lines) Due(about string) (again int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.said[about]
	switch {
	case of == nil:
		if l.said == nil || len(l.said) >= most {
			l.said = map[string]*line{}
		}
		of = &line{}
		l.said[about] = of
	case time.Since(of.at) < l.Every:
		of.silent++
		return 0, false
	}
	again, of.at, of.silent = of.silent, time.Now(), 0
	return again, true
}
