package failover_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// soakTime is how long the soak lasts; FAIRLEAD_SOAK, a duration, makes it longer.
const soakTime = 15 * time.Second

const (
	soakEvery  = 20 * time.Millisecond // 50 a second
	soakGrowth = 16 << 20              // bytes of live memory that the soak may leave behind
	soakMore   = 60                    // goroutines, likewise: connections that are kept
	soakHang   = 15 * time.Second      // the longest that an exchange may take
)

// faults are what befalls an endpoint, in the settings of the fake provider; streamFaults are those that
// a whole answer does not have, or whose silence would cost it its own long deadline.
var (
	faults = []string{
		"", "", "", "", "fail=server_error", "fail=rate_limited,retry_after=100ms", "fail=overloaded", "fail=reset", "fail=refused", "fail=html",
		"fail=malformed", "fail=error_in_200", "fail=error_first_frame", "then=truncate,at=0", "status=429",
		"then=truncate,at=9", "then=abort,at=9", "then=reset,at=9", "then=error_frame,at=9", "then=bad_json,at=9", "ttft=50ms,pace=5ms",
	}
	streamFaults = []string{"fail=hang", "then=stall,at=0", "then=stall,at=9", "then=no_finish,at=9"}
)

// soak is the stage with four endpoints of each of two models: one for streams, one for whole answers.
type soak struct {
	*stage
	play   *play
	mu     sync.Mutex
	wrong  []string // answers that are neither whole nor told to be broken
	errors []string // honest ones
	total  int
}

func newSoak(t *testing.T) *soak {
	p := &play{mode: mode{caller: fairlead.OpenAI}, says: "vary,tokens=24,size=4,honour=prefill", settings: map[string]string{
		"": "attempts: 6, timeouts: {first_token: 400ms, idle: 400ms}", "model stream": "route: {hedge: true}", "model whole": "route: {hedge: true}",
	}}
	for _, name := range []string{"p1", "p2", "p3", "p4"} {
		p.providers = append(p.providers, name)
		for _, model := range []string{"stream", "whole"} {
			p.endpoints = append(p.endpoints, endpoint{model: model, provider: name, config: "weight: 100, supports: [chat, prefill]"})
		}
	}
	s := &soak{stage: newStage(t, nil, fakellm.Options{MaxLog: 100}, p.providers...), play: p}
	s.start(p.config(s.urls))
	p.instruct(s.stage)
	return s
}

// strike lets random faults befall three of the four endpoints until ctx ends.
func (s *soak) strike(ctx context.Context, r *rand.Rand) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, name := range s.play.providers[:3] {
			all := append(faults[:len(faults):len(faults)], streamFaults...)
			for model, list := range map[string][]string{"stream": all, "whole": faults} {
				if err := s.fakes[name].Set(model, strings.Trim(s.play.says+","+list[r.IntN(len(list))], ",")); err != nil {
					return err
				}
			}
		}
	}
}

// one makes an exchange: streams and whole answers by turns, and both dialects.
func (s *soak) one(ctx context.Context, i int) {
	m := mode{stream: i%2 == 0, caller: []fairlead.Dialect{fairlead.OpenAI, fairlead.Anthropic}[i/2%2]}
	model := "whole"
	if m.stream {
		model = "stream"
	}
	ctx, cancel := context.WithTimeout(ctx, soakHang)
	defer cancel()
	a := s.call(ctx, ask{model: model, maxTokens: 4096}, m)
	problem := s.play.honest(a)
	if len(a.odd) > 0 {
		problem = a.odd[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	switch {
	case problem != "":
		s.wrong = append(s.wrong, fmt.Sprintf("exchange %d, %s: %s: %v", i, m, problem, a.err))
	case a.end != "proper":
		s.errors = append(s.errors, fmt.Sprintf("exchange %d, %s: %s", i, m, a.message))
	}
}

// TestSoak has random faults at three of four endpoints under a steady load: no wrong or truncated
// success, no hang, no error that could be avoided, and nothing left behind.
func TestSoak(t *testing.T) {
	lasts := soakTime
	if v := os.Getenv("FAIRLEAD_SOAK"); v != "" {
		var err error
		lasts, err = time.ParseDuration(v)
		check(t, err)
	}
	s := newSoak(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	ctx, cancel := context.WithTimeout(t.Context(), lasts+time.Minute)
	defer cancel()
	struck := make(chan error, 1)
	striking, calm := context.WithCancel(ctx)
	go func() { struck <- s.strike(striking, rand.New(rand.NewPCG(seed, 1))) }()
	run := func(d time.Duration) (heap uint64, goroutines int) {
		s.load(ctx, soakEvery, d, func(i int) { s.one(ctx, i) })
		s.http.CloseIdleConnections()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	heap, goroutines := run(lasts / 5)
	after, _ := run(lasts - lasts/5)
	calm()
	check(t, <-struck)
	t.Logf("%d exchanges, %d honest errors; live memory %d KiB, then %d KiB", s.total, len(s.errors), heap>>10, after>>10)
	if want := int(lasts/soakEvery) * 8 / 10; s.total < want {
		t.Errorf("only %d exchanges, %d are wanted", s.total, want)
	}
	if len(s.wrong) > 0 {
		t.Errorf("%d answers are wrong:\n%s", len(s.wrong), strings.Join(s.wrong[:min(5, len(s.wrong))], "\n"))
	}
	if after > heap+soakGrowth {
		t.Errorf("live memory grew from %d to %d bytes", heap, after)
	}
	harness.Until(t, "no goroutines are left over", func() bool { return runtime.NumGoroutine() <= goroutines+soakMore })
	none(t, s.errors)
}
