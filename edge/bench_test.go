package edge_test

import (
	"fmt"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect/openai"
	"fairlead/edge"
	"fairlead/replica"
	"fairlead/test/changelog"
	"fairlead/upstream"
)

// BenchmarkOneWeight is the way of one weight at an edge: replica, snapshot, preparation, swap; alone, and on both sides
// of a trial.
func BenchmarkOneWeight(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		oneWeight(b, fmt.Sprintf("endpoints=%d", n), n, nil)
		oneWeight(b, fmt.Sprintf("endpoints=%d/trial", n), n, &fairlead.Trial{
			ID: "trial", Revision: 1, Percent: 5, Patch: []byte(`{"models":{"vendor/model-7":{"endpoints":[{"provider":"p","model":"other"}]}}}`),
		})
	}
}

func oneWeight(b *testing.B, name string, n int, trial *fairlead.Trial) {
	b.Run(name, func(b *testing.B) {
		log := changelog.New("a")
		log.Commit(manyEndpoints(n, 1), nil, trial)
		var list []fairlead.Change
		for i := range 50 {
			list = append(list, log.Commit(manyEndpoints(n, i%2), nil, trial))
		}
		r, err := replica.Open(b.Context(), b.TempDir())
		check(b, err)
		defer r.Close()
		up := upstream.New(openai.New())
		defer up.Close()
		e := edge.New(edge.Options{Replica: r, Swap: up.Prepare})
		bring := func(c fairlead.Change) {
			check(b, r.Apply(b.Context(), "a", []fairlead.Change{c}))
			check(b, e.Load(b.Context()))
			check(b, e.Applied(b.Context(), c.Number))
		}
		bring(log.Made[0])
		b.ReportAllocs()
		b.ResetTimer()
		for i := range list {
			bring(list[i])
		}
		b.ReportMetric(b.Elapsed().Seconds()*1000/float64(len(list)), "ms/change")
	})
}

// manyEndpoints is a configuration of n endpoints, the first with a weight of its own.
func manyEndpoints(n, weight int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, `,"vendor/model-%d":{"context":128000,"endpoints":[{"model":"model-%d","price":{"input":"0.15","output":"0.60"},"provider":"p","weight":%d}]}`, i, i, weight)
		weight = 100
	}
	return `{"models":{` + s.String()[1:] + `},"providers":{"p":{"base_url":"http://127.0.0.1:1/v1","dialect":"openai"}},"version":1}`
}
