package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"time"
)

// tick is how often what tells of nothing is looked at.
const tick = 2 * time.Millisecond

// awaitTime bounds the wait for a revision.
const awaitTime = time.Minute

// revisionHeader names the revision that an exchange was served by.
const revisionHeader = "X-Fairlead-Revision"

// servedBy makes one unstreamed exchange and gives the revision that its answer names.
func (c *caller) servedBy(request []byte) (int64, error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, fmt.Errorf("write request: %w", err)
	}
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBody))
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return 0, &refusedError{answer.StatusCode, string(body[:min(len(body), 300)])}
	}
	revision, err := strconv.ParseInt(answer.Header.Get(revisionHeader), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the answer names no revision: %w", err)
	}
	return revision, nil
}

// refusedError is an answer that is no success.
type refusedError struct {
	status int
	text   string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("answered with status %d: %s", e.status, e.text)
}

// watch is the traffic at one edge, and the observer of its revisions: exchanges at a steady rate, of which the first
// that is served by a revision tells that the edge serves by it.
type watch struct {
	to      *contender
	news    chan<- struct{} // told of each new revision
	request []byte

	mu     sync.Mutex
	sights []sight
	took   []time.Duration // of each exchange, from when it was due
}

// sight is the first answer by a revision.
type sight struct {
	revision int64
	at       time.Time
}

// watchers are the watches of a fleet.
type watchers struct {
	list   []*watch
	every  time.Duration // between two exchanges at an edge
	news   chan struct{}
	fail   context.CancelCauseFunc
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// watchLines is how many connections the traffic at an edge has: while an exchange is under way the next one begins
// on another.
const watchLines = 2

// watchAll begins traffic at edges, so many exchanges a second at each. The context that it gives ends where one of them
// fails.
func watchAll(ctx context.Context, rate float64, edges ...*edgeNode) (context.Context, *watchers) {
	ctx, fail := context.WithCancelCause(ctx)
	run, cancel := context.WithCancel(ctx)
	ws := &watchers{every: time.Duration(float64(time.Second) / rate), news: make(chan struct{}, 1), fail: fail, cancel: cancel}
	for _, e := range edges {
		w := &watch{to: &e.contender, news: ws.news, request: e.contender.request(chatPath, chatBody(modelPlain, ""))}
		ws.list = append(ws.list, w)
		for i := range watchLines {
			ws.wg.Go(func() {
				if err := w.drive(run, time.Duration(i)*ws.every, watchLines*ws.every); err != nil && run.Err() == nil {
					fail(w.to.wrap(err))
				}
			})
		}
	}
	return ctx, ws
}

// stop ends the traffic and gives the times of its exchanges.
func (ws *watchers) stop() []time.Duration {
	ws.cancel()
	ws.wg.Wait()
	ws.fail(nil)
	return ws.times()
}

// times gives the times of the exchanges since it was last asked.
func (ws *watchers) times() (all []time.Duration) {
	for _, w := range ws.list {
		w.mu.Lock()
		all = append(all, w.took...)
		w.took = nil
		w.mu.Unlock()
	}
	return all
}

// await waits until every edge has served by a revision, or a later one, and gives when the last of them first did.
func (ws *watchers) await(ctx context.Context, revision int64) (last time.Time, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, awaitTime, errors.New("no answer shows it"))
	defer cancel()
	for _, w := range ws.list {
		for {
			at, ok := w.first(revision)
			if ok {
				if at.After(last) {
					last = at
				}
				break
			}
			select {
			case <-ws.news:
			case <-ctx.Done():
				return last, context.Cause(ctx)
			}
		}
	}
	return last, nil
}

// first gives when the edge was first seen to serve by a revision or a later one.
func (w *watch) first(revision int64) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := sort.Search(len(w.sights), func(i int) bool { return w.sights[i].revision >= revision })
	if i == len(w.sights) {
		return time.Time{}, false
	}
	return w.sights[i].at, true
}

// drive makes exchanges on one connection until ctx ends. It has a thread of its own to sleep on.
func (w *watch) drive(ctx context.Context, offset, every time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := dialCaller(ctx, w.to.addr, 0, time.Now().Add(Limit))
	if err != nil {
		return err
	}
	defer c.close()
	defer context.AfterFunc(ctx, c.close)()
	for due := time.Now().Add(offset); ctx.Err() == nil; due = due.Add(every) {
		sleepUntil(due)
		revision, err := c.servedBy(w.request)
		if err != nil {
			return err
		}
		w.saw(revision, time.Now(), due)
	}
	return nil
}

func (w *watch) saw(revision int64, now, due time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, now.Sub(due))
	if n := len(w.sights); n > 0 && w.sights[n-1].revision >= revision {
		return
	}
	w.sights = append(w.sights, sight{revision, now})
	select {
	case w.news <- struct{}{}:
	default: // told already
	}
}
