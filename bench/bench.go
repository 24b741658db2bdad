// Package bench measures fairlead beside nginx and beside no proxy at all, in one run on one machine,
// and says of each of the project's promises of speed (docs/bench) whether it is met.
//
// What is compared is processor time, taken from the contenders' own accounting: on a machine that
// others share, it says more than elapsed time does. Rounds of the contenders take turns and ratios
// are made within a round. Callers, contenders and the upstream are processes of one machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Options say what is run.
type Options struct {
	Binary   string    // the fairlead to measure; it is started with `serve`
	Upstream []string  // command and arguments of a process that calls ServeUpstream with two more: certificate and key
	Quick    bool      // fewer and shorter rounds: for a look, not for a verdict
	Only     string    // measures the parts in whose name a word begins so; several with commas between; "" = all
	Progress io.Writer // told what is under way; nil = nobody

	effort *effort // nil = full or quick
}

// effort is how long and how often is measured.
type effort struct {
	rounds, fewRounds, openRounds, streamRounds int

	warm, lap time.Duration // of a closed loop
	open      time.Duration // of an open loop

	streams      int
	streamScript script
	streamWindow time.Duration

	manyStreams int
	manyScript  script
	manyWindow  time.Duration

	decisions int

	faults, silences int     // exchanges that fail, of each kind
	faultRate, load  float64 // a second: of those, and of healthy ones beside them

	endpoints, changes, missed, revoked int
	watchRate, idleRate                 float64       // exchanges a second at each edge: where the time of each change counts, and where the edges are cut off
	calm                                time.Duration // of traffic before anything is changed

	keys, boots, lookedUp      int
	manyEndpoints, manyWeights int
}

var (
	full = effort{
		rounds: 5, fewRounds: 3, openRounds: 5, streamRounds: 3,
		warm: 300 * time.Millisecond, lap: 1500 * time.Millisecond, open: 2500 * time.Millisecond,
		streams: 500, streamScript: script{120, 50 * time.Millisecond}, streamWindow: 5 * time.Second,
		manyStreams: 10_000, manyScript: script{12, time.Second}, manyWindow: 7 * time.Second,
		decisions: 50_000,
		faults:    400, silences: 400, faultRate: 100, load: 2000,
		endpoints: 1000, changes: 1000, missed: 10_000, revoked: 200, watchRate: 500, idleRate: 200, calm: 2 * time.Second,
		keys: 1_000_000, boots: 5, lookedUp: 20_000, manyEndpoints: 10_000, manyWeights: 100,
	}
	quick = effort{
		rounds: 2, fewRounds: 1, openRounds: 2, streamRounds: 1,
		warm: 200 * time.Millisecond, lap: 600 * time.Millisecond, open: time.Second,
		streams: 500, streamScript: script{50, 50 * time.Millisecond}, streamWindow: 2 * time.Second,
		manyStreams: 2000, manyScript: script{5, time.Second}, manyWindow: 2 * time.Second,
		decisions: 20_000,
		faults:    100, silences: 100, faultRate: 100, load: 2000,
		endpoints: 1000, changes: 200, missed: 2000, revoked: 50, watchRate: 500, idleRate: 200, calm: time.Second,
		keys: 100_000, boots: 2, lookedUp: 5000, manyEndpoints: 10_000, manyWeights: 20,
	}
)

// Limit bounds a whole run.
const Limit = 15 * time.Minute

// run is a bench under way.
type run struct {
	Options
	effort
	dir       string
	cert, key string
	up        Addresses
	nginxPath string // "" = there is none
	node      *node
	edge      *edgeNode // of a fleet; nil until it is measured
	nginx     *nginx
	direct    contender
	stops     []func()
	report    *Report

	saturation float64 // exchanges a second of the slower contender in a closed loop
}

