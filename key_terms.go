package fairlead

import (
	"strings"
	"time"
)

// KeyTerms is what a key may do, for whom and until when. The zero value is a key that belongs to nobody and may use everything for ever.
type KeyTerms struct {
	Account   string            `json:"account,omitempty"`   // by id; "" = it belongs to none
	Team      string            `json:"team,omitempty"`      // of the account, by id
	Owner     string            `json:"owner,omitempty"`     // who uses it, as the operator notes it
	Models    []string          `json:"models,omitempty"`    // globs of names; none = all. Name tells the names
	Endpoints []string          `json:"endpoints,omitempty"` // globs of ids; none = all
	Expires   time.Time         `json:"expires,omitzero"`    // UTC; from then on it is refused; zero = never
	Disabled  bool              `json:"disabled,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Old       KeyHash           `json:"old,omitzero"`       // of the secret before the last rotation
	OldUntil  time.Time         `json:"old_until,omitzero"` // UTC; from then on that secret is refused
}

// None reports whether the key has no terms.
func (t *KeyTerms) None() bool {
	return t.Account == "" && t.Team == "" && t.Owner == "" && len(t.Models) == 0 && len(t.Endpoints) == 0 && t.Expires.IsZero() &&
		!t.Disabled && len(t.Metadata) == 0 && t.Old == (KeyHash{}) && t.OldUntil.IsZero()
}

// Tidy has lists and metadata that are empty be none.
func (t *KeyTerms) Tidy() {
	if len(t.Models) == 0 {
		t.Models = nil
	}
	if len(t.Endpoints) == 0 {
		t.Endpoints = nil
	}
	if len(t.Metadata) == 0 {
		t.Metadata = nil
	}
}

const (
	maxOwner = 200 // bytes
	maxGlobs = 64
	maxGlob  = 200 // bytes
)

// Validate says why a key cannot have these terms. Whether account and team exist is the store's to say.
func (t *KeyTerms) Validate() error {
	if t.Team != "" && t.Account == "" {
		return &Error{Code: CodeInvalidRequest, Param: "team", Message: "a key of a team names the team's account, too"}
	}
	if len(t.Owner) > maxOwner || Unseen(t.Owner) {
		return &Error{Code: CodeInvalidRequest, Param: "owner", Message: "an owner has at most 200 printable characters"}
	}
	if err := validGlobs("models", t.Models); err != nil {
		return err
	}
	if err := validGlobs("endpoints", t.Endpoints); err != nil {
		return err
	}
	return ValidMetadata(t.Metadata)
}

func validGlobs(param string, globs []string) error {
	if len(globs) > maxGlobs {
		return &Error{Code: CodeInvalidRequest, Param: param, Message: "a key has at most 64 " + param}
	}
	for _, g := range globs {
		if strings.TrimSpace(g) == "" || len(g) > maxGlob || Unseen(g) {
			return &Error{Code: CodeInvalidRequest, Param: param, Message: "one of the " + param + " of a key has not 1 to 200 printable characters"}
		}
	}
	return nil
}

// AllowsModel reports whether a model may be used that was asked for by a name: its own, an alias, or one that its wildcard stands
// for. Either that name or the model's own has to match; of a wildcard, which is no model by itself, the name that was asked for.
func (t *KeyTerms) AllowsModel(m *Model, asked string) bool {
	return t == nil || allows(t.Models, asked) || !m.Wildcard && allows(t.Models, m.Name)
}

// AllowsEndpoint reports whether an endpoint may be used, by its id.
func (t *KeyTerms) AllowsEndpoint(id string) bool { return t == nil || allows(t.Endpoints, id) }

func allows(globs []string, name string) bool {
	for _, g := range globs {
		if MatchGlob(g, name) {
			return true
		}
	}
	return len(globs) == 0
}

// MatchGlob reports whether all of a name fits a pattern, in which * stands for any run of bytes, none included, and everything else
// for itself. It takes time in proportion to the product of both lengths at most.
func MatchGlob(pattern, name string) bool {
	p, n := 0, 0
	star, from := -1, 0 // where the last * was, and where in the name what follows it is tried
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p, n = p+1, n+1
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
