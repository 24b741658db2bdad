package fairlead

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that must not be shown: every way of printing it gives "[secret]", and only
// Reveal gives the value itself.
//
// The value stands behind a pointer, for the verb %p prints fields whatever methods there are.
type Secret struct{ value *string }

const hidden = "[secret]"

// NewSecret wraps a value.
func NewSecret(v string) Secret { return Secret{&v} }

// Reveal gives the value, for the wire alone.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set reports whether there is a value.
func (s Secret) Set() bool { return s.value != nil && *s.value != "" }

// String hides the value.
func (s Secret) String() string { return hidden }

// Format hides the value from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the value from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
