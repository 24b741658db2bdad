package upstream_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
	"fairlead/upstream"
)

// echoing answers with the prompt and the model that it was asked for, so that an answer shows whose
// request it belongs to.
func echoing(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, rest, _ := strings.Cut(string(body), `"content":"`)
	prompt, _, _ := strings.Cut(rest, `"`)
	_, rest, _ = strings.Cut(string(body), `"model":"`)
	model, _, _ := strings.Cut(rest, `"`)
	if strings.Contains(string(body), `"stream":true`) {
		stream(chunk(fmt.Sprintf(`{"content":%q}`, prompt), "null"), chunk(`{}`, `"stop"`), "data: [DONE]\n\n")(w, r)
		return
	}
	reply(w, 200, "application/json", fmt.Sprintf(`{"id":"1","object":"chat.completion","created":1,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}]}`, model, prompt))
}

// TestWalkIsUsedAgain holds that a walk whose memory serves many exchanges, long and short, streamed,
// failing and not, carries nothing of one into another, and keeps no large memory.
func TestWalkIsUsedAgain(t *testing.T) {
	w := newWorld(t)
	w.own = map[string]http.HandlerFunc{"echoing": echoing}
	plan := w.plan("500", "echoing")
	ways := &fairlead.Snapshot{}
	for _, s := range plan.Steps {
		ways.Providers = append(ways.Providers, s.Endpoint.Provider)
	}
	if err := w.up.Prepare(ways); err != nil {
		t.Fatal(err)
	}
	walk := new(upstream.Walk)
	for i, length := range []int{10, 3000, 5, 200_000, 7, 900, 40_000, 1, 2500} {
		streamed := i%4 == 1
		w.text = fmt.Sprintf("%d-", i) + strings.Repeat("x", length)
		plan.Steps[1].Endpoint.Upstream = strings.Repeat("u", 1+i%3)
		w.up.Walk(t.Context(), walk, upstream.Journey{
			Ask: w.ask(streamed), Plan: plan, Most: 3, Start: time.Now(), Encode: dialect.EncodeOptions{RequestID: "req_1"},
		})
		answer, err := walk.Commit(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(answer.Body); !streamed && (!strings.Contains(got, `"content":"`+w.text+`"`) || !strings.Contains(got, `"model":"`+strings.Repeat("u", 1+i%3)+`"`) || answer.Length != int64(len(got))) {
			t.Errorf("exchange %d was answered %.200s", i, got)
		}
		if streamed && upstream.Room(walk) != 0 {
			t.Errorf("exchange %d: a stream holds %d bytes for whole answers", i, upstream.Room(walk))
		}
		if streamed {
			if got := read(t, answer.Stream); !strings.Contains(got, `{"content":"`+w.text+`"}`) {
				t.Errorf("exchange %d was streamed %.200s", i, got)
			}
		}
		if len(walk.Attempts) != 2 || walk.Attempts[0].Outcome != fairlead.OutcomeServerError || walk.Attempts[1].Outcome != fairlead.OutcomeOK {
			t.Errorf("exchange %d has the attempts %+v", i, walk.Attempts)
		}
		walk.Close()
		answer.Close()
		walk.Reset()
		w.up.Forget() // that the first endpoint always fails
		if n := upstream.Room(walk); n > 16<<10 {
			t.Errorf("exchange %d leaves %d bytes behind", i, n)
		}
	}
}

// read takes a stream to its proper end.
func read(t *testing.T, s *upstream.Stream) string {
	t.Helper()
	var text strings.Builder
	for {
		piece, err := s.Next(10 * time.Second)
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		text.Write(piece)
	}
}

// TestContentTypes holds which success is taken for an answer in the form asked for.
func TestContentTypes(t *testing.T) {
	for stated, want := range map[string]fairlead.Outcome{
		"application/json":                fairlead.OutcomeOK,
		"application/json; charset=utf-8": fairlead.OutcomeOK,
		"Application/JSON ;charset=UTF-8": fairlead.OutcomeOK,
		"application/json-seq":            fairlead.OutcomeMalformed,
		"text/event-stream":               fairlead.OutcomeMalformed,
		"text/html; x=application/json":   fairlead.OutcomeMalformed,
		";":                               fairlead.OutcomeMalformed,
	} {
		w := newWorld(t)
		w.own = map[string]http.HandlerFunc{"typed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", stated)
			_, _ = w.Write([]byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":"good"},"finish_reason":"stop"}]}`))
		}}
		_, walk, _ := w.walk(t.Context(), false, w.plan("typed"))
		if walk.Attempts[0].Outcome != want {
			t.Errorf("%q: %+v, want %s", stated, walk.Attempts, want)
		}
	}
}

// faulty is a dialect with a defect that shows once.
type faulty struct {
	dialect.Dialect
	met *bool
}

func (f faulty) Inspect(op fairlead.Operation, body []byte, scratch *jsonscan.Object) (dialect.Inspection, error) {
	if !*f.met {
		*f.met = true
		panic("defect")
	}
	return f.Dialect.Inspect(op, body, scratch)
}

// TestDefectClosesItsAttempt holds that an attempt that a defect broke off is closed with its walk: its
// memory, which is used again, is then nobody's.
func TestDefectClosesItsAttempt(t *testing.T) {
	met, opened := false, atomic.Int32{}
	s := httptest.NewUnstartedServer(behaviours["whole"])
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	w := &world{t: t, up: upstream.New(faulty{openai.New(), &met}), text: "hi"}
	t.Cleanup(w.up.Close)
	plan := w.plan("refused")
	p := plan.Steps[0].Endpoint.Provider
	p.BaseURL.Host = s.Listener.Addr().String()
	if err := w.up.Prepare(&fairlead.Snapshot{Providers: []*fairlead.Provider{p}}); err != nil {
		t.Fatal(err)
	}
	walk := new(upstream.Walk)
	try := func() (answer *upstream.Answer, err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("%v", v)
			}
			walk.Close()
		}()
		w.up.Walk(t.Context(), walk, upstream.Journey{Ask: w.ask(false), Plan: plan, Most: 1, Start: time.Now()})
		return walk.Commit(time.Time{})
	}
	if _, err := try(); err == nil || err.Error() != "defect" {
		t.Fatalf("the defect did not show: %v", err)
	}
	answer, err := try()
	if err != nil {
		t.Fatal(err)
	}
	answer.Close()
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections: the first was not given back", n)
	}
}
