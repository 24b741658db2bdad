package upstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/upstream"
	"fairlead/upstream/health"
	"fairlead/upstream/transport"
)

// whole is a stream with its proper end.
func whole(steps ...step) []step {
	return append(steps, step{0, chunk(`{}`, `"stop"`) + "data: [DONE]\n\n"})
}

// TestStallLearned holds that what streams taught of an endpoint bounds the silence of the next one.
func TestStallLearned(t *testing.T) {
	const enough = 12_000 // deltas: more than a thousand of them are learned
	ms, sec := time.Millisecond, time.Second
	for _, c := range []struct {
		name     string
		taught   []step
		then     []step
		detail   string
		from, to time.Duration
	}{
		{"quick text", every(20*ms, enough*20*ms, said), begin(said), "stalled", 20 * sec, 20 * sec},
		{"quick text, kept alive", every(20*ms, enough*20*ms, said), begin(said, every(7*sec, time.Hour, comment)...), "stalled, kept alive", 20 * sec, 20 * sec},
		{"slow text", every(6*sec, enough*6*sec, said), begin(said), "stalled", 48 * sec, 55 * sec},
		{"quick reasoning", every(20*ms, enough*20*ms, thought), begin(thought), "stalled", 30 * sec, 30 * sec},
		{"reasoning says nothing of text", every(20*ms, enough*20*ms, thought), begin(said), "stalled", 20 * sec, 20 * sec},
		{"nor text of reasoning", every(20*ms, enough*20*ms, said), begin(thought), "stalled", 180 * sec, 180 * sec},
		{"nor one of text kept alive", every(20*ms, enough*20*ms, thought), begin(said, every(7*sec, time.Hour, comment)...), "stalled, kept alive", 60 * sec, 60 * sec},
		{"keep-alives", append(begin(said), every(2*sec, 58*sec, comment)...), begin(thought), "stalled", 15 * sec, 15 * sec},
		{"seldom keep-alives", append(begin(thought), every(8*sec, 170*sec, comment)...), begin(thought), "stalled", 32 * sec, 36 * sec},
		{"keep-alives do not keep alive for ever", append(begin(said), every(2*sec, 58*sec, comment)...), begin(said, every(2*sec, time.Hour, comment)...), "stalled, kept alive", 60 * sec, 60 * sec},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, fairlead.OpenAI, time.Duration(fairlead.Auto), whole(append(begin(said), c.taught...)...), c.then)
				if detail, _ := s.drink(s.commit()); detail != "EOF" {
					t.Fatalf("the stream that teaches: %q", detail)
				}
				detail, after := s.drink(s.commit())
				if detail != c.detail || after < c.from || after > c.to+tick {
					t.Errorf("%q after %v, want %q after %v to %v", detail, after, c.detail, c.from, c.to)
				}
			})
		})
	}
}

// TestStallTeaches holds that a stream that was given up is at least as long a gap, not none: where many
// are, the bound was too short.
func TestStallTeaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick := every(20*time.Millisecond, 4*time.Minute, said)
		s := newStage(t, fairlead.OpenAI, time.Duration(fairlead.Auto), whole(append(begin(said), quick...)...), begin(said))
		s.drink(s.commit())
		before := upstream.DeadlinesOf(s.walk).Gap(health.Text, time.Now())
		for i := range 64 {
			time.Sleep(time.Duration(16*i) * time.Nanosecond) // of gaps at other times others are learned
			s.drink(s.commit())
		}
		after := upstream.DeadlinesOf(s.walk).Gap(health.Text, time.Now())
		if before != 5*time.Second || after < 20*time.Second {
			t.Errorf("the bound was %v and is %v", before, after)
		}
	})
}

// TestSlowCaller holds that a provider that waits for our caller is neither dead nor slow: what is spent
// away from it counts to no clock and teaches nothing.
func TestSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pieces, away = 10_000, 5 * time.Second
		const late = away + time.Millisecond // so that each wait is short, and no measure of the provider
		s := newStage(t, fairlead.OpenAI, 2*time.Second, whole(append(begin(said), every(late, pieces*late, said)...)...), begin(said))
		stream, got := s.commit(), 0
		for {
			piece, err := stream.Next(10 * time.Second)
			got += strings.Count(string(piece), `"x"`)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("after %d pieces: %v", got, err)
			}
			time.Sleep(away)
		}
		if got != pieces+1 {
			t.Errorf("%d pieces, want %d", got, pieces+1)
		}
		if gap := upstream.DeadlinesOf(s.walk).Gap(health.Text, time.Now()); gap != time.Minute {
			t.Errorf("a slow caller has taught a bound of %v", gap)
		}
		stream = s.commit()
		if _, err := stream.Next(time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		back := time.Now()
		detail, _ := s.drink(stream)
		if silent := time.Since(back); detail != "stalled" || silent < 2*time.Second || silent > 2*time.Second+tick {
			t.Errorf("%q after %v of waiting", detail, silent)
		}
	})
}

