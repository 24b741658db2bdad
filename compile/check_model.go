package compile

import (
	"fmt"
	"strings"

	"fairlead"
	"fairlead/provider"
)

// names are the things that a configuration's models are called by.
type names struct {
	models    []string          // sorted, wildcards among them
	aliases   map[string]string // to the model
	providers []string
	near      []string // models and aliases, for a hint; none where they are too many
}

// names collects models and aliases and refuses aliases that mean two things.
func (k *checker) names() names {
	n := names{models: sortedKeys(k.c.Models), aliases: map[string]string{}, providers: sortedKeys(k.c.Providers)}
	for _, model := range n.models {
		for i, alias := range k.c.Models[model].Aliases {
			at := item(key("models", model)+".aliases", i)
			switch other, twice := n.aliases[alias]; {
			case !printable(alias) || strings.Contains(alias, "*"):
				k.fault(at, fmt.Sprintf("an alias has 1 to %d characters, no spaces, control characters or *", maxNameBytes), "")
			case wildcard(model):
				k.fault(at, "a wildcard cannot have aliases: they would not say which model is meant", "")
			case hasModel(k.c, alias):
				k.fault(at, show(alias)+" is the name of a model", "")
			case twice && other == model:
				k.fault(at, show(alias)+" stands twice", "")
			case twice:
				k.fault(at, show(alias)+" is already an alias of "+show(other), "")
			default:
				n.aliases[alias] = model
			}
		}
	}
	if len(n.models)+len(n.aliases) <= maxKnown {
		n.near = append(sortedKeys(n.aliases), n.models...)
	}
	return n
}

func hasModel(c *fairlead.Config, name string) bool {
	_, ok := c.Models[name]
	return ok
}

func wildcard(model string) bool { return strings.HasSuffix(model, "*") }

func (k *checker) model(name string, m fairlead.ModelConfig, all names) {
	path := key("models", name)
	k.modelName(path, name)
	k.notNegative(path+".context", m.Context)
	k.notNegative(path+".max_output", m.MaxOutput)
	if m.Context > 0 && m.MaxOutput > m.Context {
		k.warn(path+".max_output", fmt.Sprintf("is larger than the context of %d tokens, which holds the answer too", m.Context), "")
	}
	k.endpoints(path, name, m, all)
	k.route(path+".route", name, m.Route, all)
	k.reached(path+".route.fallbacks", m)
	k.hedged(path+".route.hedge", m)
}

// reached warns of fallbacks behind so many endpoints that the attempts are used up before them.
func (k *checker) reached(path string, m fairlead.ModelConfig) {
	if len(m.Route.Fallbacks) == 0 {
		return
	}
	before := 0
	for _, e := range m.Endpoints {
		if valueOr(e.Weight, defaultWeight) > 0 {
			before++
		}
	}
	if n := valueOr(k.c.Settings.Attempts, defaultAttempts); n > 0 && before >= n {
		come := "1 endpoint comes"
		if before > 1 {
			come = fmt.Sprintf("%d endpoints come", before)
		}
		k.warn(path, fmt.Sprintf("are never reached when endpoints fail: %s before them, and settings.attempts is %d", come, n),
			"raise settings.attempts, or drain endpoints (weight: 0)")
	}
}

// hedged warns of hedges that there is nowhere to send: they stay with the model.
func (k *checker) hedged(path string, m fairlead.ModelConfig) {
	if !m.Route.Hedge {
		return
	}
	inUse := 0
	for _, e := range m.Endpoints {
		if valueOr(e.Weight, defaultWeight) > 0 {
			inUse++
		}
	}
	if inUse < 2 {
		k.warn(path, "has no effect: a second attempt needs a second endpoint of this model", "")
	} else if valueOr(k.c.Settings.Attempts, defaultAttempts) == 1 {
		k.warn(path, "has no effect: settings.attempts is 1", "")
	}
}

func (k *checker) modelName(path, name string) {
	bare := strings.TrimSuffix(name, "*")
	switch author, rest, ok := strings.Cut(name, "/"); {
	case !printable(name):
		k.fault(path, fmt.Sprintf("a model's name has 1 to %d characters, no spaces or control characters", maxNameBytes), "")
	case strings.Contains(bare, "*"):
		k.fault(path, "the * of a wildcard stands at the end of the name", "such as openai/*")
	case wildcard(name):
	case !ok || author == "" || rest == "":
		k.fault(path, "a model's name is author/name", "other names can be aliases of it")
	}
}

func (k *checker) endpoints(path, model string, m fairlead.ModelConfig, all names) {
	if len(m.Endpoints) == 0 {
		k.fault(path, "has no endpoints", "name at least one provider: endpoints: [{provider: NAME}]")
		return
	}
	first, drained := map[string]int{}, 0
	for i, e := range m.Endpoints {
		at := item(path+".endpoints", i)
		k.endpoint(at, model, e, all)
		if e.Provider != "" {
			id := endpointID(model, e)
			if j, twice := first[id]; twice {
				k.fault(at, fmt.Sprintf("has the same id as endpoints[%d]: %s", j, show(id)), "give one of them a name")
			} else {
				first[id] = i
			}
		}
		if valueOr(e.Weight, defaultWeight) == 0 {
			drained++
		}
	}
	if drained == len(m.Endpoints) {
		k.warn(path, allDrained, "")
	}
}

// allDrained is said of a model by Check and by Risks.
const allDrained = "all endpoints are drained (weight 0): requests for it fail"

