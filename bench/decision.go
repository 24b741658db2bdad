package bench

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"

	"fairlead"
	"fairlead/route"
)

// decision measures one plan over 64 endpoints.
func (r *run) decision() error {
	model := widely(64)
	request := &fairlead.Request{Operation: fairlead.OpChat, Dialect: fairlead.OpenAI, Model: model.Name, Needs: fairlead.Chat | fairlead.Tools, Stream: true, Prompt: 500}
	var nanos []float64
	var allocs int64
	for range r.fewRounds {
		var plan fairlead.Plan
		result := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				plan = route.Plan(plan, model, request, rand.Float64)
			}
		})
		if len(plan.Steps) != len(model.Endpoints) {
			return fmt.Errorf("the plan has %d endpoints of %d", len(plan.Steps), len(model.Endpoints))
		}
		nanos = append(nanos, float64(result.NsPerOp())/1e3)
		allocs = max(allocs, result.AllocsPerOp())
	}
	row := Row{
		Name: "decision", What: "a decision over 64 endpoints", Unit: "µs", Fairlead: best(nanos), Target: "<= 5 µs, 0 allocations",
		Note: fmt.Sprintf("%d allocations; elapsed time, the best of %d", allocs, len(nanos)),
	}
	row.judge(row.Fairlead.Value, 5, "µs")
	if allocs > 0 {
		row.Verdict = fmt.Sprintf("missed: %d allocations", allocs)
	}
	r.report.add(row)
	return nil
}

// widely is a model with n endpoints, each at a provider of its own.
func widely(n int) *fairlead.Model {
	m := &fairlead.Model{Name: "bench/wide"}
	for i := range n {
		name := fmt.Sprintf("provider-%d", i)
		m.Endpoints = append(m.Endpoints, &fairlead.Endpoint{
			ID: m.Name + "@" + name, Weight: 1 + i%7, Supports: fairlead.NewSupports(fairlead.Tools | fairlead.Vision),
			Provider: &fairlead.Provider{
				Name: name, Dialect: fairlead.OpenAI, BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1"},
				Credentials: []fairlead.Credential{{Name: "main", Value: fairlead.NewSecret("bench")}},
			},
		})
	}
	return m
}
