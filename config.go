package fairlead

import (
	"encoding/json"
	"fmt"
)

// Config is the configuration: one document, versioned as a whole and changed while running
// (design.md section 4). Field names are those of the YAML document. Package compile reads it,
// checks it and makes a Snapshot of it.
type Config struct {
	Version   int                       `json:"version"`
	Providers map[string]ProviderConfig `json:"providers"`
	Models    map[string]ModelConfig    `json:"models"`
	Settings  SettingsConfig            `json:"settings"`
}

// ProviderConfig says how a provider is reached. A name of the provider table brings dialect, base
// URL and quirks; what is stated here goes before the table.
type ProviderConfig struct {
	Dialect      Dialect            `json:"dialect"`
	BaseURL      string             `json:"base_url"`
	Credentials  []CredentialConfig `json:"credentials"`
	Region       string             `json:"region"`
	CallableFrom CallableFrom       `json:"callable_from"`
	Retention    *Retention         `json:"retention"`
	Timeouts     TimeoutsConfig     `json:"timeouts"`
	Probe        *Probe             `json:"probe"`
	Transport    TransportConfig    `json:"transport"`
	Quirks       QuirksConfig       `json:"quirks"`
}

// CredentialConfig names a credential by reference: ${env:X}, ${file:/path} or ${secret:NAME}.
type CredentialConfig struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CallableFrom lists countries (ISO 3166-1 alpha-2) from which a provider's API may or may not be called.
type CallableFrom struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

// Retention is what a provider does with what it is sent.
type Retention struct {
	Days   int  `json:"days"`
	Trains bool `json:"trains"`
}

// Probe is how a provider that fails is asked whether it is well again: a page of its own that is free, or
// else requests of one token, for which a budget is given.
type Probe struct {
	Path     string   `json:"path"`
	Interval Duration `json:"interval"` // of the page
	Budget   string   `json:"budget"`   // USD a day, a decimal string
}

// TimeoutsConfig bounds an attempt; a field left out takes the next more general value.
type TimeoutsConfig struct {
	Connect    *Duration     `json:"connect"`
	Headers    *Duration     `json:"headers"`
	FirstToken *AutoDuration `json:"first_token"`
	Idle       *AutoDuration `json:"idle"`
	Total      *Duration     `json:"total"`
}

// TransportConfig chooses how connections to a provider are made. With any field set the standard
// library's transport is used; else fairlead's own HTTP/1.1 client.
type TransportConfig struct {
	HTTP2 bool   `json:"http2"`
	Proxy string `json:"proxy"` // URL of an HTTP or SOCKS5 proxy, or "environment"
	CA    string `json:"ca"`    // PEM file of the authorities to trust instead of the system's
	Cert  string `json:"cert"`  // PEM file of a client certificate
	Key   string `json:"key"`   // PEM file of its key
}

// QuirksConfig overrides what the provider table knows of a place's ways.
type QuirksConfig struct {
	StreamOptions *bool `json:"stream_options"` // false: refuses stream_options
}

// ModelConfig is one model and the endpoints that serve it.
type ModelConfig struct {
	Aliases       []string         `json:"aliases"`
	Context       int              `json:"context"`
	MaxOutput     int              `json:"max_output"`
	BytesPerToken *TokenBytes      `json:"bytes_per_token"` // default BytesPerToken
	Endpoints     []EndpointConfig `json:"endpoints"`
	Route         RouteConfig      `json:"route"`
}

// EndpointConfig is one model at one provider in one place.
type EndpointConfig struct {
	Name     string        `json:"name"` // distinguishes a second one at the same provider: author/name@provider~NAME
	Provider string        `json:"provider"`
	Model    string        `json:"model"`  // the provider's own name for it; default: the name after the author
	Weight   *int          `json:"weight"` // default 100; 0 drains
	Price    *PriceConfig  `json:"price"`
	Supports []string      `json:"supports"` // absent: anything is tried; present: closed
	Limits   *LimitsConfig `json:"limits"`
	Region   string        `json:"region"`
	Context  int           `json:"context"` // default: the model's
}

