package compile

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"fairlead"
	"fairlead/provider"
)

// Compile makes the snapshot of a revision: defaults filled in, the provider table merged, references
// resolved. The findings are those of Check and a warning for each reference that resolve could not
// follow: it disables that credential and never refuses the snapshot. The Snapshot is nil where any
// finding is an error. A nil resolve leaves every credential unset without a word, for judging a
// configuration where its credentials are not.
func Compile(c *fairlead.Config, revision int64, resolve Resolver) (*fairlead.Snapshot, Findings) {
	found := Check(c)
	if found.Err() != nil {
		return nil, found
	}
	s, more := build(c, revision, resolve)
	return s, append(found, more...).sorted()
}

// builder makes a snapshot of a configuration that was found right.
type builder struct {
	c         *fairlead.Config
	s         *fairlead.Snapshot
	providers map[string]*fairlead.Provider
	kept      map[string]*fairlead.Provider // of the snapshot before, to be used again where they are the same
	beside    map[string]*fairlead.Provider // of what this is tried beside
	others    []*fairlead.Endpoint          // likewise, by id
	covered   map[string]*fairlead.Model    // fallbacks that only a wildcard covers, by name
	resolve   Resolver
	found     Findings
}

func build(c *fairlead.Config, revision int64, resolve Resolver) (*fairlead.Snapshot, Findings) {
	b := newBuilder(c, StateInput{Revision: revision, Resolve: resolve})
	return b.build(), b.found
}

func newBuilder(c *fairlead.Config, in StateInput) *builder {
	b := &builder{
		c: c,
		s: &fairlead.Snapshot{
			Revision: in.Revision,
			At:       in.At,
			Models:   make(map[string]*fairlead.Model, len(c.Models)),
			Settings: settings(c.Settings),
		},
		providers: make(map[string]*fairlead.Provider, len(c.Providers)),
		kept:      map[string]*fairlead.Provider{},
		beside:    map[string]*fairlead.Provider{},
		covered:   map[string]*fairlead.Model{},
		resolve:   in.Resolve,
	}
	if in.Beside != nil {
		b.others = in.Beside.Endpoints
		for _, p := range in.Beside.Providers {
			b.beside[p.Name] = p
		}
	}
	return b
}

func (b *builder) build() *fairlead.Snapshot {
	b.allProviders()
	models := b.models()
	for name, m := range models {
		m.Fallbacks = b.fallbacks(b.c.Models[name].Route.Fallbacks, models)
	}
	slices.SortFunc(b.s.Wildcards, func(x, y *fairlead.Model) int {
		return cmp.Or(cmp.Compare(len(y.Name), len(x.Name)), cmp.Compare(x.Name, y.Name))
	})
	slices.SortFunc(b.s.Endpoints, func(x, y *fairlead.Endpoint) int { return cmp.Compare(x.ID, y.ID) })
	return b.s
}

// keep has the providers of a snapshot used again where they are the same; nil = there are none.
func (b *builder) keep(s *fairlead.Snapshot) {
	if s != nil {
		for _, p := range s.Providers {
			b.kept[p.Name] = p
		}
	}
}

func (b *builder) allProviders() {
	for _, name := range sortedKeys(b.c.Providers) {
		p := b.provider(name, b.c.Providers[name])
		other := b.beside[name]
		p.Apart = other != nil && !reflect.DeepEqual(other, p)
		if old := b.kept[name]; other != nil && !p.Apart {
			p = other
		} else if old != nil && reflect.DeepEqual(old, p) {
			p = old
		}
		b.providers[name] = p
		b.s.Providers = append(b.s.Providers, p)
	}
}

// changedProviders resolves references anew and gives the providers that are others by that, by those that they
// were.
func (b *builder) changedProviders(s *fairlead.Snapshot) map[*fairlead.Provider]*fairlead.Provider {
	b.allProviders()
	changed := map[*fairlead.Provider]*fairlead.Provider{}
	for i, p := range b.s.Providers {
		if s.Providers[i] != p {
			changed[s.Providers[i]] = p
		}
	}
	return changed
}

func settings(s fairlead.SettingsConfig) fairlead.Settings {
	return fairlead.Settings{
		MaxBody:     valueOr(s.MaxBody, defaultMaxBody),
		MaxBodies:   valueOr(s.MaxBodies, defaultMaxBodies),
		Attempts:    valueOr(s.Attempts, defaultAttempts),
		RetryBudget: valueOr(s.RetryBudget, defaultRetryBudget),
		Timeouts:    merge(defaultTimeouts, s.Timeouts),

		RecordsPerSecond: valueOr(s.Records.PerSecond, defaultPerSecond),
		RecordsKeep:      time.Duration(valueOr(s.Records.Keep, defaultRecordsKeep)),
		RecordsMax:       valueOr(s.Records.Max, defaultRecordsMax),
		SpoolKeep:        time.Duration(valueOr(s.Spool.Keep, defaultSpoolKeep)),
		SpoolMax:         valueOr(s.Spool.Max, defaultSpoolMax),
	}
}

