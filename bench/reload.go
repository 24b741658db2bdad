package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fairlead"
	"fairlead/client"
	"fairlead/store"
	"fairlead/store/sqlite"
)

// keysAtOnce is how many keys a change makes where a store is filled.
const keysAtOnce = 10_000

// keyScale measures what many keys take: a whole copy of them to an edge that serves meanwhile, the boot of an edge that
// has them, a lookup.
func (r *run) keyScale(ctx context.Context) error {
	f := &fleet{}
	defer f.stop()
	if err := r.startFleet(ctx, f, 1, fleetText(r.up, 100, "0.15")); err != nil {
		return err
	}
	e := f.edges[0]
	watched, ws := watchAll(ctx, r.watchRate, e)
	defer ws.stop()
	if err := pause(watched, r.calm); err != nil {
		return err
	}
	before := ws.times()
	secrets, err := f.refound(watched, ws, r.keys)
	if err != nil {
		return err
	}
	ws.times()
	c, err := f.watchCopy(watched, secrets[0])
	if err != nil {
		return err
	}
	r.addReload(c, before, ws.stop())
	held, err := e.proc.resident()
	if err != nil {
		return err
	}
	if err := r.boot(ctx, f, secrets[1:], held); err != nil {
		return err
	}
	return r.lookups(ctx, e, secrets)
}

// refound restores the control node from a backup that lacks what the edge has applied since, and makes many keys more,
// of which it gives some secrets. The edge has to copy everything then. The node is down meanwhile.
func (f *fleet) refound(ctx context.Context, ws *watchers, keys int) (secrets []string, err error) {
	var backup bytes.Buffer
	if _, err := f.api.Backup(ctx, &backup); err != nil {
		return nil, fmt.Errorf("make a backup: %w", err)
	}
	done, err := f.api.SetWeight(ctx, fleetEndpoint(0), 99, client.Write{Why: "bench"})
	if err == nil {
		_, err = ws.await(ctx, done.Revision)
	}
	if err != nil {
		return nil, fmt.Errorf("change what the backup lacks: %w", err)
	}
	f.control.stop()
	path := filepath.Join(f.controlData(), "fairlead.db")
	files, err := filepath.Glob(path + "*")
	if err != nil {
		return nil, fmt.Errorf("find the store: %w", err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			return nil, fmt.Errorf("remove the store: %w", err)
		}
	}
	to, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	_, err = to.Restore(ctx, &backup)
	if err == nil {
		secrets, err = fillKeys(ctx, to, keys)
	}
	if err := errors.Join(err, to.Close()); err != nil {
		return nil, fmt.Errorf("fill the restored store: %w", err)
	}
	return secrets, f.startControl(ctx)
}

// fillKeys makes keys and gives the secrets of some of them, evenly taken.
func fillKeys(ctx context.Context, s *store.Store, keys int) (secrets []string, err error) {
	every := max(1, keys/mostSecrets)
	for made := 0; made < keys; {
		page := make([]fairlead.Key, min(keysAtOnce, keys-made))
		for i := range page {
			var secret fairlead.Secret
			page[i], secret = fairlead.NewKey(fmt.Sprintf("key %d", made+i), time.Now())
			if (made+i)%every == 0 {
				secrets = append(secrets, secret.Reveal())
			}
		}
		if _, err := s.CreateKeys(ctx, fairlead.Act{By: "bench", Action: "key.create"}, page...); err != nil {
			return nil, err
		}
		made += len(page)
	}
	return secrets, nil
}

// mostSecrets is about how many secrets are kept for lookups.
const mostSecrets = 50_000

// copyTime bounds a whole copy.
const copyTime = 5 * time.Minute

// copying is what was seen of a whole copy.
type copying struct {
	whole       time.Duration // from the control node's return until a key of the copy lets in
	took        time.Duration // from the first sign of the copy until then
	shown       int           // stages that `nodes` showed
	first, last string        // of them
	peak        int64         // bytes of the edge's memory, the most that was seen
}

// saw takes down what `nodes` shows of a copy.
func (c *copying) saw(stage string) {
	if stage == "" || stage == c.last {
		return
	}
	if c.shown++; c.shown == 1 {
		c.first = stage
	}
	c.last = stage
}

// watchCopy watches the edge copy everything, until a key of the copy lets in.
func (f *fleet) watchCopy(ctx context.Context, key string) (c copying, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, copyTime, errors.New("no key of the copy lets in"))
	defer cancel()
	e, back := f.edges[0], time.Now()
	var began time.Time
	for {
		memory, err := e.proc.resident()
		if err != nil {
			return c, err
		}
		c.peak = max(c.peak, memory)
		nodes, err := f.api.Nodes(ctx)
		if err != nil {
			return c, fmt.Errorf("list nodes: %w", err)
		}
		for _, n := range nodes {
			if n.Name == e.contender.name {
				c.saw(n.Loading)
			}
		}
		if c.shown > 0 && began.IsZero() {
			began = time.Now()
		}
		_, err = e.exchange(ctx, key)
		if err == nil && c.shown == 0 {
			return c, errors.New("nothing showed that everything is copied")
		}
		if err == nil {
			c.whole, c.took = time.Since(back), time.Since(began)
			return c, nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return c, err
		}
	}
}

func (r *run) addReload(c copying, before, during []time.Duration) {
	seconds := c.took.Seconds()
	r.report.add(
		Row{
			Name: "reload", What: fmt.Sprintf("whole copy of %d keys to an edge that serves", r.keys), Unit: "s",
			Fairlead: &Measure{seconds, seconds, seconds}, Verdict: "for information",
			Note: fmt.Sprintf("the control node came back from a backup without what the edge had applied last; the edge notices by three beats and copies everything; %.1f s after it came back a key of the copy lets in; "+
				"`nodes` showed %d stages of it, from %q to %q; the edge's memory was at most %.0f MiB", c.whole.Seconds(), c.shown, c.first, c.last, mebibytes(c.peak)),
		},
		r.latencyRow("reload-p99", "exchanges while everything is copied, p99", before, during),
	)
}

// latencyRow is of exchanges that others must not disturb.
func (r *run) latencyRow(name, what string, before, during []time.Duration) Row {
	m := millis(percentile(during, 0.99))
	return Row{
		Name: name, What: what, Unit: "ms", Fairlead: &Measure{m, m, m}, Verdict: "for information",
		Note: fmt.Sprintf("%d exchanges, %.0f a second, none of which failed; p50 %s ms, most %s ms; before it: p50 %s, p99 %s, most %s ms", len(during), r.watchRate,
			number(millis(percentile(during, 0.5))), number(millis(percentile(during, 1))),
			number(millis(percentile(before, 0.5))), number(millis(percentile(before, 0.99))), number(millis(percentile(before, 1)))),
	}
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