func (k *checker) endpoint(path, model string, e fairlead.EndpointConfig, all names) {
	if e.Name != "" && !nameShape.MatchString(e.Name) {
		k.fault(path+".name", "an endpoint's name has 1 to 64 letters, digits and . _ -, and begins with a letter or a digit", "")
	}
	switch p, ok := k.c.Providers[e.Provider]; {
	case e.Provider == "":
		k.fault(path, "provider is missing", "")
	case !ok:
		k.fault(path+".provider", "there is no provider "+show(e.Provider), providerHint(e.Provider, all.providers))
	default:
		k.supports(path+".supports", e.Supports, dialectOf(e.Provider, p))
	}
	k.upstreamModel(path+".model", model, e.Model)
	if w := valueOr(e.Weight, defaultWeight); w < 0 || w > maxWeight {
		k.fault(path+".weight", fmt.Sprintf("must be 0 to %d", maxWeight), "0 drains the endpoint")
	}
	k.price(path+".price", e.Price)
	if l := e.Limits; l != nil {
		k.notNegative(path+".limits.rpm", l.RPM)
		k.notNegative(path+".limits.tpm", l.TPM)
		k.notNegative(path+".limits.concurrency", l.Concurrency)
	}
	k.region(path+".region", e.Region)
	k.notNegative(path+".context", e.Context)
}

func providerHint(name string, providers []string) string {
	if n := nearest(name, providers); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if _, ok := provider.Lookup(name); ok {
		return fmt.Sprintf("the provider table knows it; write %s: {} under providers", name)
	}
	return meant(name, providers)
}

func (k *checker) upstreamModel(path, model, upstream string) {
	switch {
	case upstream == "":
	case len(upstream) > maxNameBytes || strings.ContainsFunc(upstream, isControl):
		k.fault(path, fmt.Sprintf("a provider's name for a model has at most %d characters and no control characters", maxNameBytes), "")
	case strings.Contains(strings.TrimSuffix(upstream, "*"), "*") || (wildcard(upstream) && !wildcard(model)):
		k.fault(path, "a * may only stand at the end, and only where the model itself is a wildcard", "")
	}
}

// operations are those whose abilities a supports list may name.
var operations = []fairlead.Operation{
	fairlead.OpChat, fairlead.OpCountTokens, fairlead.OpCompletions,
	fairlead.OpResponses, fairlead.OpEmbeddings, fairlead.OpModerations,
}

func (k *checker) supports(path string, list []string, dialect fairlead.Dialect) {
	var seen fairlead.Abilities
	for i, name := range list {
		at := item(path, i)
		ability, ok := fairlead.ParseAbility(name)
		if !ok {
			k.choice(at, name, fairlead.AbilityNames...)
			if name == "" {
				k.fault(at, "is empty", "")
			}
			continue
		}
		if seen.Has(ability) {
			k.warn(at, show(name)+" stands twice", "")
		}
		seen |= ability
		for _, op := range operations {
			if op.Need() == ability && !op.SpokenBy(dialect) {
				k.warn(at, fmt.Sprintf("has no effect: the %s dialect has no %s", dialect, name), "")
			}
		}
	}
}

// continues checks a choice that looks like one of yes and no.
func (k *checker) continues(path, value string) {
	word := map[string]string{"true": "auto", "yes": "auto", "on": "auto", "false": "off", "no": "off", "none": "off"}[strings.ToLower(value)]
	if word == "" {
		k.choice(path, value, "auto", "off")
		return
	}
	k.fault(path, show(value)+" is not known here", fmt.Sprintf("write %s; allowed are: auto, off", word))
}

func (k *checker) route(path, model string, r fairlead.RouteConfig, all names) {
	k.choice(path+".optimize", r.Optimize, "balanced", "price", "latency", "throughput", "weights")
	k.continues(path+".continue", r.Continue)
	k.placement(path+".placement", r.Placement)
	seen := map[string]bool{}
	for i, name := range r.Fallbacks {
		at := item(path+".fallbacks", i)
		target, ok := target(k.c, all, name)
		switch {
		case !ok:
			k.warn(at, "there is no model "+show(name)+"; this fallback is left out", fallbackHint(name, all))
		case target == model:
			k.fault(at, "a model cannot be its own fallback", "")
		case seen[target]:
			k.fault(at, show(name)+" stands twice", "")
		}
		if ok {
			seen[target] = true
		}
	}
}

// target finds the model that a fallback means: by name, by alias, or a name that a wildcard covers.
func target(c *fairlead.Config, all names, name string) (string, bool) {
	if model, ok := all.aliases[name]; ok {
		return model, true
	}
	if wildcard(name) {
		return "", false // which of its models would be meant?
	}
	if hasModel(c, name) {
		return name, true
	}
	_, ok := covering(c, name)
	return name, ok
}

// covering finds the wildcard with the longest prefix that stands for a name.
func covering(c *fairlead.Config, name string) (string, bool) {
	for i := min(len(name), maxNameBytes) - 1; i >= 0; i-- {
		if pattern := name[:i] + "*"; hasModel(c, pattern) {
			return pattern, true
		}
	}
	return "", false
}

func fallbackHint(name string, all names) string {
	if wildcard(name) {
		return "name one model; a wildcard does not say which"
	}
	if n := nearest(name, all.near); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

func (k *checker) placement(path string, p fairlead.Placement) {
	k.choice(path+".mode", p.Mode, "smart", "nearest", "pinned")
	for i, region := range p.Regions {
		at := item(path+".regions", i)
		if region == "" {
			k.fault(at, "is empty", "")
		}
		k.region(at, region)
	}
	switch {
	case p.Mode == "pinned":
		// Routing does not look at regions yet. To take the word and send requests elsewhere would break
		// the promise that residency fails closed.
		k.fault(path+".mode", "pinned is not enforced by this version, so it is refused", "name only endpoints of the allowed regions")
	case len(p.Regions) > 0:
		k.warn(path+".regions", "has no effect: only the mode pinned keeps to regions", "")
	}
}