// merge lays stated timeouts over more general ones.
func merge(base fairlead.Timeouts, t fairlead.TimeoutsConfig) fairlead.Timeouts {
	return fairlead.Timeouts{
		Connect:    time.Duration(valueOr(t.Connect, fairlead.Duration(base.Connect))),
		Headers:    time.Duration(valueOr(t.Headers, fairlead.Duration(base.Headers))),
		FirstToken: time.Duration(valueOr(t.FirstToken, fairlead.AutoDuration(base.FirstToken))),
		Idle:       time.Duration(valueOr(t.Idle, fairlead.AutoDuration(base.Idle))),
		Total:      time.Duration(valueOr(t.Total, fairlead.Duration(base.Total))),
	}
}

func (b *builder) provider(name string, c fairlead.ProviderConfig) *fairlead.Provider {
	place, known := provider.Lookup(name)
	p := &fairlead.Provider{
		Name:      name,
		Dialect:   dialectOf(name, c),
		Region:    c.Region,
		Timeouts:  merge(b.s.Settings.Timeouts, c.Timeouts),
		Transport: c.Transport,
	}
	if known && p.Dialect == place.Dialect {
		p.Auth, p.Quirks = place.Auth, place.Quirks
		p.Quirks.Rename = slices.Clone(place.Quirks.Rename)
	} else if p.Dialect == fairlead.Anthropic {
		p.Auth = fairlead.AuthXAPIKey
	}
	if c.Quirks.StreamOptions != nil {
		p.Quirks.NoStreamOptions = !*c.Quirks.StreamOptions
	}
	p.BaseURL, _ = url.Parse(strings.TrimRight(cmp.Or(c.BaseURL, place.BaseURL), "/")) // checked before
	p.Probe = probeOf(c.Probe, p.BaseURL)
	// A server that one names oneself may need no key.
	p.Quirks.NeedsNoKey = p.Quirks.NeedsNoKey || (c.BaseURL != "" && len(c.Credentials) == 0)
	for i, cred := range credentialsOf(name, c) {
		p.Credentials = append(p.Credentials, b.credential(name, i, cred))
	}
	return p
}

// credentialsOf are those that a provider states, or the vendor's. The vendor's key is not for an address of
// one's own: it must not travel there because a variable happens to be set.
func credentialsOf(name string, c fairlead.ProviderConfig) []fairlead.CredentialConfig {
	if place, _ := provider.Lookup(name); len(c.Credentials) == 0 && c.BaseURL == "" && place.Env != "" {
		return []fairlead.CredentialConfig{{Value: Reference{"env", place.Env}.String()}}
	}
	return c.Credentials
}

// ownPace is how often the page of a provider in one's own network is asked where nothing else is said.
const ownPace = 250 * time.Millisecond

func probeOf(c *fairlead.Probe, base *url.URL) (t fairlead.ProbeTerms) {
	if c == nil {
		return t
	}
	t.Path, t.Every = c.Path, time.Duration(c.Interval)
	if t.Path != "" && t.Every == 0 && private(base.Hostname()) {
		t.Every = ownPace
	}
	if c.Budget != "" {
		t.Budget, _ = fairlead.ParseUSD(c.Budget) // checked before
	}
	return t
}

func dialectOf(name string, c fairlead.ProviderConfig) fairlead.Dialect {
	place, _ := provider.Lookup(name)
	return cmp.Or(c.Dialect, place.Dialect)
}

// credentialName is the name of the i-th credential of a provider, from 0.
func credentialName(i int, c fairlead.CredentialConfig) string {
	if c.Name == "" && i == 0 {
		return "main"
	}
	return cmp.Or(c.Name, "main-"+strconv.Itoa(i+1))
}

func (b *builder) credential(of string, i int, c fairlead.CredentialConfig) fairlead.Credential {
	cred := fairlead.Credential{Name: credentialName(i, c)}
	if b.resolve == nil {
		return cred
	}
	ref, err := ParseReference(c.Value)
	if err == nil {
		cred.Value, err = b.resolve(ref)
	}
	if err == nil && !sendable(cred.Value) {
		cred.Value, err = fairlead.Secret{}, errUnsendable
	}
	if err != nil {
		cred.Value = fairlead.Secret{}
		b.found = b.found.with(Finding{
			Severity: Warning, Path: item(key("providers", of)+".credentials", i) + ".value", Reference: ref.String(),
			Message: fmt.Sprintf("%s is not resolved: %v", ref, err),
			Hint:    fmt.Sprintf("the credential %s is out of use until it is", cred.Name),
		})
	}
	return cred
}

