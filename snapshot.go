package fairlead

import (
	"net/url"
	"strings"
	"time"
)

// Snapshot is a revision compiled for the data plane. It is immutable: an exchange loads it once and
// keeps to it (promise 4).
type Snapshot struct {
	Revision  int64
	At        time.Time         // when it took effect here
	Models    map[string]*Model // by name and by alias; wildcards are not in it
	Wildcards []*Model          // longest prefix first
	Providers []*Provider       // by name
	Endpoints []*Endpoint       // by id
	Settings  Settings
	Trial     *SnapshotTrial // nil = nothing is tried
}

// SnapshotTrial is the side of a snapshot that a share of its exchanges goes by.
type SnapshotTrial struct {
	ID       string
	Percent  int
	Snapshot *Snapshot // it has no trial
}

// Sides lists the snapshots that exchanges go by: this one, and the one on trial.
func (s *Snapshot) Sides() []*Snapshot {
	if s.Trial == nil {
		return []*Snapshot{s}
	}
	return []*Snapshot{s, s.Trial.Snapshot}
}

// Settings is SettingsConfig with every default filled in.
type Settings struct {
	MaxBody   Bytes
	MaxBodies Bytes
	Attempts  int
	// RetryBudget is the share of an endpoint's first attempts that may be second ones, beside 3 a second; 0 =
	// none at all.
	RetryBudget float64
	Timeouts    Timeouts
	// RecordsPerSecond is how many records of ordinary exchanges each edge keeps a second.
	RecordsPerSecond int
	// RecordsKeep and RecordsMax bound the records at control.
	RecordsKeep time.Duration
	RecordsMax  Bytes
	// SpoolKeep is how long charge lines stay on an edge's disk once control has them, SpoolMax what they may take there.
	SpoolKeep time.Duration
	SpoolMax  Bytes
}

// Timeouts bounds an attempt. Zero means no bound, Auto that fairlead chooses.
type Timeouts struct {
	Connect    time.Duration // to an open connection, TLS included
	Headers    time.Duration // of silence after which a streaming caller is sent headers and comments
	FirstToken time.Duration // to the commit, while another endpoint stands ready
	Idle       time.Duration // of a committed stream without a byte
	Total      time.Duration // of the whole exchange
}

// Model is what a caller asks for.
type Model struct {
	Name      string
	Aliases   []string
	Context   int // tokens; 0 = unknown
	MaxOutput int // tokens; 0 = unknown
	Endpoints []*Endpoint
	Fallbacks []*Model
	Wildcard  bool // Name ends in "*"
	// BytesPerToken is by which tokens are estimated where nobody reports them; 0 = by the default.
	BytesPerToken TokenBytes
	Continues     bool // an answer that breaks off after its commit may be gone on with by another attempt
	Hedge         bool // a second attempt may be sent beside a slow one
}

// Provider is a company or cluster that serves models.
type Provider struct {
	Name        string
	Dialect     Dialect
	BaseURL     *url.URL // no trailing slash
	Region      string
	Credentials []Credential // in order; those that could not be resolved have an unset Value
	Auth        AuthStyle
	Timeouts    Timeouts
	Transport   TransportConfig
	Quirks      Quirks
	Probe       ProbeTerms
	// Apart tells that it is on trial beside another one of its name: what is learned of one says nothing of the
	// other.
	Apart bool
}

// ProbeTerms are how a provider's endpoints are probed while they are shut; the zero value = not at all.
type ProbeTerms struct {
	Path   string        // of a page at the provider's host; "" = there is none
	Every  time.Duration // how often the page may be asked; 0 = 1, 2, 4 .. 30 s
	Budget USD           // for requests of one token, a day; 0 = none are made
}

// AuthStyle is how a credential is shown to a provider.
type AuthStyle uint8

// How a credential is shown.
const (
	AuthBearer  AuthStyle = iota // Authorization: Bearer
	AuthXAPIKey                  // x-api-key
)

// Quirks is what a place does otherwise than its dialect says.
type Quirks struct {
	NoStreamOptions bool        // refuses stream_options, so usage cannot be asked for
	Rename          [][2]string // top-level fields that it knows by another name: {from, to}
	NeedsNoKey      bool        // serves without a credential
}

// Credential is one secret of a provider.
type Credential struct {
	Name  string
	Value Secret
}

// Credential gives the first resolved credential; ok is false where there is none. A provider that
// needs none gives an unset one.
func (p *Provider) Credential() (c Credential, ok bool) {
	for _, c := range p.Credentials {
		if c.Value.Set() {
			return c, true
		}
	}
	return Credential{}, len(p.Credentials) == 0 && p.Quirks.NeedsNoKey
}

// Usable lists the resolved credentials, in order; for a provider that needs none, one that is unset.
func (p *Provider) Usable() []Credential {
	var usable []Credential
	for _, c := range p.Credentials {
		if c.Value.Set() {
			usable = append(usable, c)
		}
	}
	if len(p.Credentials) == 0 && p.Quirks.NeedsNoKey {
		usable = append(usable, Credential{})
	}
	return usable
}

// Endpoint is one model at one provider in one place: the unit of routing.
type Endpoint struct {
	ID       string // author/name@provider, or author/name@provider~NAME
	Model    *Model
	Provider *Provider
	Upstream string // the provider's own model name; under a wildcard it may end in "*": what the model's asterisk stood for ("" = "*")
	Weight   int    // the operator's share; 0 = drained
	Price    *Price // nil = unknown
	Supports Supports
	Region   string
	Context  int // tokens; 0 = unknown
	Limits   LimitsConfig
	// Apart tells that it is on trial beside another one of its id that is reached otherwise: what is learned of one
	// says nothing of the other.
	Apart bool
}

// UpstreamModel is the provider's own name for the model asked for.
func (e *Endpoint) UpstreamModel(asked string) string {
	prefix, open := strings.CutSuffix(e.Upstream, "*")
	if e.Upstream != "" && !open {
		return e.Upstream
	}
	return prefix + strings.TrimPrefix(asked, strings.TrimSuffix(e.Model.Name, "*"))
}

// Model finds what a caller asked for: by name, by alias, then by the longest wildcard.
func (s *Snapshot) Model(asked string) (*Model, bool) {
	if m, ok := s.Models[asked]; ok {
		return m, true
	}
	for _, m := range s.Wildcards {
		prefix := strings.TrimSuffix(m.Name, "*")
		if len(asked) > len(prefix) && strings.HasPrefix(asked, prefix) {
			return m, true
		}
	}
	return nil, false
}
