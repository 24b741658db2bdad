package front

import (
	"sync"
	"time"
)

// watchAfter is how long an exchange may last before its caller is watched: a goroutine that reads costs
// more than a short exchange, and nobody gains from its being broken off.
const watchAfter = 50 * time.Millisecond

// earlyMost is how much of the next request is taken in while the caller is watched.
const earlyMost = 4 << 10

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// watch notices that a caller leaves while its exchange lasts, and ends the connection's context then. It
// reads from the connection, so it begins only when the request's body is over, and ends before the next
// request is read; what it reads of that one is kept.
type watch struct {
	c     *conn
	timer *time.Timer
	early []byte

	mu      sync.Mutex
	on      bool // an exchange lasts
	still   bool // its request's body is over
	due     bool // it has lasted for watchAfter
	stop    bool
	running chan struct{} // closed when the goroutine has ended; nil: there is none
}

// begin is called when an exchange begins.
func (w *watch) begin() {
	w.mu.Lock()
	w.on, w.still, w.due, w.stop = true, w.c.body.over, false, false
	w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.AfterFunc(watchAfter, w.fire)
		return
	}
	w.timer.Reset(watchAfter)
}

// fire is called when the exchange has lasted for watchAfter, or late for one before it: then this one's
// caller is watched early, which harms nothing.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = true
	w.look()
}

// quiet is called when the request's body is over.
func (w *watch) quiet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.still = true
	w.look()
}

// look begins to watch when all is ready for it. The caller holds mu.
func (w *watch) look() {
	if w.on && w.still && w.due && w.running == nil && len(w.early) < earlyMost {
		w.running = make(chan struct{})
		_ = w.c.raw.SetReadDeadline(time.Time{})
		go w.run(w.running)
	}
}

// run reads until the caller leaves, too much has come, or it is stopped.
func (w *watch) run(ended chan struct{}) {
	defer close(ended)
	var p [512]byte
	for len(w.early) < earlyMost {
		n, err := w.c.stream.Read(p[:])
		w.early = append(w.early, p[:n]...)
		if err == nil {
			continue
		}
		w.mu.Lock()
		stopped := w.stop && timedOut(err)
		w.mu.Unlock()
		if !stopped {
			w.c.fail = err
			w.c.cancel()
		}
		return
	}
}

// end is called when the exchange is over. When it returns, nobody else reads.
func (w *watch) end() {
	w.timer.Stop()
	w.mu.Lock()
	w.on = false
	running := w.running
	if running != nil {
		w.stop = true
		_ = w.c.raw.SetReadDeadline(past)
	}
	w.mu.Unlock()
	if running == nil {
		return
	}
	<-running
	w.mu.Lock()
	w.running = nil
	w.mu.Unlock()
	w.c.readUntil = past // what the deadline is now
}
