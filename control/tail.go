package control

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"fairlead"
)

const (
	// tailsMost and tailsEach bound the tails of this node, and of one caller.
	tailsMost, tailsEach = 128, 64
	// tailRows is how many records a tail shows a second.
	tailRows = 20
	// tailPulse is how often a silent tail says that it is there, and its token is looked at again.
	tailPulse = 10 * time.Second
)

// noticeAnswer says what a tail has not shown since the notice before.
type noticeAnswer struct {
	Dropped int64 `json:"dropped"`  // records that match, beyond 20 a second or what the reader takes
	LeftOut int64 `json:"left_out"` // exchanges of these nodes without a record, whatever is filtered for
}

// tails are all tails of this node. Records are listened to while there is one.
type tails struct {
	listen func(func(node string, batch []byte)) (stop func(), err error)
	ended  chan struct{} // closed when no more may go on
	end    func()

	turn sync.Mutex // held while listening begins or ends
	stop func()

	mu   sync.Mutex
	open map[*tail]struct{}
}

func newTails(listen func(func(string, []byte)) (func(), error)) *tails {
	t := &tails{listen: listen, ended: make(chan struct{}), open: map[*tail]struct{}{}}
	t.end = sync.OnceFunc(func() { close(t.ended) })
	return t
}

// EndTails ends all tails, and lets no more begin: a server that ends calls it, for they never would by themselves.
func (c *Control) EndTails() { c.tails.end() }

func (t *tails) add(one *tail) error {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.mu.Lock()
	t.open[one] = struct{}{}
	first := len(t.open) == 1
	t.mu.Unlock()
	if !first {
		return nil
	}
	stop, err := t.listen(t.hear)
	if err != nil {
		t.mu.Lock()
		delete(t.open, one)
		t.mu.Unlock()
		return err
	}
	t.stop = stop
	return nil
}

func (t *tails) remove(one *tail) {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.mu.Lock()
	delete(t.open, one)
	last := len(t.open) == 0
	t.mu.Unlock()
	if last {
		t.stop()
	}
}

// hear offers the records of a batch to each tail. A node speaks for itself alone.
func (t *tails) hear(node string, body []byte) {
	var b fairlead.RecordBatch
	if len(body) > fairlead.MaxBatch || b.UnmarshalBinary(body) != nil || b.Node != node {
		return
	}
	records, _ := b.Records()
	missing := int64(0)
	for _, s := range b.Seconds {
		missing += s.LeftOut + s.Dropped
	}
	shown := make([][]byte, len(records)) // made once, for the first that wants it
	t.mu.Lock()
	defer t.mu.Unlock()
	for one := range t.open {
		one.missed(node, missing)
		for i := range records {
			if one.wants(&records[i]) {
				if shown[i] == nil {
					shown[i] = event("record", showRecord(&records[i]))
				}
				one.offer(shown[i])
			}
		}
	}
}

// tail is one caller's.
type tail struct {
	ready chan struct{}

	mu     sync.Mutex
	filter fairlead.RecordFilter
	second int64
	shown  int // in that second
	queue  [][]byte
	notice noticeAnswer
}

func (t *tail) wants(r *fairlead.StoredRecord) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.filter.Matches(r)
}

// missed counts exchanges without a record on a node that the tail is about.
func (t *tail) missed(node string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := (fairlead.RecordFilter{Node: t.filter.Node, Nodes: t.filter.Nodes}); f.Matches(&fairlead.StoredRecord{Node: node}) {
		t.notice.LeftOut += n
	}
}

// offer gives the tail a record, or counts it.
func (t *tail) offer(e []byte) {
	now := time.Now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now != t.second {
		t.second, t.shown = now, 0
	}
	if t.shown == tailRows || len(t.queue) == 2*tailRows {
		t.notice.Dropped++
		return
	}
	t.shown++
	t.queue = append(t.queue, e)
	select {
	case t.ready <- struct{}{}:
	default:
	}
}

func (t *tail) take() (queue [][]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	queue, t.queue = t.queue, nil
	return queue
}

// tell gives a notice, where there is something to say.
func (t *tail) tell() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.notice == (noticeAnswer{}) {
		return nil
	}
	n := t.notice
	t.notice = noticeAnswer{}
	return [][]byte{event("notice", n)}
}

// event writes a server-sent event.
func event(kind string, data any) []byte {
	// What is shown of records can always be written.
	text, _ := json.Marshal(data, jsontext.EscapeForHTML(true), jsontext.AllowInvalidUTF8(true), jsonv1.OmitEmptyWithLegacySemantics(true))
	return append(append([]byte("event: "+kind+"\ndata: "), text...), "\n\n"...)
}

// tailRecords sends records as they come up, until the caller leaves. What came before, or while nobody listened, is in the
// list of records.
func (c *Control) tailRecords(a *ask) (any, error) {
	f, err := c.recordFilter(a)
	if err != nil {
		return nil, err
	}
	if c.Listen == nil {
		return nil, fairlead.Errorf(fairlead.CodeControlUnavailable, "no records come up to this node")
	}
	select {
	case <-c.tails.ended:
		return nil, fairlead.Errorf(fairlead.CodeDraining, "this node is shutting down")
	default:
	}
	t := &tail{filter: f, ready: make(chan struct{}, 1)}
	control := http.NewResponseController(a.w)
	_ = control.SetReadDeadline(time.Time{}) // what bounds a request's body must not end this; fails without a connection
	if a.Method != http.MethodHead {
		if err := c.tails.add(t); err != nil {
			return nil, err
		}
		defer c.tails.remove(t)
	}
	setHeaders(a.w.Header(), eventType)
	a.w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	a.w.WriteHeader(http.StatusOK)
	if a.Method != http.MethodHead {
		c.follow(a, t, &flow{w: a.w, control: control})
	}
	return nil, nil
}

func (c *Control) follow(a *ask, t *tail, to *flow) {
	second, pulse := time.NewTicker(time.Second), time.NewTicker(tailPulse)
	defer second.Stop()
	defer pulse.Stop()
	ok := to.send([]byte(": records as they come up\n\n"))
	for ok {
		select {
		case <-a.Context().Done():
			return
		case <-c.tails.ended:
			return
		case <-t.ready:
			ok = to.send(t.take()...)
		case <-second.C:
			ok = to.send(t.tell()...)
		case <-pulse.C:
			ok = c.again(a, t) == nil && to.send([]byte(": still here\n\n"))
		}
	}
}

// again looks whether the caller may still look, and which nodes are in the region by now.
func (c *Control) again(a *ask, t *tail) error {
	if _, err := c.authorize(a.Request); err != nil {
		e := fairlead.AsError(err)
		if e.HTTPStatus() < http.StatusInternalServerError {
			return err
		}
	}
	region := a.query["region"]
	if region == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.Context(), readTime)
	defer cancel()
	nodes, err := c.nodesIn(ctx, region)
	if err == nil {
		t.mu.Lock()
		t.filter.Nodes = nodes
		t.mu.Unlock()
	}
	return nil // those known before stay where the store does not answer
}

// flow writes to a caller that may be slow.
type flow struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// send writes parts and sees that they go out; false where the caller is gone.
func (f *flow) send(parts ...[]byte) bool {
	if len(parts) == 0 {
		return true
	}
	_ = f.control.SetWriteDeadline(time.Now().Add(progress)) // fails without a connection, where there is nothing to wait for
	for _, p := range parts {
		if _, err := f.w.Write(p); err != nil {
			return false
		}
	}
	return f.control.Flush() == nil
}
