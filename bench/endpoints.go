package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fairlead/client"
)

// endpointScale measures what many endpoints take: to write them all, to compare, to change one.
func (r *run) endpointScale(ctx context.Context) error {
	f := &fleet{}
	defer f.stop()
	if err := r.startFleet(ctx, f, 1, fleetText(r.up, 4, "0.15")); err != nil {
		return err
	}
	ctx, ws := watchAll(ctx, r.watchRate, f.edges...)
	defer ws.stop()
	if err := pause(ctx, r.calm); err != nil {
		return err
	}
	before := ws.times()
	m := &scaled{run: r, fleet: f, ws: ws}
	first, dearer := fleetText(r.up, r.manyEndpoints, "0.15"), fleetText(r.up, r.manyEndpoints, "0.16")
	err := m.put(ctx, first, "scale-apply", "write %d endpoints where there were none")
	if err == nil {
		err = m.diff(ctx, dearer)
	}
	if err == nil {
		err = m.put(ctx, dearer, "scale-change", "change the price of all %d endpoints")
	}
	if err == nil {
		err = m.weights(ctx)
	}
	if err != nil {
		return err
	}
	r.report.add(r.latencyRow("scale-p99", "exchanges at the edge while all that is done, p99", before, ws.stop()))
	return m.memory()
}

// scaled is the measurement of many endpoints under way.
type scaled struct {
	*run
	fleet *fleet
	ws    *watchers
}

// put writes a whole document: shown is the time until the edge serves by it.
func (m *scaled) put(ctx context.Context, document []byte, name, what string) error {
	sent := time.Now()
	done, err := m.fleet.api.PutConfig(ctx, document, client.Write{Why: "bench"})
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	answered := time.Since(sent)
	at, err := m.ws.await(ctx, done.Revision)
	if err != nil {
		return fmt.Errorf("wait for revision %d: %w", done.Revision, err)
	}
	m.add(name, fmt.Sprintf(what, m.manyEndpoints)+", until the edge serves by it", at.Sub(sent),
		fmt.Sprintf("%.1f MiB of JSON; the call is answered after %s ms", mebibytes(int64(len(document))), number(millis(answered))))
	return nil
}

func (m *scaled) add(name, what string, took time.Duration, note string) {
	ms := millis(took)
	m.report.add(Row{Name: name, What: what, Unit: "ms", Fairlead: &Measure{ms, ms, ms}, Verdict: "for information", Note: note})
}

// diff compares as a dry run does.
func (m *scaled) diff(ctx context.Context, document []byte) error {
	sent := time.Now()
	would, err := m.fleet.api.PutConfig(ctx, document, client.Write{DryRun: true})
	if err == nil && len(would.Diff)+would.LeftOut < m.manyEndpoints {
		err = errors.New("the prices of all endpoints differ, and the diff does not say so")
	}
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	m.add("scale-diff", fmt.Sprintf("dry run of that, with the diff of %d endpoints", m.manyEndpoints), time.Since(sent),
		fmt.Sprintf("%d differences", len(would.Diff)))
	return nil
}

// weights sets one weight after the other.
func (m *scaled) weights(ctx context.Context) error {
	var live, answered []time.Duration
	for i := range m.manyWeights {
		sent := time.Now()
		done, err := m.fleet.api.SetWeight(ctx, fleetEndpoint(i*m.manyEndpoints/m.manyWeights), 101, client.Write{Why: "bench"})
		if err != nil {
			return fmt.Errorf("set weight: %w", err)
		}
		answered = append(answered, time.Since(sent))
		at, err := m.ws.await(ctx, done.Revision)
		if err != nil {
			return fmt.Errorf("wait for revision %d: %w", done.Revision, err)
		}
		live = append(live, at.Sub(sent))
	}
	m.add("scale-weight", fmt.Sprintf("a weight of one of %d endpoints until the edge serves by it, p99", m.manyEndpoints), percentile(live, 0.99),
		fmt.Sprintf("%d of them; p50 %s ms; the call is answered after %s ms", len(live), number(millis(percentile(live, 0.5))), number(millis(percentile(answered, 0.5)))))
	return nil
}

// memory is what both kinds of nodes have in RAM after all that.
func (m *scaled) memory() error {
	for _, n := range []struct {
		name string
		p    *process
	}{{"control", m.fleet.control}, {"edge", m.fleet.edges[0].process}} {
		bytes, err := resident(n.p.pid())
		if err != nil {
			return err
		}
		mib := mebibytes(bytes)
		m.report.add(Row{
			Name: "scale-memory-" + n.name, What: fmt.Sprintf("memory of the %s node with %d endpoints", n.name, m.manyEndpoints), Unit: "MiB",
			Fairlead: &Measure{mib, mib, mib}, Verdict: "for information", Note: "in RAM, right after all that, garbage included",
		})
	}
	return nil
}
