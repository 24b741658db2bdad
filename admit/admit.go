// Package admit decides whether an exchange may enter. It knows keys, and the accounts and teams that they belong to.
package admit

import (
	"context"
	"net/http"
	"strings"
	"time"

	"fairlead"
)

// Keys finds keys by the hash of their secret, or of the one that it replaced, with account and team. A revoked key is found, as a tombstone.
type Keys interface {
	Holder(ctx context.Context, hash fairlead.KeyHash) (h fairlead.Holder, found bool, err error)
}

// Door lets exchanges in.
type Door struct {
	keys Keys
	open bool
	// Clock is by what keys expire; nil = time.Now. It is set before anyone enters.
	Clock func() time.Time
}

// NewDoor makes a door that asks keys. An open door (--no-auth) lets everyone in.
func NewDoor(keys Keys, open bool) *Door { return &Door{keys: keys, open: open} }

// Pass is an exchange's leave to go on.
type Pass struct {
	Key     *fairlead.Key     // nil at an open door
	Account *fairlead.Account // of the key; nil where it belongs to none
	Team    *fairlead.Team    // likewise
}

// Enter checks the key of a request by its headers alone: the body has not been read. Errors are
// *fairlead.Error with a 401 code, or a 403 where the account is closed.
func (d *Door) Enter(ctx context.Context, h http.Header) (Pass, error) {
	if d.open {
		return Pass{}, nil
	}
	secret := presented(h)
	if secret == "" {
		return Pass{}, fairlead.Errorf(fairlead.CodeMissingKey,
			"no key was sent: use \"Authorization: Bearer sk-fl-…\", \"x-api-key\", \"api-key\" or \"x-goog-api-key\"")
	}
	hash := fairlead.HashKey(secret)
	held, found, err := d.keys.Holder(ctx, hash)
	switch {
	case err != nil:
		return Pass{}, &fairlead.Error{Code: fairlead.CodeInternal, Message: "the key could not be checked", Err: err}
	case !found:
		return Pass{}, fairlead.Errorf(fairlead.CodeInvalidKey, "the key is not known here")
	}
	if err := d.refusal(&held, hash); err != nil {
		return Pass{}, err
	}
	return Pass{Key: held.Key, Account: held.Account, Team: held.Team}, nil
}

// refusal says why a key that is known may not be used now, shown by a secret of that hash. An account or a team that the key names
// and this node does not know counts as closed.
func (d *Door) refusal(h *fairlead.Holder, hash fairlead.KeyHash) error {
	k := h.Key
	switch {
	case !k.Active():
		return fairlead.Errorf(fairlead.CodeRevokedKey, "the key "+k.ID+" was revoked")
	case hash != k.Hash && !d.now().Before(k.OldUntil):
		return fairlead.Errorf(fairlead.CodeReplacedKey, "the key "+k.ID+" has another secret since it was rotated")
	case k.Disabled:
		return fairlead.Errorf(fairlead.CodeDisabledKey, "the key "+k.ID+" is disabled")
	case !k.Expires.IsZero() && !d.now().Before(k.Expires):
		return fairlead.Errorf(fairlead.CodeExpiredKey, "the key "+k.ID+" has expired")
	case k.Account != "" && (h.Account == nil || !h.Account.Active()):
		return fairlead.Errorf(fairlead.CodeClosedAccount, "the account of the key "+k.ID+" is closed")
	case k.Team != "" && (h.Team == nil || !h.Team.Active()):
		return fairlead.Errorf(fairlead.CodeClosedAccount, "the team of the key "+k.ID+" is closed")
	}
	return nil
}

func (d *Door) now() time.Time {
	if d.Clock == nil {
		return time.Now()
	}
	return d.Clock()
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
