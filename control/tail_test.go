package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/control"
)

// air is what tails listen to.
type air struct {
	mu     sync.Mutex
	f      func(node string, batch []byte)
	begun  int
	ended  int
	refuse error
}

func (a *air) listen(f func(string, []byte)) (func(), error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuse != nil {
		return nil, a.refuse
	}
	a.f = f
	a.begun++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.f = nil
		a.ended++
	}, nil
}

// say sends a batch to who listens.
func (a *air) say(t testing.TB, node string, b fairlead.RecordBatch) {
	t.Helper()
	body, err := b.MarshalBinary()
	check(t, err)
	a.mu.Lock()
	f := a.f
	a.mu.Unlock()
	if f == nil {
		t.Fatal("nobody listens")
	}
	f(node, body)
}

func (a *air) listening() (begun, ended int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.begun, a.ended
}

func airborne(a *air) func(*control.Options) {
	return func(o *control.Options) { o.Listen = a.listen }
}

// events reads the events of a tail, each as its type and its data.
func events(resp *http.Response) <-chan [2]string {
	list := make(chan [2]string, 1000)
	go func() {
		defer close(list)
		kind := ""
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			switch name, data, _ := strings.Cut(s.Text(), ": "); name {
			case "event":
				kind = data
			case "data":
				list <- [2]string{kind, data}
			case "":
				if data != "" {
					list <- [2]string{"comment", data}
				}
			}
		}
	}()
	return list
}

