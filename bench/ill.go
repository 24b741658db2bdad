package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"fairlead/internal/fakellm"
)

// ill is a node in front of two fake providers, of which the first one fails in a way that can be set. The
// fakes run in this process, so that their log and the callers read one clock.
type ill struct {
	*node
	first, second *fakellm.Server
	stops         []func() error
}

// deadline is how long the node bears silence where it is bounded.
const deadline = 300 * time.Millisecond

const illConfig = `version: 1
providers:
  plain: {dialect: openai, base_url: "http://%[1]s/v1", credentials: [{name: main, value: "${env:BENCH_UPSTREAM_KEY}"}]}
  first: {dialect: openai, base_url: "http://%[2]s/v1"}
  late: {dialect: openai, base_url: "http://%[2]s/v1", timeouts: {first_token: %[4]s}}
  quiet: {dialect: openai, base_url: "http://%[2]s/v1", timeouts: {idle: %[4]s}}
  second: {dialect: openai, base_url: "http://%[3]s/v1"}
models:
  bench/plain:
    max_output: 4096
    endpoints: [{provider: plain, model: bench-model, price: {input: "0.15", output: "0.60"}}]
`

// Each exchange has a model of its own, for an endpoint that fails twice running is asked no more.
const illModel = `  bench/fails-%[1]d:
    endpoints: [{provider: first, model: m%[1]d, weight: 1000000}, {provider: second, model: m%[1]d, weight: 1}]
    route: {optimize: weights}
  bench/late-%[1]d:
    endpoints: [{provider: late, model: m%[1]d, weight: 1000000}, {provider: second, model: m%[1]d, weight: 1}]
    route: {optimize: weights}
  bench/quiet-%[1]d:
    endpoints: [{provider: quiet, model: m%[1]d}]
    route: {continue: off}
`

// illText is the configuration for so many exchanges of each kind.
func illText(plain, first, second string, models int) []byte {
	b := fmt.Appendf(nil, illConfig, plain, first, second, deadline)
	for i := range models {
		b = fmt.Appendf(b, illModel, i)
	}
	return b
}

// startIll starts the fakes and a node of its own in front of them.
func (r *run) startIll(ctx context.Context, models int) (*ill, error) {
	i := &ill{}
	var at [2]string
	for n, s := range []**fakellm.Server{&i.first, &i.second} {
		*s = fakellm.New(fakellm.Options{MaxLog: 4 * models})
		addr, stop, err := serveFake(ctx, *s)
		if err != nil {
			return nil, errors.Join(err, i.stop())
		}
		at[n], i.stops = addr, append(i.stops, stop)
	}
	dir, err := os.MkdirTemp(r.dir, "ill-")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make folder for fairlead: %w", err), i.stop())
	}
	if i.node, err = startNode(ctx, r.Binary, dir, illText(r.up.Plain, at[0], at[1], models), r.cert); err != nil {
		return nil, errors.Join(err, i.stop())
	}
	i.stops = append(i.stops, func() error { i.node.stop(); return nil })
	return i, nil
}

// serveFake serves a fake provider on a free loopback port until stop is called.
func serveFake(ctx context.Context, s *fakellm.Server) (addr string, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("open the fake provider: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	return l.Addr().String(), func() error {
		cancel()
		return <-ended
	}, nil
}

// stop stops the node, then the fakes.
func (i *ill) stop() error {
	var errs []error
	for n := len(i.stops) - 1; n >= 0; n-- {
		errs = append(errs, i.stops[n]())
	}
	return errors.Join(errs...)
}

// suffer has exchanges made of the models of a kind while the first provider behaves by spec and the node
// carries a load of healthy exchanges. Nothing is known of any endpoint before.
func (r *run) suffer(ctx context.Context, i *ill, kind, spec, want string, n int) ([]shot, error) {
	if err := i.first.Set("*", spec); err != nil {
		return nil, err
	}
	i.first.ResetLog()
	i.second.ResetLog()
	if err := i.api.ForgetHealth(ctx); err != nil {
		return nil, fmt.Errorf("forget health: %w", err)
	}
	p := paced{to: &i.contender, n: n, rate: r.faultRate, conns: 64, want: want, request: func(k int) []byte {
		return i.contender.request(chatPath, streamBody(fmt.Sprintf("bench/%s-%d", kind, k)))
	}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded := make(chan error, 1)
	load := open{to: &i.contender, rate: r.load, conns: 64, request: i.contender.request(chatPath, chatBody(modelPlain, "")), span: p.span() + 2*deadline}
	go func() {
		_, err := load.run(ctx)
		loaded <- err
	}()
	err := pause(ctx, deadline) // the load is under way
	var shots []shot
	if err == nil {
		shots, err = p.run(ctx)
	}
	if err != nil {
		cancel()
		<-loaded
		return nil, err
	}
	return shots, <-loaded
}
