package upstream_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/upstream"
	"fairlead/upstream/transport"
)

// step is what a provider writes, after a time.
type step struct {
	after time.Duration
	text  string
}

// stage is a provider at the other end of a pipe. Everything of it and of the walk is in one bubble, so
// that minutes of silence cost nothing and end to the instant. Nothing lies in a pipe: who writes waits
// until it is read.
type stage struct {
	*world
	plan   fairlead.Plan
	walk   *upstream.Walk
	answer *upstream.Answer // of the walk
}

func newStage(t *testing.T, d fairlead.Dialect, idle time.Duration, answers ...[]step) *stage {
	w := newWorld(t)
	s := &stage{world: w, plan: w.plan("refused"), walk: new(upstream.Walk)}
	p := s.plan.Steps[0].Endpoint.Provider
	p.Dialect, p.Timeouts.Idle = d, idle
	p.Quirks.NeedsNoKey = true
	next := 0
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(s.leave)
	tr, err := transport.New(transport.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		steps := answers[min(next, len(answers)-1)]
		next++
		serving.Go(func() { perform(theirs, steps) })
		return ours, nil
	}}, fairlead.TransportConfig{})
	if err == nil {
		err = upstream.Use(w.up, p, tr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// perform answers one request with the steps, and then is silent until the other side leaves.
func perform(c net.Conn, steps []step) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err == nil {
		_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
	}
	for i := 0; i < len(steps) && err == nil; i++ {
		time.Sleep(steps[i].after) // the bubble's clock
		_, err = io.WriteString(c, steps[i].text)
	}
	_, _ = io.Copy(io.Discard, c)
}

// leave ends what was asked last.
func (s *stage) leave() {
	if s.answer != nil {
		s.walk.Close()
		s.answer.Close()
		s.answer = nil
	}
}

// commit asks, and gives the stream.
func (s *stage) commit() *upstream.Stream {
	s.t.Helper()
	s.leave()
	s.up.Walk(s.t.Context(), s.walk, upstream.Journey{Ask: s.ask(true), Plan: s.plan, Most: 1, Start: time.Now()})
	answer, err := s.walk.Commit(time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.answer = answer
	return answer.Stream
}

// drink takes a stream as the gateway does, and tells what broke it, and how long after the last delta. The
// caller hears something each ten seconds.
func (s *stage) drink(stream *upstream.Stream) (detail string, after time.Duration) {
	s.t.Helper()
	spoke, heard := time.Now(), time.Now()
	for {
		piece, err := stream.Next(10 * time.Second)
		now := time.Now()
		if strings.Contains(string(piece), `"x"`) {
			spoke = now
		}
		if len(piece) > 0 || err == upstream.ErrSilent {
			if now.Sub(heard) > 10*time.Second+tick {
				s.t.Errorf("the caller heard nothing for %v", now.Sub(heard))
			}
			heard = now
		}
		if err != nil && err != upstream.ErrSilent {
			return upstream.Detail(err), now.Sub(spoke)
		}
	}
}

// tick is how late a wait on a pipe may end: what has no descriptor is asked once more, for a millisecond.
const tick = 10 * time.Millisecond

// The frames that providers write.
var (
	said    = chunk(`{"content":"x"}`, "null")
	thought = chunk(`{"reasoning_content":"x"}`, "null")
	called  = chunk(`{"tool_calls":[{"index":0,"id":"x","function":{"name":"x","arguments":"x"}}]}`, "null")
	nothing = chunk(`{}`, "null")
	comment = ": alive\n\n"
	ping    = "event: ping\ndata: {\"type\":\"ping\"}\n\n"

	claude        = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"c\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n"
	claudeText    = claude + claudeBlock("text", "text")
	claudeThought = claude + claudeBlock("thinking", "thinking")
)

func claudeBlock(kind, member string) string {
	return fmt.Sprintf("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":%q,%q:\"\"}}\n\n", kind, member) +
		fmt.Sprintf("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"%s_delta\",%q:\"x\"}}\n\n", kind, member)
}

// every writes a text again and again, for so long.
func every(d, forSo time.Duration, text string) (steps []step) {
	for range forSo / d {
		steps = append(steps, step{d, text})
	}
	return steps
}

func begin(text string, then ...step) []step { return append([]step{{0, text}}, then...) }

// TestStallBounds tables when a committed stream of which nothing is learned is given up.
func TestStallBounds(t *testing.T) {
	const dead, alive, total = "stalled", "stalled, kept alive", "total time is over"
	auto := time.Duration(fairlead.Auto)
	sec := func(n int) time.Duration { return time.Duration(n) * time.Second }
	hour := time.Hour
	for _, c := range []struct {
		name    string
		dialect fairlead.Dialect
		idle    time.Duration
		steps   []step
		detail  string
		after   time.Duration
	}{
		{"text", "", auto, begin(said), dead, sec(20)},
		{"text and comments", "", auto, begin(said, every(sec(7), hour, comment)...), alive, sec(60)},
		{"text and empty chunks", "", auto, begin(said, every(sec(7), hour, nothing)...), alive, sec(60)},
		{"text and a frame that never ends", "", auto, begin(said, every(sec(7), hour, "data: ")...), alive, sec(60)},
		{"text, and a while later nothing", "", auto, begin(said, every(sec(7), sec(21), comment)...), dead, sec(41)},
		{"reasoning", "", auto, begin(thought), dead, sec(180)},
		{"reasoning and comments", "", auto, begin(thought, every(sec(7), hour, comment)...), alive, sec(180)},
		{"a call", "", auto, begin(called), dead, sec(180)},
		{"text behind reasoning", "", auto, begin(thought, step{sec(170), said}), dead, sec(20)},
		{"reasoning behind text", "", auto, begin(said, step{sec(19), thought}), dead, sec(180)},
		{"a stated bound", "", sec(3), begin(said), dead, sec(3)},
		{"a stated bound and reasoning", "", sec(3), begin(thought), dead, sec(3)},
		{"a stated bound and comments", "", sec(3), begin(said, every(sec(2), hour, comment)...), alive, sec(60)},
		{"a long stated bound", "", sec(100), begin(said), dead, sec(100)},
		{"a long stated bound and comments", "", sec(100), begin(said, every(sec(9), hour, comment)...), alive, sec(100)},
		{"no bound", "", 0, begin(said), total, sec(600)},
		{"translated text", fairlead.Anthropic, auto, begin(claudeText), dead, sec(20)},
		{"translated text and pings", fairlead.Anthropic, auto, begin(claudeText, every(sec(7), hour, ping)...), alive, sec(60)},
		{"translated reasoning", fairlead.Anthropic, auto, begin(claudeThought), dead, sec(180)},
		{"translated reasoning and pings", fairlead.Anthropic, auto, begin(claudeThought, every(sec(7), hour, ping)...), alive, sec(180)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := c.dialect
				if d == "" {
					d = fairlead.OpenAI
				}
				s := newStage(t, d, c.idle, c.steps)
				s.plan.Steps[0].Endpoint.Provider.Timeouts.Total = 10 * time.Minute
				s.plan.Steps[0].Endpoint.Model.MaxOutput = 100
				detail, after := s.drink(s.commit())
				if detail != c.detail || after < c.after || after > c.after+tick {
					t.Errorf("%q after %v, want %q after %v", detail, after, c.detail, c.after)
				}
			})
		})
	}
}
