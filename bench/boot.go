package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"fairlead"
	"fairlead/replica"
)

const mostToBoot = 1000 // ms, from the start of the process to its first exchange

// boot measures the time from the start of an edge's process to its first exchange, by a key that it has not seen in
// this life. held is the memory that it had before.
func (r *run) boot(ctx context.Context, f *fleet, secrets []string, held int64) error {
	e := f.edges[0]
	var took []float64
	var fresh int64
	for i := range r.boots {
		e.stop()
		d, err := f.bootOnce(ctx, e, secrets[i])
		if err != nil {
			return fmt.Errorf("boot an edge: %w", err)
		}
		took = append(took, millis(d))
		if fresh, err = e.proc.resident(); err != nil {
			return err
		}
	}
	m := summary(took)
	row := Row{
		Name: "boot", What: fmt.Sprintf("start of an edge with %d keys to its first exchange", r.keys), Unit: "ms",
		Fairlead: m, Target: fmt.Sprintf("<= %d ms", mostToBoot),
		Note: fmt.Sprintf("%d starts; from the start of the process to the answer, by a key that was not used before; the control node runs; "+
			"the edge's memory is %.0f MiB then, and was %.0f MiB after the copy", r.boots, mebibytes(fresh), mebibytes(held)),
	}
	row.judge(m.Max, mostToBoot, "ms")
	r.report.add(row)
	return nil
}

// bootOnce starts an edge again and gives the time to its first exchange.
func (f *fleet) bootOnce(ctx context.Context, e *edgeNode, key string) (time.Duration, error) {
	began := time.Now()
	started := make(chan error, 1)
	go func() {
		_, err := f.startEdge(ctx, e, e.addr) // whose process lives as long as its context
		started <- err
	}()
	within, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	var first time.Duration
	for first == 0 && within.Err() == nil {
		if _, err := e.exchange(within, key); err == nil {
			first = time.Since(began)
			break
		}
		_ = pause(within, tick) // its end is seen by the loop
	}
	if err := <-started; err != nil {
		return 0, err
	}
	if first == 0 {
		return 0, e.contender.wrap(errors.New("no exchange succeeds"))
	}
	return first, nil
}

// lookups measures the lookup of a key in the replica that the edge has left: of one that is read from the disk, and of one
// in memory. The edge is stopped for it.
func (r *run) lookups(ctx context.Context, e *edgeNode, secrets []string) (err error) {
	e.stop()
	rep, err := replica.Open(ctx, filepath.Join(e.dir, "replica"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rep.Close()) }()
	hashes := make([]fairlead.KeyHash, min(len(secrets), r.lookedUp))
	for i := range hashes {
		hashes[i] = fairlead.HashKey(secrets[i])
	}
	for _, kind := range [][2]string{{"lookup-cold", "lookup of a key on the disk"}, {"lookup-cached", "lookup of a key in memory"}} {
		took := make([]time.Duration, len(hashes))
		for i, h := range hashes {
			began := time.Now()
			_, found, err := rep.Key(ctx, h)
			took[i] = time.Since(began)
			if err == nil && !found {
				err = errors.New("a key of the copy is not there")
			}
			if err != nil {
				return fmt.Errorf("look up keys: %w", err)
			}
		}
		high := micros(percentile(took, 0.99))
		r.report.add(Row{
			Name: kind[0], What: kind[1] + ", p99", Unit: "µs", Fairlead: &Measure{high, high, high}, Verdict: "for information",
			Note: fmt.Sprintf("%d keys of %d; p50 %s µs, most %s µs; the system may have the file's pages in memory",
				len(hashes), r.keys, number(micros(percentile(took, 0.5))), number(micros(percentile(took, 1)))),
		})
	}
	return nil
}
