package compile_test

import (
	"fmt"
	"math/rand/v2"

	"fairlead"
)

// randomConfig makes a configuration that compiles: some providers, models with aliases, endpoints, fallbacks
// that go round, and wildcards.
func randomConfig(r *rand.Rand) *fairlead.Config {
	c := &fairlead.Config{Version: 1, Providers: map[string]fairlead.ProviderConfig{}, Models: map[string]fairlead.ModelConfig{}}
	for i := range 1 + r.IntN(4) {
		c.Providers[fmt.Sprintf("p%d", i)] = randomProvider(r)
	}
	for i := range 1 + r.IntN(6) {
		m := fairlead.ModelConfig{Context: 1000 * r.IntN(3), Endpoints: randomEndpoints(r, len(c.Providers))}
		name := fmt.Sprintf("a/m%d", i)
		switch r.IntN(5) {
		case 0:
			name = fmt.Sprintf("a%d/*", i)
		case 1:
			m.Aliases = []string{fmt.Sprintf("alias%d", i)}
		}
		for j := range 6 {
			if fallback := fmt.Sprintf("a/m%d", j); j != i && r.IntN(3) == 0 {
				m.Route.Fallbacks = append(m.Route.Fallbacks, fallback)
			} else if r.IntN(8) == 0 {
				m.Route.Fallbacks = append(m.Route.Fallbacks, fmt.Sprintf("a%d/x", j))
			}
		}
		m.Route.Hedge = r.IntN(4) == 0
		c.Models[name] = m
	}
	return c
}

func randomProvider(r *rand.Rand) fairlead.ProviderConfig {
	p := fairlead.ProviderConfig{Dialect: fairlead.OpenAI, BaseURL: fmt.Sprintf("http://10.0.0.%d/v1", r.IntN(3))}
	for i := range r.IntN(3) {
		p.Credentials = append(p.Credentials, fairlead.CredentialConfig{Name: fmt.Sprintf("c%d", i), Value: fmt.Sprintf("${env:K%d}", r.IntN(4))})
	}
	return p
}

func randomEndpoints(r *rand.Rand, providers int) (list []fairlead.EndpointConfig) {
	for i := range 1 + r.IntN(4) {
		e := fairlead.EndpointConfig{Provider: fmt.Sprintf("p%d", r.IntN(providers)), Name: fmt.Sprintf("n%d", i)}
		if r.IntN(2) == 0 {
			w := 10 * r.IntN(5)
			e.Weight = &w
		}
		if r.IntN(3) == 0 {
			e.Price = &fairlead.PriceConfig{Input: "0.1", Output: fmt.Sprint(r.IntN(3))}
		}
		list = append(list, e)
	}
	return list
}

// edited makes a copy with a few edits: weights most of all, and what is more than weights.
func edited(r *rand.Rand, c *fairlead.Config) *fairlead.Config {
	n := &fairlead.Config{Version: 1, Providers: map[string]fairlead.ProviderConfig{}, Models: map[string]fairlead.ModelConfig{}, Settings: c.Settings}
	for name, p := range c.Providers {
		if r.IntN(12) == 0 {
			p = randomProvider(r)
		}
		n.Providers[name] = p
	}
	for name, m := range c.Models {
		m.Endpoints = append([]fairlead.EndpointConfig(nil), m.Endpoints...)
		for i := range m.Endpoints {
			if r.IntN(5) == 0 {
				w := r.IntN(40)
				m.Endpoints[i].Weight = &w
			}
		}
		switch r.IntN(12) {
		case 0:
			r.Shuffle(len(m.Endpoints), func(i, j int) { m.Endpoints[i], m.Endpoints[j] = m.Endpoints[j], m.Endpoints[i] })
		case 1:
			m.Context = r.IntN(5000)
		case 2:
			m.Endpoints = randomEndpoints(r, len(c.Providers))
		}
		if r.IntN(20) > 0 || len(c.Models) == 1 {
			n.Models[name] = m
		}
	}
	if r.IntN(10) == 0 {
		attempts := 1 + r.IntN(5)
		n.Settings.Attempts = &attempts
	}
	return n
}
