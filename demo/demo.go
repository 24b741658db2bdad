// Package demo shows fairlead at work: a node in front of three fake endpoints, a little traffic, and
// an endpoint that is killed under it. Everything is real but the models: the node is the program
// itself, the traffic goes over HTTP, and what is shown is read from the answers' headers.
package demo

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fairlead/app"
	"fairlead/internal/fakellm"
)

// Options says where and how a demo shows.
type Options struct {
	Out      io.Writer
	Live     bool   // redraw in place until ctx ends (a terminal); else a few lines, then an end
	Listen   string // data plane; "" = any free port
	Control  string // control plane; "" = any free port
	Duration time.Duration

	times times // the zero value = those of the story below
}

// times are when the story's turns come, from its beginning.
type times struct {
	kill, back time.Duration // of the second endpoint
	lasts      time.Duration // then it ends, or begins anew where it is live
	draw       time.Duration // between two tables
}

const (
	callers    = 6 // that ask for short answers, one after the other
	readers    = 8 // that ask for long ones, as streams
	liveAtMost = 30 * time.Minute
)

// story gives the times that the options leave open.
func (o Options) story() times {
	t := o.times
	if t == (times{}) {
		t = times{kill: 5 * time.Second, back: 10 * time.Second, lasts: 15 * time.Second, draw: 2500 * time.Millisecond}
		if o.Live {
			t.draw = 250 * time.Millisecond
		}
	}
	return t
}

// place is one fake endpoint: a provider that can be killed and brought back.
type place struct {
	name   string
	weight int
	speed  string
	addr   string
	cancel context.CancelFunc
	done   chan struct{}
}

func newPlaces() []*place {
	return []*place{
		{name: "alpha", weight: 50, speed: "ttft=40ms"},
		{name: "beta", weight: 30, speed: "ttft=80ms"},
		{name: "gamma", weight: 20, speed: "ttft=120ms"},
	}
}

// start serves the place; the second time on the same address.
func (p *place) start() error {
	addr := p.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("start endpoint %s: %w", p.name, err)
	}
	p.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel, p.done = cancel, make(chan struct{})
	go func() {
		defer close(p.done)
		_ = fakellm.New(fakellm.Options{}).Run(ctx, l) // its end is the demo's own doing
	}()
	return nil
}

// kill ends the place at once: open answers break off, connections are refused.
func (p *place) kill() {
	if p.cancel == nil {
		return
	}
	p.cancel()
	<-p.done
	p.cancel = nil
}

func (p *place) up() bool { return p.cancel != nil }

// Run shows the demo until ctx ends or, where it is not live, until its story is over. It gives an
// error where a request failed: none may.
func Run(ctx context.Context, o Options) error {
	places := newPlaces()
	defer func() {
		for _, p := range places {
			p.kill()
		}
	}()
	for _, p := range places {
		if err := p.start(); err != nil {
			return err
		}
	}
	folder, err := os.MkdirTemp("", "fairlead-demo-")
	if err != nil {
		return fmt.Errorf("make demo folder: %w", err)
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "fairlead.yaml")
	if err := os.WriteFile(file, []byte(configuration(places)), 0o600); err != nil {
		return fmt.Errorf("write demo configuration: %w", err)
	}
	node, err := app.New(ctx, app.Options{
		Listen: orFree(o.Listen), Control: orFree(o.Control), Data: filepath.Join(folder, "data"), Config: file,
		Drain: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	nodeCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- node.Run(nodeCtx) }()
	shown := show(ctx, o, node, places)
	stop()
	if err := <-ended; err != nil {
		return err
	}
	return shown
}

func orFree(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// configuration is what the node runs: two models at three endpoints, one of short and one of long answers.
func configuration(places []*place) string {
	var b strings.Builder
	b.WriteString("version: 1\nproviders:\n")
	for _, p := range places {
		fmt.Fprintf(&b, "  %s: {dialect: openai, base_url: \"http://%s/v1\"}\n", p.name, p.addr)
	}
	b.WriteString("models:\n")
	for _, m := range []struct{ name, length string }{{"chat", "tokens=12"}, {"story", "vary,tokens=25,pace=20ms,honour=anchor"}} {
		fmt.Fprintf(&b, "  demo/%[1]s:\n    aliases: [%[1]s]\n    endpoints:\n", m.name)
		for _, p := range places {
			fmt.Fprintf(&b, "      - {provider: %s, model: \"%s:%s,%s\", weight: %d, price: {input: \"0.15\", output: \"0.60\"}}\n",
				p.name, m.name, p.speed, m.length, p.weight)
		}
	}
	return b.String()
}