// PriceConfig states prices in USD per million tokens as decimal strings, or, as the word "free" in its place, that all of them
// are 0.
type PriceConfig struct {
	Input       string `json:"input"`
	Output      string `json:"output"`
	CacheRead   string `json:"cache_read"`
	CacheWrite  string `json:"cache_write"`
	Reasoning   string `json:"reasoning"`
	AudioInput  string `json:"audio_input"`
	AudioOutput string `json:"audio_output"`
	Image       string `json:"image"`   // USD per million images in prompts
	Request     string `json:"request"` // USD per million requests

	Tiers []TierConfig `json:"tiers"` // by Above, lowest first

	Free bool `json:"-"` // the word stood there, and nothing else
}

const freePrice = "free"

// MarshalJSON writes the price, or the word in its place.
func (p PriceConfig) MarshalJSON() ([]byte, error) {
	if p.Free {
		return json.Marshal(freePrice)
	}
	type members PriceConfig
	return json.Marshal(members(p))
}

// UnmarshalJSON reads the price, or the word in its place.
func (p *PriceConfig) UnmarshalJSON(text []byte) error {
	type members PriceConfig
	if len(text) == 0 || text[0] != '"' {
		return json.Unmarshal(text, (*members)(p))
	}
	var word string
	if err := json.Unmarshal(text, &word); err != nil || word != freePrice {
		return fmt.Errorf("a price is an object, or the word %q", freePrice)
	}
	p.Free = true
	return nil
}

// TierConfig is the price of exchanges with a long prompt. What it leaves out is as the price that it is a tier of states it.
type TierConfig struct {
	Above       int    `json:"above"` // tokens of the whole prompt
	Input       string `json:"input"`
	Output      string `json:"output"`
	CacheRead   string `json:"cache_read"`
	CacheWrite  string `json:"cache_write"`
	Reasoning   string `json:"reasoning"`
	AudioInput  string `json:"audio_input"`
	AudioOutput string `json:"audio_output"`
	Image       string `json:"image"`   // USD per million images in prompts
	Request     string `json:"request"` // USD per million requests
}

// LimitsConfig is what a provider allows on an endpoint, per minute or at once.
type LimitsConfig struct {
	RPM         int `json:"rpm"`
	TPM         int `json:"tpm"`
	Concurrency int `json:"concurrency"`
}

// RouteConfig is how requests for a model are steered.
type RouteConfig struct {
	Optimize  string    `json:"optimize"`
	Fallbacks []string  `json:"fallbacks"`
	Placement Placement `json:"placement"`
	Continue  string    `json:"continue"`
	Hedge     bool      `json:"hedge"`
}

// Placement says in which regions a model's endpoints may be used.
type Placement struct {
	Mode    string   `json:"mode"`
	Regions []string `json:"regions"`
}

// SettingsConfig is what holds for all exchanges.
type SettingsConfig struct {
	MaxBody     *Bytes         `json:"max_body"`
	MaxBodies   *Bytes         `json:"max_bodies"`
	Attempts    *int           `json:"attempts"`
	Timeouts    TimeoutsConfig `json:"timeouts"`
	RetryBudget *float64       `json:"retry_budget"`
	Records     RecordsConfig  `json:"records"`
	Spool       SpoolConfig    `json:"spool"`
}

// RecordsConfig bounds how many records are kept.
type RecordsConfig struct {
	PerSecond *int      `json:"per_second"`
	Keep      *Duration `json:"keep"`
	Max       *Bytes    `json:"max"`
}

// SpoolConfig bounds what each edge keeps of charge lines on its disk.
type SpoolConfig struct {
	Keep *Duration `json:"keep"`
	Max  *Bytes    `json:"max"`
}