// models makes every model with its endpoints, by its own name.
func (b *builder) models() map[string]*fairlead.Model {
	models := make(map[string]*fairlead.Model, len(b.c.Models))
	for _, name := range sortedKeys(b.c.Models) {
		c := b.c.Models[name]
		m := &fairlead.Model{
			Name:          name,
			Aliases:       slices.Clone(c.Aliases),
			Context:       c.Context,
			MaxOutput:     c.MaxOutput,
			BytesPerToken: valueOr(c.BytesPerToken, 0),
			Wildcard:      wildcard(name),
			Continues:     c.Route.Continue != "off",
			Hedge:         c.Route.Hedge,
		}
		for _, e := range c.Endpoints {
			m.Endpoints = append(m.Endpoints, b.endpoint(m, e))
		}
		b.s.Endpoints = append(b.s.Endpoints, m.Endpoints...)
		models[name] = m
		if m.Wildcard {
			b.s.Wildcards = append(b.s.Wildcards, m)
			continue
		}
		b.s.Models[name] = m
		for _, alias := range m.Aliases {
			b.s.Models[alias] = m
		}
	}
	return models
}

// endpointID is author/name@provider, or author/name@provider~NAME.
func endpointID(model string, c fairlead.EndpointConfig) string {
	id := model + "@" + c.Provider
	if c.Name != "" {
		id += "~" + c.Name
	}
	return id
}

func (b *builder) endpoint(m *fairlead.Model, c fairlead.EndpointConfig) *fairlead.Endpoint {
	p := b.providers[c.Provider]
	e := &fairlead.Endpoint{
		ID:       endpointID(m.Name, c),
		Model:    m,
		Provider: p,
		Upstream: c.Model,
		Weight:   valueOr(c.Weight, defaultWeight),
		Price:    price(c.Price),
		Region:   cmp.Or(c.Region, p.Region),
		Context:  cmp.Or(c.Context, m.Context),
		Limits:   valueOr(c.Limits, fairlead.LimitsConfig{}),
	}
	if c.Model == "" {
		e.Upstream = bareName(m.Name)
	}
	e.Apart = p.Apart || b.elsewhere(e)
	if c.Supports != nil {
		var set fairlead.Abilities
		for _, name := range c.Supports {
			a, _ := fairlead.ParseAbility(name)
			set |= a
		}
		e.Supports = fairlead.NewSupports(set)
	}
	return e
}

// elsewhere reports whether the endpoint of the same id that this one is tried beside is another model of the provider's.
func (b *builder) elsewhere(e *fairlead.Endpoint) bool {
	i, found := slices.BinarySearchFunc(b.others, e.ID, func(o *fairlead.Endpoint, id string) int { return cmp.Compare(o.ID, id) })
	return found && b.others[i].Upstream != e.Upstream
}

// bareName is what a provider calls a model unless it is told otherwise: the name behind the author,
// or all of one without an author. A wildcard's keeps its asterisk: behind openai/gpt-* that is gpt-*.
func bareName(model string) string {
	if _, rest, ok := strings.Cut(model, "/"); ok {
		return rest
	}
	return model
}

func (b *builder) fallbacks(stated []string, models map[string]*fairlead.Model) []*fairlead.Model {
	var list []*fairlead.Model
	for _, name := range stated {
		if m := b.s.Models[name]; m != nil {
			list = append(list, m)
		} else if m := b.cover(name, models); m != nil {
			list = append(list, m)
		}
	}
	return list
}

// cover makes the one model that a name under a wildcard means, or gives nil where no wildcard covers
// it. Its endpoints are the wildcard's by id, so that health and weight are shared, but each knows
// the provider's name for this model: what the caller asked for is another one.
func (b *builder) cover(name string, models map[string]*fairlead.Model) *fairlead.Model {
	if m := b.covered[name]; m != nil {
		return m
	}
	pattern, ok := covering(b.c, name)
	if !ok || wildcard(name) {
		return nil
	}
	w := models[pattern]
	m := &fairlead.Model{Name: name, Context: w.Context, MaxOutput: w.MaxOutput, BytesPerToken: w.BytesPerToken, Continues: w.Continues}
	for _, e := range w.Endpoints {
		one := *e
		one.Model, one.Upstream = m, e.UpstreamModel(name)
		m.Endpoints = append(m.Endpoints, &one)
	}
	b.covered[name] = m
	return m
}

// RecordBounds gives how long records are kept and how much they may take by a document as it is stored; the defaults by one
// that says nothing, or cannot be read.
func RecordBounds(document []byte) (keep time.Duration, most fairlead.Bytes) {
	s := settings(fairlead.SettingsConfig{})
	if c, _ := fromDocument(document); c != nil {
		s = settings(c.Settings)
	}
	return s.RecordsKeep, s.RecordsMax
}
