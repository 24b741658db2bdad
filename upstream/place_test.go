package upstream_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/upstream"
)

const secret = "sk-upstream-0001"

// visit is a request that a place saw.
type visit struct {
	at    time.Time
	path  string
	body  string
	shown string // its credential
	down  bool
}

// place is a provider in memory, so that it can live in a bubble's time. It answers until it is down.
type place struct {
	conns chan net.Conn
	down  atomic.Bool
	hangs atomic.Bool                      // it answers nothing
	page  atomic.Int32                     // the status of the page; 0 = as the place is
	mute  atomic.Bool                      // the page does not answer while it is down
	model atomic.Pointer[http.HandlerFunc] // of the chat path; nil = a whole answer, or 500 while it is down

	mu     sync.Mutex
	visits []visit
}

func newPlace(t *testing.T) *place {
	p := &place{conns: make(chan net.Conn)}
	server := &http.Server{Handler: p}
	go func() { _ = server.Serve(p) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

func (p *place) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *place) Close() error   { close(p.conns); return nil }
func (p *place) Addr() net.Addr { return &net.TCPAddr{} }

func (p *place) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	down := p.down.Load()
	p.mu.Lock()
	p.visits = append(p.visits, visit{time.Now(), r.URL.String(), string(body), r.Header.Get("Authorization"), down})
	p.mu.Unlock()
	if p.hangs.Load() || down && r.Method == http.MethodGet && p.mute.Load() {
		<-r.Context().Done()
		return
	}
	model := p.model.Load()
	switch {
	case r.Method == http.MethodGet && p.page.Load() != 0:
		w.WriteHeader(int(p.page.Load()))
	case r.Method != http.MethodGet && model != nil:
		(*model)(w, r)
	case down:
		behaviours["500"](w, r)
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, "fine")
	default:
		behaviours["whole"](w, r)
	}
}

func (p *place) all() []visit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.visits)
}

// seen lists the visits of a kind: "page", "probe" (by generation) or "caller".
func (p *place) seen(kind string) (list []visit) {
	for _, v := range p.all() {
		is := "caller"
		switch {
		case v.body == "":
			is = "page"
		case strings.Contains(v.body, `tokens":1`):
			is = "probe"
		}
		if is == kind {
			list = append(list, v)
		}
	}
	return list
}

// probing is an Upstream with a prober before one place.
type probing struct {
	*world
	*place
	snapshot *fairlead.Snapshot
	plan     fairlead.Plan
	log      strings.Builder
}

var priced = &fairlead.Price{Input: 1_000_000, Output: 2_000_000} // 1 and 2 USD per million

func newProbing(t *testing.T, terms fairlead.ProbeTerms, price *fairlead.Price) *probing {
	p := &probing{world: newWorld(t), place: newPlace(t)}
	p.prepare(terms, price, 1)
	return p
}

// prepare brings a revision into force.
func (p *probing) prepare(terms fairlead.ProbeTerms, price *fairlead.Price, revision int64) {
	base, _ := url.Parse("http://place/v1")
	provider := &fairlead.Provider{
		Name: "place", Dialect: fairlead.OpenAI, BaseURL: base, Probe: terms, Timeouts: fairlead.Timeouts{Total: time.Minute},
		Credentials: []fairlead.Credential{{Name: "main", Value: fairlead.NewSecret(secret)}},
	}
	e := &fairlead.Endpoint{ID: "a/m@place", Model: &fairlead.Model{Name: "a/m"}, Upstream: "u", Provider: provider, Weight: 100, Price: price}
	p.snapshot = &fairlead.Snapshot{Revision: revision, Settings: fairlead.Settings{RetryBudget: 0.15}, Providers: []*fairlead.Provider{provider}, Endpoints: []*fairlead.Endpoint{e}}
	if err := p.up.Prepare(p.snapshot); err != nil {
		p.t.Fatal(err)
	}
	upstream.Dial(p.up, p.dial)
	p.plan = fairlead.Plan{Steps: []fairlead.Step{{Endpoint: e, Asked: "a/m"}}}
}

// told is the log so far.
func (p *probing) told() string {
	synctest.Wait()
	return p.log.String()
}

// start runs the prober until what is given back is called, which waits for its end.
func (p *probing) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.up.RunProbes(ctx, slog.New(slog.NewTextHandler(&p.log, nil)))
	}()
	return func() { cancel(); <-done }
}

// ask makes one exchange each second for a time, and counts those that failed after an attempt.
func (p *probing) ask(n int) (failed int) {
	p.text = "the caller's words"
	for range n {
		_, walk, err := p.walk(context.Background(), false, p.plan)
		if err != nil && len(walk.Attempts) > 0 {
			failed++
		}
		time.Sleep(time.Second)
	}
	return failed
}

// bubble runs a test in a bubble, with the prober.
func bubble(t *testing.T, terms fairlead.ProbeTerms, price *fairlead.Price, f func(t *testing.T, p *probing)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newProbing(t, terms, price)
		stop := p.start()
		defer stop()
		f(t, p)
	})
}
