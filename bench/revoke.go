package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const mostToRevoke = 1000 // ms, from the sending of a call until every edge refuses the key, p99

// revoke measures how long after the sending of a call that revokes a key every edge refuses it, while all of them are asked with
// it.
func (r *run) revoke(ctx context.Context, f *fleet) (took []time.Duration, err error) {
	for range r.revoked {
		one, err := f.revokeOne(ctx)
		if err != nil {
			return nil, err
		}
		took = append(took, one)
	}
	return took, nil
}

func (f *fleet) revokeOne(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, awaitTime, errors.New("a revoked key lets in"))
	defer cancel()
	k, err := f.api.CreateKey(ctx, "to be revoked")
	if err != nil {
		return 0, fmt.Errorf("make a key: %w", err)
	}
	var (
		wg, asking sync.WaitGroup
		fail       failure
		last       = make([]time.Time, len(f.edges))
	)
	for i, e := range f.edges {
		if err := e.serving(ctx, k.Secret); err != nil {
			return 0, err
		}
		asking.Add(1)
		wg.Go(func() {
			var err error
			if last[i], err = e.untilRefused(ctx, k.Secret, asking.Done); err != nil {
				fail.set(e.contender.wrap(err))
				cancel()
			}
		})
	}
	asking.Wait()
	sent := time.Now()
	if _, err = f.api.RevokeKey(ctx, k.ID); err != nil {
		cancel()
	}
	wg.Wait()
	if err := errors.Join(err, fail.get()); err != nil {
		return 0, fmt.Errorf("revoke a key: %w", err)
	}
	took := time.Duration(0)
	for _, at := range last {
		took = max(took, at.Sub(sent))
	}
	return took, nil
}

// untilRefused asks with a key, one exchange after the other, until it is refused, and gives when that was. It tells of the begin.
func (e *edgeNode) untilRefused(ctx context.Context, key string, begun func()) (at time.Time, err error) {
	begin := sync.OnceFunc(begun)
	defer begin()
	c, err := dialCaller(ctx, e.addr, 0, time.Now().Add(awaitTime))
	if err != nil {
		return at, err
	}
	defer c.close()
	asker := e.with(key)
	request := asker.request(chatPath, chatBody(modelPlain, ""))
	for {
		_, err := c.servedBy(request)
		var refused *refusedError
		if errors.As(err, &refused) && refused.status == http.StatusUnauthorized {
			return time.Now(), nil
		}
		if err != nil {
			return at, err
		}
		begin()
		if err := pause(ctx, tick); err != nil {
			return at, err
		}
	}
}

func (r *run) addRevocations(took []time.Duration) {
	m := millis(percentile(took, 0.99))
	row := Row{
		Name: "revoke-p99", What: fmt.Sprintf("key revoked by API until all %d edges refuse it, p99", fleetEdges), Unit: "ms",
		Fairlead: &Measure{m, m, m}, Target: fmt.Sprintf("<= %d ms", mostToRevoke),
		Note: fmt.Sprintf("%d keys one after the other, each asked with at all edges every %s, beside the traffic of the rows above; p50 %s ms, most %s ms",
			len(took), tick, number(millis(percentile(took, 0.5))), number(millis(percentile(took, 1)))),
	}
	row.judge(row.Fairlead.Value, mostToRevoke, "ms")
	r.report.add(row)
}
