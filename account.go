package fairlead

import (
	"strings"
	"time"
)

// Account is who pays: for the keys that name it, and for its teams.
type Account struct {
	ID       string            `json:"id"` // "acc_" and 16 characters, never reused
	Name     string            `json:"name"`
	Prepaid  bool              `json:"prepaid,omitempty"` // it pays from credit; what another one uses is counted and charged to nobody
	Margin   Margin            `json:"margin,omitempty"`  // on what its exchanges cost
	Limits   []Limit           `json:"limits,omitempty"`
	Budgets  []Budget          `json:"budgets,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  time.Time         `json:"created"`         // UTC
	Closed   time.Time         `json:"closed,omitzero"` // zero while its keys may be used; a closed one stays as a tombstone
}

// Active reports whether keys of the account may be used.
func (a *Account) Active() bool { return a.Closed.IsZero() }

// Team is a part of an account, with limits and budgets of its own.
type Team struct {
	ID       string            `json:"id"` // "team_" and 16 characters, never reused
	Account  string            `json:"account"`
	Name     string            `json:"name"`
	Limits   []Limit           `json:"limits,omitempty"`
	Budgets  []Budget          `json:"budgets,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  time.Time         `json:"created"`
	Closed   time.Time         `json:"closed,omitzero"` // as an account's
}

// Active reports whether keys of the team may be used.
func (t *Team) Active() bool { return t.Closed.IsZero() }

// AccountContent is what a change of kind account says: accounts and teams as they now are.
type AccountContent struct {
	Accounts []Account `json:"accounts,omitempty"`
	Teams    []Team    `json:"teams,omitempty"`
}

// Validate says why an account cannot be kept.
func (a *Account) Validate() error {
	if err := ValidKeyName(a.Name); err != nil {
		return Errorf(CodeInvalidRequest, "an account's name has 1 to 100 printable characters")
	}
	if err := a.Margin.Validate(); err != nil {
		return err
	}
	if err := (Bounds{a.Limits, a.Budgets}).Validate(); err != nil {
		return err
	}
	return ValidMetadata(a.Metadata)
}

// Validate says why a team cannot be kept.
func (t *Team) Validate() error {
	if err := ValidKeyName(t.Name); err != nil {
		return Errorf(CodeInvalidRequest, "a team's name has 1 to 100 printable characters")
	}
	if err := (Bounds{t.Limits, t.Budgets}).Validate(); err != nil {
		return err
	}
	return ValidMetadata(t.Metadata)
}

// Margin is what an account pays beyond the cost, in millionths of it: 100,000 is a tenth more.
type Margin int64

// maxMargin is a hundred times the cost.
const maxMargin = Margin(100_000_000)

// Validate says why a margin cannot be one: it is 0 to 100 times the cost.
func (m Margin) Validate() error {
	if m < 0 || m > maxMargin {
		return Errorf(CodeInvalidRequest, "a margin is 0 to 100,000,000 millionths of the cost")
	}
	return nil
}

const (
	maxMetadata      = 32  // members of an object's metadata
	maxMetadataKey   = 64  // bytes
	maxMetadataValue = 512 // bytes
)

// ValidMetadata says why an operator's notes on an account, a team or a key cannot be kept: there are at most 32, whose names have
// 1 to 64 printable bytes and whose values at most 512.
func ValidMetadata(m map[string]string) error {
	if len(m) > maxMetadata {
		return Errorf(CodeInvalidRequest, "metadata has at most 32 members")
	}
	for name, value := range m {
		if strings.TrimSpace(name) == "" || len(name) > maxMetadataKey || Unseen(name) {
			return Errorf(CodeInvalidRequest, "a name in metadata has 1 to 64 printable characters")
		}
		if len(value) > maxMetadataValue || Unseen(value) {
			return Errorf(CodeInvalidRequest, "a value in metadata has at most 512 printable characters")
		}
	}
	return nil
}
