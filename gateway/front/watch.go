package front

import (
	"sync"
	"time"
)

// earlyMost is how much of the next request is taken in while the caller is watched.
const earlyMost = 4 << 10

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// watch notices that a caller leaves while its exchange lasts, and ends the connection's context then. It
// reads from the connection, so it begins only when the request's body is over, and ends before the next
// request is read; what it reads of that one is kept.
type watch struct {
	c     *conn
	early []byte

	mu      sync.Mutex
	turn    int64 // counts the exchanges
	seen    int64 // the turn that the sweeper saw last
	swept   bool  // the sweeper looks at it
	on      bool  // an exchange lasts
	still   bool  // its request's body is over
	due     bool  // the sweeper has seen it twice
	stop    bool
	running chan struct{} // closed when the goroutine has ended; nil: there is none
}

// begin is called when an exchange begins.
func (w *watch) begin() {
	w.mu.Lock()
	w.on, w.still, w.due, w.stop = true, w.c.body.over, false, false
	w.turn++
	swept := w.swept
	w.swept = true
	w.mu.Unlock()
	if !swept {
		w.c.s.sweeper.add(w)
	}
}

// grow is called by the sweeper, and reports whether it must come again.
func (w *watch) grow() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen != w.turn {
		w.seen = w.turn
		return true
	}
	w.swept = false
	if w.on {
		w.due = true
		w.look()
	}
	return false
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
	defer func() {
		if v := recover(); v != nil { // a defect of ours must not end the process
			w.c.broken(v)
			_ = w.c.raw.Close()
		}
	}()
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
