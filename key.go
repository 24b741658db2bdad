package fairlead

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	mathrand "math/rand/v2"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// KeyPrefix starts every secret of a key that fairlead issued.
const KeyPrefix = "sk-fl-"

// KeyHash is the SHA-256 of a key's secret: all of the secret that is ever stored.
type KeyHash [sha256.Size]byte

// MarshalText writes the hash in hexadecimal.
func (h KeyHash) MarshalText() ([]byte, error) { return Hash(h).MarshalText() }

// UnmarshalText reads what MarshalText writes.
func (h *KeyHash) UnmarshalText(text []byte) error { return (*Hash)(h).UnmarshalText(text) }

// HashKey hashes a secret as presented by a caller.
func HashKey(secret string) KeyHash {
	var room [64]byte // for most: nothing is allocated
	return sha256.Sum256(append(room[:0], secret...))
}

// Key is a caller's key as the planes know it: everything but its secret.
type Key struct {
	ID      string    // "key_" and 16 characters, never reused
	Name    string    // the operator's name for it
	Hash    KeyHash   `json:"-"`
	Hint    string    // the secret's first and last characters, to recognise it by
	Created time.Time // UTC
	Revoked time.Time // zero while the key is good; a revoked key stays as a tombstone
	KeyTerms
}

// Holder is a key with the account and the team that it names; nil where it names none, or one that is not known.
type Holder struct {
	Key     *Key
	Account *Account
	Team    *Team
}

// Active reports whether the key was not revoked.
func (k *Key) Active() bool { return k.Revoked.IsZero() }

// keyLetters are 32 letters and digits that are not easily mistaken for each other.
const keyLetters = "abcdefghijkmnpqrstuvwxyz23456789"

var keyAlphabet = base32.NewEncoding(keyLetters).WithPadding(base32.NoPadding)

// NewKey makes a key with a fresh random secret (160 bits) and gives both; only the caller of NewKey
// ever sees the secret.
func NewKey(name string, now time.Time) (Key, Secret) {
	k := Key{ID: NewID("key_"), Name: name, Created: now.UTC().Truncate(time.Microsecond)}
	return k, k.newSecret()
}

// newSecret gives the key a fresh random secret.
func (k *Key) newSecret() Secret {
	secret := KeyPrefix + randomText(20)
	k.Hash, k.Hint = HashKey(secret), secret[:len(KeyPrefix)+3]+"…"+secret[len(secret)-3:]
	return NewSecret(secret)
}

// Rotate gives the key another secret, and lets the one that it has be good until a time. One from before that is good no more.
func (k *Key) Rotate(until time.Time) Secret {
	k.Old, k.OldUntil = k.Hash, until.UTC().Truncate(time.Microsecond)
	return k.newSecret()
}

// NewID makes an identifier with 80 random bits after its prefix: unique, but no secret.
func NewID(prefix string) string {
	const bits, length = 5, 16
	id := make([]byte, len(prefix)+length)
	copy(id, prefix)
	high, low := mathrand.Uint64(), mathrand.Uint64()
	for i := range length {
		from := high
		if i >= length/2 {
			from = low
		}
		id[len(prefix)+i] = keyLetters[from>>(i%(length/2)*bits)&(1<<bits-1)]
	}
	return string(id)
}

func randomText(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return keyAlphabet.EncodeToString(b)
}

// ValidKeyName says why a name cannot be a key's: it must have 1 to 100 bytes of characters that can be seen, and the
// space among them.
func ValidKeyName(name string) error {
	if strings.TrimSpace(name) == "" || len(name) > 100 || Unseen(name) {
		return Errorf(CodeInvalidRequest, "a key's name has 1 to 100 printable characters")
	}
	return nil
}

// Unseen reports whether a text has what cannot be seen, and so could be read as another one: control characters, marks that
// turn the direction of writing, spaces beside the common one, bytes that are no UTF-8.
func Unseen(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
}
