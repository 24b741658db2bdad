package bus

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"fairlead"
	"fairlead/internal/pki"
)

// IdentityFile is the name of the file in the data folder that holds a node's identity.
const IdentityFile = "node.json"

// Identity is who a node is: what it got when it joined, and the private keys that never leave its disk.
type Identity struct {
	Name      string
	Region    string
	Addresses []string // of control nodes' buses, as it was told when it joined
	Box       []byte   // private X25519 key, to which the fleet's key is sealed
	Sealed    []byte   // the fleet's key, sealed

	path    string
	mu      sync.Mutex
	fresh   bool              // it has joined, and not followed the fleet's log yet
	control map[string]string // addresses of control nodes' buses that were learned, by name
	pair    atomic.Pointer[pki.Pair]
}

// identityFile is the form on disk.
type identityFile struct {
	Name      string   `json:"name"`
	Region    string   `json:"region,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	Box       []byte   `json:"box"`
	Sealed    []byte   `json:"sealed"`
	Pair      string   `json:"certificate"` // PEM: private key, certificate, authority
	// Control are the addresses that beats told, by control node.
	Control map[string]string `json:"control,omitempty"`
	Fresh   bool              `json:"fresh,omitempty"`
}

// LoadIdentity reads the identity in a data folder; found is false where the node has not joined yet.
func LoadIdentity(dir string) (id *Identity, found bool, err error) {
	path := filepath.Join(dir, IdentityFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read this node's identity: %w", err)
	}
	var f identityFile
	if err := json.Unmarshal(text, &f); err != nil {
		// The cause may quote what stands in the file.
		return nil, false, fmt.Errorf("read this node's identity: %s is damaged; remove it and join again", path)
	}
	pair, err := pki.ParsePair([]byte(f.Pair))
	if err != nil {
		return nil, false, fmt.Errorf("read this node's identity in %s: %w", path, err)
	}
	if fairlead.ValidNodeName(f.Name) != nil || pair.Name() != f.Name || !validAddresses(f.Addresses) {
		return nil, false, fmt.Errorf("read this node's identity: %s does not fit together; remove it and join again", path)
	}
	if _, err := ecdh.X25519().NewPrivateKey(f.Box); err != nil {
		return nil, false, fmt.Errorf("read this node's identity in %s: %w", path, err)
	}
	id = &Identity{Name: f.Name, Region: f.Region, Addresses: f.Addresses, Box: f.Box, Sealed: f.Sealed, path: path, control: f.Control, fresh: f.Fresh}
	id.pair.Store(pair)
	return id, true, nil
}

// Pair is the certificate that the node shows now.
func (id *Identity) Pair() *pki.Pair { return id.pair.Load() }

// Fresh reports whether the node has joined and not yet found what its disk holds on the fleet's log: that may be of the life
// before, in another fleet.
func (id *Identity) Fresh() bool {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.fresh
}

// Settle keeps that the node's disk holds what is of this fleet.
func (id *Identity) Settle() error {
	id.mu.Lock()
	defer id.mu.Unlock()
	if !id.fresh {
		return nil
	}
	id.fresh = false
	return id.write(id.pair.Load())
}

// Public is the public half of Box.
func (id *Identity) Public() ([]byte, error) {
	key, err := ecdh.X25519().NewPrivateKey(id.Box)
	if err != nil {
		return nil, err
	}
	return key.PublicKey().Bytes(), nil
}

// set puts another pair in force, once it is on disk.
func (id *Identity) set(pair *pki.Pair) error {
	id.mu.Lock()
	defer id.mu.Unlock()
	if err := id.write(pair); err != nil {
		return err
	}
	id.pair.Store(pair)
	return nil
}

// write puts the identity on disk, with a pair. The caller holds the lock.
func (id *Identity) write(pair *pki.Pair) error {
	text, err := pair.Marshal()
	if err != nil {
		return err
	}
	whole, err := json.MarshalIndent(identityFile{id.Name, id.Region, id.Addresses, id.Box, id.Sealed, string(text), id.control, id.fresh}, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(id.path, append(whole, '\n')); err != nil {
		return fmt.Errorf("write this node's identity: %w", err)
	}
	return nil
}

// replaceFile writes a file whole or not at all, readable by its owner alone.
func replaceFile(path string, text []byte) error {
	next := path + "." + rand.Text()
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