// Run measures everything and gives the report. A row that fails says so in the report; an error is
// what kept the whole from being measured.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	r := &run{Options: o, effort: full, report: &Report{}}
	switch {
	case o.effort != nil:
		r.effort = *o.effort
	case o.Quick:
		r.effort = quick
	}
	if o.Progress == nil {
		r.Progress = io.Discard
	}
	if r.dir, err = os.MkdirTemp("", "fairlead-bench-"); err != nil {
		return nil, fmt.Errorf("make folder for the bench: %w", err)
	}
	defer func() {
		r.stop()
		err = errors.Join(err, os.RemoveAll(r.dir))
	}()
	rows, err := r.chosen()
	if err != nil {
		return nil, err
	}
	r.report.Facts = r.facts(ctx)
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	for _, row := range rows {
		r.say(row.name)
		if err := row.measure(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			r.report.add(Row{Name: row.name, What: row.name, Verdict: "failed: " + err.Error()})
		}
	}
	r.report.Facts.Took = time.Since(r.report.Facts.Date).Round(time.Second).String()
	return r.report, nil
}

// named is a part of the bench that adds rows to the report.
type named struct {
	name    string
	measure func(context.Context) error
}

// rows is everything that is measured, in order. The memory of many streams is measured in fresh
// processes, and last but for what needs none.
func (r *run) rows() []named {
	return []named{
		{"exchange, 64 connections", func(ctx context.Context) error { return r.exchange(ctx, 64, r.rounds) }},
		{"exchange, 16 connections", func(ctx context.Context) error { return r.exchange(ctx, 16, r.fewRounds) }},
		{"exchange, TLS upstream", r.secure},
		{"exchange, translated", r.translated},
		{"stream, 500 at 50 ms", r.stream},
		{"added latency", r.latency},
		{"failover", r.failover},
		{"silence", r.silence},
		{"memory of many streams", r.memory},
		{"change of a weight, live on 4 edges", r.change},
		{"converge after a partition", r.converge},
		{"scale of keys: reload, boot, lookup", r.keyScale},
		{"scale of endpoints", r.endpointScale},
		{"decision", func(context.Context) error { return r.decision() }},
	}
}

// chosen is what was asked for of rows.
func (r *run) chosen() ([]named, error) {
	var list []string
	rows := slices.DeleteFunc(r.rows(), func(row named) bool {
		list = append(list, row.name)
		return !slices.ContainsFunc(strings.Split(r.Only, ","), func(part string) bool {
			return strings.Contains(" "+row.name, " "+part) // where a word of it begins: "change" is not "exchange"
		})
	})
	if len(rows) == 0 {
		return nil, fmt.Errorf("no part of the bench is named %q; there are: %s", r.Only, strings.Join(list, "; "))
	}
	return rows, nil
}

// start starts the upstream and the contenders.
func (r *run) start(ctx context.Context) (err error) {
	if r.cert, r.key, err = writeCertificate(r.dir); err != nil {
		return err
	}
	up, at, err := startUpstream(ctx, r.Upstream, r.dir, r.cert, r.key)
	if err != nil {
		return err
	}
	r.up = at
	r.stops = append(r.stops, up.stop)
	if r.nginxPath, err = findNginx(); err != nil {
		r.report.Notes = append(r.report.Notes, "Not compared: "+err.Error()+".")
	}
	return r.fresh(ctx)
}

// fresh starts new processes of the contenders, in the place of those that run.
func (r *run) fresh(ctx context.Context) (err error) {
	for len(r.stops) > 1 { // the first one is the upstream's
		r.stops[len(r.stops)-1]()
		r.stops = r.stops[:len(r.stops)-1]
	}
	r.edge = nil
	dir, err := os.MkdirTemp(r.dir, "round-")
	if err != nil {
		return fmt.Errorf("make folder for the contenders: %w", err)
	}
	if r.node, err = startNode(ctx, r.Binary, dir, nodeText(r.up, r.cert), r.cert); err != nil {
		return err
	}
	r.stops = append(r.stops, r.node.stop)
	r.direct = contender{name: "direct", addr: r.up.Plain, key: r.node.contender.key}
	if r.nginxPath == "" {
		return nil
	}
	if r.nginx, err = startNginx(ctx, r.nginxPath, dir, r.up, r.cert, r.node.contender.key); err != nil {
		return err
	}
	r.stops = append(r.stops, r.nginx.stop)
	return nil
}

func (r *run) stop() {
	for i := len(r.stops) - 1; i >= 0; i-- {
		r.stops[i]()
	}
}

func (r *run) say(what string) { fmt.Fprintf(r.Progress, "measuring: %s\n", what) }
