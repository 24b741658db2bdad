package bench

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"runtime"
	"time"

	"fairlead"
	"fairlead/route"
)

// decision measures one plan over 64 endpoints, in this process.
func (r *run) decision() error {
	model := widely(64)
	request := &fairlead.Request{Operation: fairlead.OpChat, Dialect: fairlead.OpenAI, Model: model.Name, Needs: fairlead.Chat | fairlead.Tools, Stream: true, Prompt: 500}
	var each []float64
	var allocs float64
	for range r.rounds {
		var plan fairlead.Plan
		plan = route.Plan(plan, model, request, rand.Float64) // its memory is made once and used again
		if len(plan.Steps) != len(model.Endpoints) {
			return fmt.Errorf("the plan has %d endpoints of %d", len(plan.Steps), len(model.Endpoints))
		}
		cpu, made, err := cost(r.decisions, func() { plan = route.Plan(plan, model, request, rand.Float64) })
		if err != nil {
			return err
		}
		each = append(each, micros(cpu)/float64(r.decisions))
		allocs = max(allocs, float64(made)/float64(r.decisions))
	}
	row := Row{
		Name: "decision", What: "a decision over 64 endpoints", Unit: "µs", Fairlead: best(each), Target: "<= 5 µs, 0 allocations",
		Note: fmt.Sprintf("CPU, the best of %d rounds of %d decisions; %.2f allocations each", r.rounds, r.decisions, allocs),
	}
	row.judge(row.Fairlead.Value, 5, "µs")
	if allocs >= 0.5 { // less is what the runtime does beside it
		row.Verdict = fmt.Sprintf("missed: %.0f allocations", allocs)
	}
	r.report.add(row)
	return nil
}

// cost is the processor time and the allocations of doing something n times.
func cost(n int, do func()) (cpu time.Duration, allocs uint64, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start, err := cpuTime(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	for range n {
		do()
	}
	end, err := cpuTime(os.Getpid())
	runtime.ReadMemStats(&after)
	return end - start, after.Mallocs - before.Mallocs, err
}

// widely is a model with n endpoints, each at a provider of its own.
func widely(n int) *fairlead.Model {
	m := &fairlead.Model{Name: "bench/wide"}
	for i := range n {
		name := fmt.Sprintf("provider-%d", i)
		m.Endpoints = append(m.Endpoints, &fairlead.Endpoint{
			ID: m.Name + "@" + name, Model: m, Weight: 1 + i%7, Supports: fairlead.NewSupports(fairlead.Tools | fairlead.Vision),
			Provider: &fairlead.Provider{
				Name: name, Dialect: fairlead.OpenAI, BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"},
				Credentials: []fairlead.Credential{{Name: "main", Value: fairlead.NewSecret("bench")}},
			},
		})
	}
	return m
}