// next gives the next event that is no comment.
func next(t *testing.T, list <-chan [2]string) [2]string {
	t.Helper()
	for {
		select {
		case e, ok := <-list:
			if !ok {
				t.Fatal("the tail has ended")
			}
			if e[0] != "comment" {
				return e
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no event came")
		}
	}
}

// tail opens one; it is there when this returns.
func (p *plane) tail(t *testing.T, query string, headers ...string) <-chan [2]string {
	t.Helper()
	resp := p.do(t, "GET", "/control/v1/records/tail"+query, "", headers...)
	if media := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || media != "text/event-stream" {
		t.Fatalf("status %d as %s", resp.StatusCode, media)
	}
	list := events(resp)
	if e := <-list; e[0] != "comment" {
		t.Fatalf("it begins with %v", e)
	}
	return list
}

// TestTail holds that a tail shows the records that match, as the list does, and that records are listened to only while
// somebody looks.
func TestTail(t *testing.T) {
	a := &air{}
	p := newPlane(t, airborne(a))
	p.fleet.Hear(fairlead.NodeStatus{Name: "edge-2", Role: fairlead.RoleEdge, Region: "us"})
	all, some := p.tail(t, ""), p.tail(t, "?status=%3E%3D500&region=us&provider=p")
	if begun, ended := a.listening(); begun != 1 || ended != 0 {
		t.Errorf("listened %d times, ended %d", begun, ended)
	}
	fail := func(r *fairlead.StoredRecord) { r.Status, r.Error = 502, "a\nb: c" }
	first, second, third := record("edge-1", 0, fail), record("edge-2", 1, nil), record("edge-2", 2, fail)
	a.say(t, "edge-1", batch(t, "edge-1", first))
	a.say(t, "edge-1", batch(t, "edge-2", second)) // nobody speaks for another
	b := batch(t, "edge-2", second, third)
	b.Seconds = []fairlead.RecordSecond{{Second: 1, Seen: 7, Kept: 2, LeftOut: 5}}
	a.say(t, "edge-2", b)
	for _, want := range []fairlead.StoredRecord{first, second, third} {
		wantEvent(t, next(t, all), want)
	}
	wantEvent(t, next(t, some), third)
	for _, list := range []<-chan [2]string{all, some} {
		if e := next(t, list); e[0] != "notice" || e[1] != `{"dropped":0,"left_out":5}` {
			t.Errorf("notice %v", e)
		}
	}
}

func wantEvent(t *testing.T, e [2]string, want fairlead.StoredRecord) {
	t.Helper()
	var got struct {
		ID, Error string
		Status    int
		At        time.Time
	}
	if err := json.Unmarshal([]byte(e[1]), &got); err != nil || e[0] != "record" || got.ID != want.ID || got.Status != want.Status || got.Error != want.Error || got.At.UnixMicro() != want.At {
		t.Errorf("event %v, want %s; %v", e, want.ID, err)
	}
	valid(t, description().schema(t, "components", "schemas", "RecordAnswer"), exchange{method: "GET", path: "tail"}, []byte(e[1]))
}

// TestTailsBounded holds that a tail shows 20 records a second and counts the others, that a caller has so many of them, and
// that none begins where nothing can be heard.
func TestTailsBounded(t *testing.T) {
	a := &air{}
	p := newPlane(t, airborne(a))
	list := p.tail(t, "")
	var rows []fairlead.StoredRecord
	for i := range 100 {
		rows = append(rows, record("edge-1", i, nil))
	}
	a.say(t, "edge-1", batch(t, "edge-1", rows...))
	shown, dropped := 0, 0
	for dropped == 0 {
		e := next(t, list)
		var n struct{ Dropped int }
		if check(t, json.Unmarshal([]byte(e[1]), &n)); e[0] == "record" {
			shown++
		}
		dropped += n.Dropped
	}
	if shown+dropped != 100 || shown < 20 || shown > 40 { // the batch may lie in two seconds
		t.Errorf("%d shown, %d dropped", shown, dropped)
	}
	bot, _ := p.token(t, "bot", "viewer")
	for range 63 {
		p.tail(t, "")
	}
	if resp := p.do(t, "GET", "/control/v1/records/tail", ""); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one more: status %d", resp.StatusCode)
	}
	p.tail(t, "", "Authorization", "Bearer "+bot)
	p.json(t, "GET", "/control/v1/records", "", 200)

	p.api.EndTails()
	for range list {
	}
	p.json(t, "GET", "/control/v1/records/tail", "", 503)

	deaf := newPlane(t, airborne(&air{refuse: fairlead.Errorf(fairlead.CodeControlUnavailable, "no bus")}))
	for range 2 {
		if a := deaf.json(t, "GET", "/control/v1/records/tail", "", 503); a.code() != "control_unavailable" {
			t.Errorf("deaf: %s", a.text())
		}
	}
	p.json(t, "GET", "/control/v1/records/tail?limit=1", "", 400)
}

// tokenStore knows one token.
type tokenStore struct {
	control.Store
	mu    sync.Mutex
	token fairlead.Token
}

func (s *tokenStore) Token(context.Context, fairlead.Hash) (fairlead.Token, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, true, nil
}

// TestTailEnds holds that a tail whose token is revoked ends, and that listening ends with the last.
func TestTailEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &air{}, &tokenStore{token: fairlead.Token{Name: "bot", Level: fairlead.LevelViewer}}
		api := control.New(control.Options{Store: s, Listen: a.listen})
		done := make(chan *httptest.ResponseRecorder, 1)
		go func() {
			req := httptest.NewRequestWithContext(t.Context(), "GET", "/control/v1/records/tail", nil)
			req.Header.Set("Authorization", "Bearer fl-admin-x")
			w := httptest.NewRecorder()
			api.ServeHTTP(w, req)
			done <- w
		}()
		time.Sleep(time.Minute) // of the bubble
		select {
		case w := <-done:
			t.Fatalf("it has ended: %d %s", w.Code, w.Body)
		default:
		}
		s.mu.Lock()
		s.token.Revoked = time.Now()
		s.mu.Unlock()
		if w := <-done; w.Code != 200 || strings.Count(w.Body.String(), ": still here") < 5 {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if begun, ended := a.listening(); begun != 1 || ended != 1 {
			t.Errorf("listened %d times, ended %d", begun, ended)
		}
	})
}
