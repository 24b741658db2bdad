package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"fairlead/client"
)

const (
	mostToConverge = 1000 // ms, from healing until every edge serves by the last of the missed changes
	// weightEach is how many of the missed changes there are to one of a weight; the others are keys.
	weightEach = 10
	// missing is how many calls are under way at once while edges are cut off.
	missing = 4
)

// converge measures how long after healing edges serve by the last of many changes that they missed.
func (r *run) converge(ctx context.Context) error {
	f := &fleet{}
	defer f.stop()
	var err error
	if f.listen, err = freeAddress(); err != nil {
		return err
	}
	k, err := openLink(f.listen)
	if err != nil {
		return err
	}
	defer k.close()
	f.told = k.addr
	if err := r.startFleet(ctx, f, fleetEdges, fleetText(r.up, r.endpoints, "0.15")); err != nil {
		return err
	}
	taken, err := f.api.CreateKey(ctx, "revoked while the edges are cut off")
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	for _, e := range f.edges {
		if err := e.serving(ctx, taken.Secret); err != nil {
			return err
		}
	}
	ctx, ws := watchAll(ctx, r.idleRate, f.edges...)
	defer ws.stop()
	k.set(true)
	began := time.Now()
	last, err := f.miss(ctx, r.missed, taken.ID, r.endpoints)
	if err != nil {
		return fmt.Errorf("change what the edges miss: %w", err)
	}
	cutOff := time.Since(began)
	ws.times()
	if _, err := f.use(0); err != nil {
		return err
	}
	healed := time.Now()
	k.set(false)
	at, err := ws.await(ctx, last)
	if err != nil {
		return fmt.Errorf("wait for revision %d: %w", last, err)
	}
	used, err := f.use(at.Sub(healed))
	if err != nil {
		return err
	}
	for _, e := range f.edges {
		if err := e.refuses(ctx, taken.Secret); err != nil {
			return err
		}
	}
	r.addConvergence(used, cutOff, ws.stop())
	return nil
}

func (r *run) addConvergence(used use, cutOff time.Duration, during []time.Duration) {
	m := millis(used.span)
	row := Row{
		Name: "converge", What: fmt.Sprintf("healing until all %d edges serve by the last of %d missed changes", fleetEdges, r.missed), Unit: "ms",
		Fairlead: &Measure{m, m, m}, Target: fmt.Sprintf("<= %d ms", mostToConverge),
		Note: fmt.Sprintf("all edges were cut off for %s and healed at once; of %d changes one sets a weight and the others make keys; "+
			"seen in the answers of %.0f exchanges a second at each edge, none of which failed and whose p99 is %s ms while the edges catch up; a key that was revoked meanwhile is refused; it takes %s ms of CPU at control and %s at each edge, exchanges included",
			cutOff.Round(time.Second/10), weightEach, r.idleRate, number(millis(percentile(during, 0.99))), number(millis(used.control)), number(millis(used.edges)/fleetEdges)),
	}
	row.judge(row.Fairlead.Value, mostToConverge, "ms")
	r.report.add(row)
}

// miss makes n changes by API: the last but one revokes a key, the last sets a weight, whose revision it gives.
func (f *fleet) miss(ctx context.Context, n int, revoke string, endpoints int) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg   sync.WaitGroup
		fail failure
		todo = make(chan int)
	)
	for range missing {
		wg.Go(func() {
			for i := range todo {
				if err := f.missOne(ctx, i, endpoints); err != nil {
					fail.set(err)
					cancel()
				}
			}
		})
	}
	for i := range n - 2 {
		todo <- i
	}
	close(todo)
	wg.Wait()
	if err := fail.get(); err != nil {
		return 0, err
	}
	if _, err := f.api.RevokeKey(ctx, revoke); err != nil {
		return 0, err
	}
	done, err := f.api.SetWeight(ctx, fleetEndpoint(0), 99, client.Write{Why: "bench"})
	return done.Revision, err
}

func (f *fleet) missOne(ctx context.Context, i, endpoints int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if i%weightEach == 0 {
		_, err := f.api.SetWeight(ctx, fleetEndpoint(i%endpoints), 101+i, client.Write{Why: "bench"})
		return err
	}
	_, err := f.api.CreateKey(ctx, fmt.Sprintf("missed %d", i))
	return err
}

// refuses makes sure that a key lets nobody in.
func (e *edgeNode) refuses(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	_, err := e.exchange(ctx, key)
	var refused *refusedError
	switch {
	case err == nil:
		return e.contender.wrap(errors.New("a revoked key lets in"))
	case errors.As(err, &refused) && refused.status == http.StatusUnauthorized:
		return nil
	}
	return e.contender.wrap(err)
}
