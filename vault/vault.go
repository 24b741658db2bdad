// Package vault keeps what the fleet must share and nobody else may have: the fleet key, under which stored secrets are
// sealed, and the authority that signs the nodes' certificates. Both are made once, by whichever control node comes
// first, and lie in the store sealed under --secret-key.
package vault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"fairlead"
	"fairlead/internal/pki"
	"fairlead/internal/seal"
)

// Store keeps sealed values by name.
type Store interface {
	Vault(ctx context.Context, name string) (sealed []byte, found bool, err error)
	// PutVault keeps a value where there is none, and gives the one that is kept.
	PutVault(ctx context.Context, name string, sealed []byte) (kept []byte, err error)
}

// The names of what is kept.
const (
	fleetKeyName  = "fleet-key"
	authorityName = "authority"
)

// Vault is open: it holds the fleet key and the authority. Its methods may be called from several goroutines.
type Vault struct {
	raw       []byte // the fleet key's bytes, for new nodes
	fleet     seal.Key
	authority *pki.Authority
}

// ErrSecretKey says that --secret-key is another than the one that the store was made with.
var ErrSecretKey error = &fairlead.Error{
	Code:    fairlead.CodeConflict,
	Message: "the secret key is not the one that this database was made with",
	Hint: "after a restore: put the old node's secret.key into the data folder, mode 0600, or give it as --secret-key file:PATH; " +
		"it is not in the backup. A secret.key that a start has made there since is of no use",
}

// Open opens the vault of a store with the text of --secret-key, making what is not there yet.
func Open(ctx context.Context, s Store, secretKey fairlead.Secret, now time.Time) (*Vault, error) {
	under, err := seal.FromText(secretKey.Reveal(), "vault")
	if err != nil {
		return nil, fmt.Errorf("read secret key: %w", err)
	}
	v := &Vault{}
	if v.raw, err = keep(ctx, s, under, fleetKeyName, func() ([]byte, error) {
		_, raw := seal.NewKey()
		return raw, nil
	}); err != nil {
		return nil, err
	}
	if v.fleet, err = seal.KeyOf(v.raw); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	authority, err := keep(ctx, s, under, authorityName, func() ([]byte, error) {
		a, err := pki.NewAuthority("fairlead", now)
		if err != nil {
			return nil, err
		}
		return a.Marshal()
	})
	if err != nil {
		return nil, err
	}
	if v.authority, err = pki.ParseAuthority(authority); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return v, nil
}

// Made reports whether a store has a vault, which only the key opens that it was made under.
func Made(ctx context.Context, s Store) (bool, error) {
	_, found, err := s.Vault(ctx, fleetKeyName)
	if err != nil {
		return false, fmt.Errorf("open vault: %w", err)
	}
	return found, nil
}

// keep gives a kept value, made where there is none. Of several nodes that make one at the same time the first one's stays.
func keep(ctx context.Context, s Store, under seal.Key, name string, fresh func() ([]byte, error)) ([]byte, error) {
	sealed, found, err := s.Vault(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	if !found {
		plain, err := fresh()
		if err != nil {
			return nil, fmt.Errorf("make the vault's %s: %w", name, err)
		}
		if sealed, err = s.PutVault(ctx, name, under.Seal(plain, "vault "+name)); err != nil {
			return nil, fmt.Errorf("fill vault: %w", err)
		}
	}
	plain, err := under.Open(sealed, "vault "+name)
	if err != nil {
		return nil, fmt.Errorf("open vault: %w", ErrSecretKey)
	}
	return plain, nil
}

// Authority signs the certificates of the fleet's nodes.
func (v *Vault) Authority() *pki.Authority { return v.authority }

// SealFleetKey seals the fleet key to a node's public key.
func (v *Vault) SealFleetKey(node string, public []byte) ([]byte, error) {
	return seal.To(public, v.raw, fleetKeyContext(node))
}

// Seal seals a value of a secret; name and version are part of it, so that an old value cannot be put in a new one's
// place.
func (v *Vault) Seal(name string, version int64, value fairlead.Secret) ([]byte, error) {
	return v.fleet.Seal([]byte(value.Reveal()), secretContext(name, version)), nil
}

// Reader reads the fleet's secrets.
func (v *Vault) Reader() Reader { return Reader{v.fleet} }

// Reader opens stored secrets. The zero Reader opens none.
type Reader struct{ fleet seal.Key }

// OpenFleetKey makes the Reader of a node: sealed is the fleet key as SealFleetKey gave it.
func OpenFleetKey(node string, pair seal.Pair, sealed []byte) (Reader, error) {
	raw, err := pair.Open(sealed, fleetKeyContext(node))
	if err != nil {
		return Reader{}, fmt.Errorf("open the fleet's key: %w", err)
	}
	fleet, err := seal.KeyOf(raw)
	return Reader{fleet}, err
}

// Open opens a secret.
func (r Reader) Open(s fairlead.SealedSecret) (fairlead.Secret, error) {
	if s.Deleted() {
		return fairlead.Secret{}, errors.New("the secret was deleted")
	}
	plain, err := r.fleet.Open(s.Sealed, secretContext(s.Name, s.Version))
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("open the secret: %w", err)
	}
	return fairlead.NewSecret(string(plain)), nil
}

func fleetKeyContext(node string) string { return "fleet key for " + node }

func secretContext(name string, version int64) string {
	return "secret " + name + " " + strconv.FormatInt(version, 10)
}
