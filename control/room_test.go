package control_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
)

// trickles is the header of requests whose bodies do not come.
const trickles = "Fairlead-Trickles"

// serve has control answer, and tells of requests that trickle.
func (p *plane) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(trickles) != "" {
		tell := sync.OnceFunc(func() { p.slow <- struct{}{} })
		defer tell()
		r.Body = &readBody{r.Body, tell}
	}
	p.api.ServeHTTP(w, r)
}

// readBody is a body that tells when it is read.
type readBody struct {
	io.ReadCloser
	read func()
}

func (b *readBody) Read(into []byte) (int, error) {
	b.read()
	return b.ReadCloser.Read(into)
}

// trickle begins requests whose bodies do not come, and returns once control has all of them. They end with the test.
func (p *plane) trickle(t *testing.T, n int, method, path, secret string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	for range n {
		body, w := io.Pipe()
		go func() {
			_, _ = w.Write([]byte(`{"version":1,`))
			<-ctx.Done()
			_ = w.CloseWithError(ctx.Err())
		}()
		req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
		check(t, err)
		req.Header.Set("Authorization", "Bearer "+secret)
		req.Header.Set("Content-Type", "application/merge-patch+json")
		req.Header.Set(trickles, "yes")
		done.Go(func() {
			if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	for range n {
		<-p.slow
	}
	t.Cleanup(func() { cancel(); done.Wait() })
}

// TestSlowSenders holds that bodies which do not come take no write's place, whoever sends them.
func TestSlowSenders(t *testing.T) {
	p := applied(t)
	key := p.json(t, "POST", "/control/v1/keys", `{"name":"a"}`, 201)
	for i := range 3 {
		viewer, _ := p.token(t, fmt.Sprintf("viewer%d", i), "viewer")
		operator, _ := p.token(t, fmt.Sprintf("operator%d", i), "operator")
		p.trickle(t, 20, "PUT", "/control/v1/config?dry_run=true", viewer)
		p.trickle(t, 20, "PUT", "/control/v1/config", operator)
	}
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":12}`, 200)
	p.json(t, "POST", "/control/v1/keys", `{"name":"b"}`, 201)
	p.json(t, "DELETE", "/control/v1/keys/"+key["id"].(string), "", 200)
}

// TestRevokedBesideWrites holds that there is room for a revocation when writes take all of theirs.
func TestRevokedBesideWrites(t *testing.T) {
	release, revoked := make(chan struct{}), make(chan struct{})
	var under sync.WaitGroup
	p := newPlane(t, func(o *control.Options) {
		o.Applied = func(context.Context, int64) error {
			select {
			case <-revoked:
			default:
				under.Done()
				<-release
			}
			return nil
		}
	})
	bot, id := p.token(t, "bot", "admin")
	under.Add(32)
	var done sync.WaitGroup
	for i := range 32 {
		done.Go(func() {
			secret := []string{token, bot}[i%2]
			p.ask(t, "POST", "/control/v1/keys", `{"name":"a"}`, "Authorization", "Bearer "+secret)
		})
	}
	under.Wait() // all places are taken
	close(revoked)
	p.json(t, "DELETE", "/control/v1/tokens/"+id, "", 200)
	close(release)
	done.Wait()
}

// TestDryRunsAside holds that dry runs are few, and that no write waits for one.
func TestDryRunsAside(t *testing.T) {
	held := &heldStore{release: make(chan struct{}), under: make(chan struct{}, 2)}
	p := applied(t, func(o *control.Options) { held.Store, o.Store = o.Store, held })
	one, _ := p.token(t, "one", "viewer")
	two, _ := p.token(t, "two", "viewer")
	dry := func(secret string) (int, string) {
		return p.ask(t, "PUT", "/control/v1/config?dry_run=true", configuration, "Authorization", "Bearer "+secret)
	}
	held.holds.Store(2)
	var done sync.WaitGroup
	for _, secret := range []string{one, two} {
		done.Go(func() {
			if status, answer := dry(secret); status != 200 {
				t.Errorf("%d %s", status, answer)
			}
		})
		<-held.under
	}
	if status, answer := dry(token); status != 429 {
		t.Errorf("a third at once: %d %s", status, answer)
	}
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":12}`, 200)
	close(held.release)
	done.Wait()
}

// heldStore holds the next ones up that look at secrets, as compiling does.
type heldStore struct {
	control.Store
	holds          atomic.Int64
	release, under chan struct{}
}

func (s *heldStore) Secrets(ctx context.Context) ([]fairlead.SealedSecret, error) {
	if s.holds.Add(-1) >= 0 {
		s.under <- struct{}{}
		<-s.release
	}
	return s.Store.Secrets(ctx)
}

// slowReader is a caller who reads nothing until it is let.
type slowReader struct {
	*httptest.ResponseRecorder
	read      chan struct{}
	writing   func()
	deadlines []time.Time
	parts     []int
}

func (s *slowReader) SetWriteDeadline(t time.Time) error {
	s.deadlines = append(s.deadlines, t)
	return nil
}

func (s *slowReader) Write(b []byte) (int, error) {
	s.writing()
	<-s.read
	s.parts = append(s.parts, len(b))
	return s.ResponseRecorder.Write(b)
}

// TestUnreadAnswers holds that an answer counts as long as it is not read, and that reading it may take a bounded time.
func TestUnreadAnswers(t *testing.T) {
	p := newPlane(t)
	var doc strings.Builder
	doc.WriteString("version: 1\nproviders: {p: {dialect: openai, base_url: \"http://127.0.0.1:9/v1\"}}\nmodels:\n")
	for i := range 3000 {
		fmt.Fprintf(&doc, "  a/model-with-a-long-name-%d: {endpoints: [{provider: p}]}\n", i)
	}
	w := p.json(t, "PUT", "/control/v1/config", doc.String(), 200)
	if n, more := len(w["diff"].([]any)), w["diff_left_out"]; n != 1000 || more != float64(1+3000+3000-1000) { // a model and an endpoint each
		t.Errorf("diff of %d and %v more", n, more)
	}
	read := make(chan struct{})
	var under sync.WaitGroup
	var done sync.WaitGroup
	callers := make([]*slowReader, 32)
	for i := range callers {
		under.Add(1)
		s := &slowReader{ResponseRecorder: httptest.NewRecorder(), read: read, writing: sync.OnceFunc(under.Done)}
		callers[i] = s
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/control/v1/config", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		done.Go(func() { p.api.ServeHTTP(s, req) })
	}
	under.Wait()
	if status, _ := p.ask(t, "GET", "/control/v1/config", ""); status != 429 {
		t.Errorf("beside 32 answers of one caller that nobody reads: %d", status)
	}
	close(read)
	done.Wait()
	s := callers[0]
	if len(s.parts) < 2 || s.Code != 200 {
		t.Fatalf("status %d, parts %v", s.Code, s.parts)
	}
	if set := len(s.deadlines); set < len(s.parts) || s.deadlines[set-1].IsZero() {
		t.Errorf("%d deadlines for %d parts", set, len(s.parts))
	}
}