// TestStallIsSoft holds that silence after the commit is held against an endpoint as silence before it is:
// it never shuts the last one, however often.
func TestStallIsSoft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, fairlead.OpenAI, time.Second, begin(said))
		s.plan.Steps[0].Endpoint.Provider.Timeouts.Total = 20 * time.Second
		for i := range 8 {
			s.plan.Steps[0].Endpoint.Provider.Timeouts.Idle = time.Duration(i%2) * time.Second // by turns the total time is over
			s.commit()
			var err error
			for err == nil || errors.Is(err, upstream.ErrSilent) {
				_, err = s.walk.Next(time.Second)
			}
			detail := upstream.Detail(err)
			if want := []string{"total time is over", "stalled"}[i%2]; detail != want {
				t.Errorf("%d: %q, want %q", i, detail, want)
			}
		}
	})
}

// chatter is a connection on which a provider is never silent and never says anything.
type chatter struct {
	net.Conn // a pipe, for all but reads
	text     string
	begun    bool
}

func (c *chatter) Read(p []byte) (int, error) {
	if !c.begun {
		c.begun = true
		return copy(p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"), nil
	}
	n := 0
	for len(p)-n >= len(c.text) {
		n += copy(p[n:], c.text)
	}
	return max(n, copy(p, c.text)), nil
}

// TestChatter holds that bytes do not keep an attempt waiting, however much comes of them: neither comments
// before the commit, nor after it what says nothing.
func TestChatter(t *testing.T) {
	var text string
	tr, err := transport.New(transport.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		return &chatter{Conn: ours, text: text}, nil
	}}, fairlead.TransportConfig{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	plan := w.plan("refused", "ok")
	first := plan.Steps[0].Endpoint.Provider
	first.Timeouts.FirstToken = 50 * time.Millisecond
	first.Timeouts.Connect = time.Second // so that the other has another transport
	if err := upstream.Use(w.up, first, tr); err != nil {
		t.Fatal(err)
	}
	text = ":\n\n"
	if got, _, err := w.walk(t.Context(), true, plan); got != "timeout ok -> good" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	plan.Steps = plan.Steps[:1]
	var walk upstream.Walk // the last one is waited for, but its caller hears something
	w.up.Walk(t.Context(), &walk, upstream.Journey{Ask: w.ask(true), Plan: plan, Most: 1, Start: time.Now()})
	if _, err := walk.Commit(time.Now().Add(20 * time.Millisecond)); err != upstream.ErrSilent {
		t.Errorf("Commit gives %v", err)
	}
	walk.Close()
	text, w.total = nothing, 100*time.Millisecond // so much of it commits
	if got, ended, err := w.walk(t.Context(), true, plan); got != "interrupted -> " || err == nil || ended.Attempts[0].Detail != "total time is over" {
		t.Errorf("%q, %v, %+v", got, err, ended.Attempts)
	}
}

// TestKeptAliveBeforeCommit is the same with bytes that come now and then.
func TestKeptAliveBeforeCommit(t *testing.T) {
	for _, text := range []string{comment, nothing, ping, chunk(`{"role":"assistant","content":""}`, "null"), "data: "} {
		var asked atomic.Int32
		alive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			for {
				stream(text)(w, r)
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
					return
				}
			}
		}))
		defer alive.Close()
		w := newWorld(t)
		plan := w.plan("ok", "ok")
		w.serveFirst(plan, alive.URL)
		plan.Steps[0].Endpoint.Provider.Timeouts.FirstToken = 200 * time.Millisecond
		if got, _, err := w.walk(t.Context(), true, plan); got != "timeout ok -> good" || err != nil || asked.Load() != 1 {
			t.Errorf("%q: %q, %v, asked %d times", text, got, err, asked.Load())
		}
	}
}
