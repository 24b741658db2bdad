package compile

import (
	"fmt"

	"fairlead"
)

// Risks warns of what an edit takes away from those who are served now: names that nothing serves any more, a
// model that loses all its weight, a price that is known no more, a provider's address that becomes another. The
// edit applies all the same; what cannot be is Check's to refuse. Paths are those of the configuration after it,
// or of the one before where the thing is gone.
func Risks(from, to *fairlead.Config) Findings {
	from, to = valueOf(from), valueOf(to)
	k := &checker{c: to}
	for _, name := range sortedKeys(from.Providers) {
		after, stays := to.Providers[name]
		if was := amount("base_url", from.Providers[name].BaseURL); stays && was != amount("base_url", after.BaseURL) {
			k.warn(key("providers", name)+".base_url", "becomes another: requests and the keys for them go there", "")
		}
	}
	names := names{aliases: aliases(to)}
	for _, name := range otherModels(from, to) {
		before, was := from.Models[name]
		if !was {
			continue
		}
		k.gone(key("models", name), name, names)
		for i, alias := range before.Aliases {
			k.gone(item(key("models", name)+".aliases", i), alias, names)
		}
		if after, stays := to.Models[name]; stays {
			k.loses(name, before, after)
		}
	}
	return k.found.sorted()
}

// gone warns of a name that served requests and does so no more.
func (k *checker) gone(path, name string, after names) {
	if wildcard(name) {
		if !hasModel(k.c, name) {
			k.warn(path, "is taken away: names that only it covers are served no more", "")
		}
		return
	}
	if _, served := target(k.c, after, name); !served {
		k.warn(path, "is taken away: requests for "+show(name)+" get 404", "")
	}
}

// loses warns of weight and prices that a model has no more.
func (k *checker) loses(name string, before, after fairlead.ModelConfig) {
	path := key("models", name)
	if weightOf(before) > 0 && weightOf(after) == 0 {
		k.warn(path, allDrained, "")
	}
	known := byID(name, before.Endpoints)
	for i, e := range after.Endpoints {
		if was, ok := known[endpointID(name, e)]; ok && was.Price != nil && e.Price == nil {
			price := fmt.Sprintf("%s in and %s out", was.Price.Input, was.Price.Output)
			if was.Price.Free {
				price = freeWord
			}
			k.warn(item(path+".endpoints", i), "has no price any more, which was "+price,
				"what it costs is unknown then, never taken as 0")
		}
	}
}

func weightOf(m fairlead.ModelConfig) (sum int) {
	for _, e := range m.Endpoints {
		sum += valueOr(e.Weight, defaultWeight)
	}
	return sum
}
