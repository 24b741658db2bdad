// Package admit decides whether an exchange may enter. Until limits and credits come it knows keys
// alone.
package admit

import (
	"context"
	"net/http"
	"strings"

	"fairlead"
)

// Keys finds keys by the hash of their secret. A revoked key is found, as a tombstone.
type Keys interface {
	Key(ctx context.Context, hash fairlead.KeyHash) (k *fairlead.Key, found bool, err error)
}

// Door lets exchanges in.
type Door struct {
	keys Keys
	open bool
}

// NewDoor makes a door that asks keys. An open door (--no-auth) lets everyone in.
func NewDoor(keys Keys, open bool) *Door { return &Door{keys: keys, open: open} }

// Pass is an exchange's leave to go on.
type Pass struct {
	Key *fairlead.Key // nil at an open door
}

// Enter checks the key of a request by its headers alone: the body has not been read. Errors are
// *fairlead.Error with a 401 code.
func (d *Door) Enter(ctx context.Context, h http.Header) (Pass, error) {
	if d.open {
		return Pass{}, nil
	}
	secret := presented(h)
	if secret == "" {
		return Pass{}, fairlead.Errorf(fairlead.CodeMissingKey,
			"no key was sent: use \"Authorization: Bearer sk-fl-…\", \"x-api-key\", \"api-key\" or \"x-goog-api-key\"")
	}
	k, found, err := d.keys.Key(ctx, fairlead.HashKey(secret))
	switch {
	case err != nil:
		return Pass{}, &fairlead.Error{Code: fairlead.CodeInternal, Message: "the key could not be checked", Err: err}
	case !found:
		return Pass{}, fairlead.Errorf(fairlead.CodeInvalidKey, "the key is not known here")
	case !k.Active():
		return Pass{}, fairlead.Errorf(fairlead.CodeRevokedKey, "the key "+k.ID+" was revoked")
	}
	return Pass{Key: k}, nil
}

// presented gives the secret from the first header that carries one. Header names are in canonical
// form, as net/http stores them.
func presented(h http.Header) string {
	if v := first(h, "Authorization"); v != "" {
		if scheme, token, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "bearer") {
			return strings.TrimSpace(token)
		}
	}
	for _, name := range [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		if v := first(h, name); v != "" {
			return v
		}
	}
	return ""
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
