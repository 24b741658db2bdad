package upstream_test

import (
	"fmt"
	"net/url"
	"testing"

	"fairlead"
	"fairlead/dialect/openai"
	"fairlead/upstream"
)

// wide is a snapshot of so many endpoints, ten at each provider and four of each model.
func wide(endpoints int) *fairlead.Snapshot {
	s := &fairlead.Snapshot{Revision: 1, Models: map[string]*fairlead.Model{}}
	for i := range endpoints / 10 {
		s.Providers = append(s.Providers, &fairlead.Provider{
			Name: fmt.Sprintf("p%05d", i), Dialect: fairlead.OpenAI, BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1:9", Path: "/v1"},
			Credentials: []fairlead.Credential{{Name: "main", Value: fairlead.NewSecret("a")}, {Name: "spare", Value: fairlead.NewSecret("b")}},
		})
	}
	for i := range endpoints / 4 {
		m := &fairlead.Model{Name: fmt.Sprintf("a/m%05d", i)}
		for j := range 4 {
			e := &fairlead.Endpoint{ID: fmt.Sprintf("%s@p%d", m.Name, j), Model: m, Provider: s.Providers[(4*i+j)/10], Weight: 1}
			m.Endpoints = append(m.Endpoints, e)
			s.Endpoints = append(s.Endpoints, e)
		}
		s.Models[m.Name] = m
	}
	return s
}

// TestPrepareKeepsWays holds that snapshots of the same providers, as each step of a ramp makes one, change no way,
// and do not make those of the last other providers unknown.
func TestPrepareKeepsWays(t *testing.T) {
	up := upstream.New(openai.New())
	prepare := func(providers ...*fairlead.Provider) {
		t.Helper()
		if err := up.Prepare(&fairlead.Snapshot{Providers: providers}); err != nil {
			t.Fatal(err)
		}
	}
	ps := wide(30).Providers
	prepare(ps[0], ps[1])
	first, second := upstream.Way(up, ps[0]), upstream.Way(up, ps[1])
	prepare(ps[1], ps[2])
	third := upstream.Way(up, ps[2])
	for range 5 {
		prepare(ps[1], ps[2])
	}
	if upstream.Way(up, ps[0]) != first || upstream.Way(up, ps[1]) != second || upstream.Way(up, ps[2]) != third {
		t.Error("a way has changed although no provider has")
	}
	prepare(ps[1])
	if upstream.Way(up, ps[0]) != nil || upstream.Way(up, ps[1]) != second || upstream.Way(up, ps[2]) != third {
		t.Error("after other providers those of the last snapshot are known, and older ones are not")
	}
}

// BenchmarkPrepare is the part of a swap that is upstream's: none of the providers is another in the next
// snapshot, or each is, by its address in memory.
func BenchmarkPrepare(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		same, other := wide(n), wide(n)
		run := func(name string, next [2]*fairlead.Snapshot) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				up := upstream.New(openai.New())
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := up.Prepare(next[i%2]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("same", [2]*fairlead.Snapshot{same, same})
		run("other", [2]*fairlead.Snapshot{same, other})
	}
}
