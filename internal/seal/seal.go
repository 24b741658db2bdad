// Package seal keeps values from whoever has no key: AES-256-GCM under a key, and boxes that only the holder of
// an X25519 key can open. What is sealed is bound to a context, so that it cannot be taken for another value's.
//
// A sealed value is a version byte, 12 random bytes of nonce, then the ciphertext with its tag. A box is a version
// byte, the sender's one-time public key (32 bytes), then a sealed value under HKDF-SHA256 of the shared secret.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	version   = 1
	nonceSize = 12
	keySize   = 32
	pairSize  = 32

	// made starts a text that NewText made: it has 256 random bits and needs no stretching.
	made = "fl-seal-"
	// rounds is what OWASP asks of PBKDF2-HMAC-SHA256 (2023), for texts that people chose.
	rounds = 600_000
	// leastText is the shortest text that a key is made of.
	leastText = 16
)

// ErrSealed says that a value cannot be opened: another key or context, or it was altered.
var ErrSealed = errors.New("sealed under another key or for another place, or altered")

var letters = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// Key seals and opens. It prints as nothing.
type Key struct{ aead *cipher.AEAD }

// NewKey gives a random key and its 32 bytes, which another Seal keeps.
func NewKey() (Key, []byte) {
	raw := random(keySize)
	k, _ := KeyOf(raw) // 32 bytes are a key
	return k, raw
}

// KeyOf makes a key of 32 bytes.
func KeyOf(raw []byte) (Key, error) {
	if len(raw) != keySize {
		return Key{}, errors.New("a sealing key has 32 bytes")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Key{}, err
	}
	return Key{&aead}, nil
}

// NewText makes a text for FromText.
func NewText() string { return made + letters.EncodeToString(random(keySize)) }

// FromText makes a key of a text, the same one each time. What NewText made is taken as it is; any other text, of at
// least 16 bytes, is stretched, which takes some 0.2 s. purpose keeps keys of one text apart.
func FromText(text, purpose string) (Key, error) {
	var secret []byte
	var err error
	switch rest, ours := strings.CutPrefix(text, made); {
	case ours:
		if secret, err = letters.DecodeString(rest); err != nil || len(secret) != keySize {
			return Key{}, errors.New("the key is not whole: it has " + made + " and 52 letters and digits")
		}
	case len(text) < leastText:
		return Key{}, fmt.Errorf("the key has %d bytes; at least %d are taken", len(text), leastText)
	default:
		if secret, err = pbkdf2.Key(sha256.New, text, []byte("fairlead secret key"), rounds, keySize); err != nil {
			return Key{}, err
		}
	}
	raw, err := hkdf.Key(sha256.New, secret, nil, "fairlead "+purpose, keySize)
	if err != nil {
		return Key{}, err
	}
	return KeyOf(raw)
}

// Set reports whether it is a key.
func (k Key) Set() bool { return k.aead != nil }

// Seal seals a value for a context.
func (k Key) Seal(plain []byte, context string) []byte {
	out := append(make([]byte, 0, 1+nonceSize+len(plain)+16), version)
	out = append(out, random(nonceSize)...)
	return (*k.aead).Seal(out, out[1:], plain, []byte(context))
}

// Open opens what Seal gave for the same context, or gives ErrSealed.
func (k Key) Open(sealed []byte, context string) ([]byte, error) {
	if !k.Set() || len(sealed) < 1+nonceSize || sealed[0] != version {
		return nil, ErrSealed
	}
	plain, err := (*k.aead).Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], []byte(context))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// String hides the key.
func (k Key) String() string { return "[key]" }

// GoString hides the key from %#v.
func (k Key) GoString() string { return "[key]" }

// Pair opens boxes that were sealed to its public key.
type Pair struct{ private *ecdh.PrivateKey }

// NewPair makes a pair.
func NewPair() (Pair, error) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	return Pair{private}, err
}

// PairOf makes the pair of the bytes that Bytes gave.
func PairOf(raw []byte) (Pair, error) {
	private, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return Pair{}, errors.New("a pair has 32 bytes")
	}
	return Pair{private}, nil
}

// Bytes is the secret half, 32 bytes.
func (p Pair) Bytes() []byte { return p.private.Bytes() }

// Public is the half that others seal to, 32 bytes.
func (p Pair) Public() []byte { return p.private.PublicKey().Bytes() }

// String hides the pair.
func (p Pair) String() string { return "[pair]" }

// GoString hides the pair from %#v.
func (p Pair) GoString() string { return "[pair]" }

// To seals a value to a public key for a context.
func To(public, plain []byte, context string) ([]byte, error) {
	to, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, errors.New("a public key has 32 bytes")
	}
	once, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	k, err := shared(once, to, once.PublicKey(), to)
	if err != nil {
		return nil, err
	}
	return append(slices.Concat([]byte{version}, once.PublicKey().Bytes()), k.Seal(plain, context)...), nil
}

// Open opens what To sealed to this pair for the same context, or gives ErrSealed.
func (p Pair) Open(box []byte, context string) ([]byte, error) {
	if p.private == nil || len(box) < 1+pairSize || box[0] != version {
		return nil, ErrSealed
	}
	once, err := ecdh.X25519().NewPublicKey(box[1 : 1+pairSize])
	if err != nil {
		return nil, ErrSealed
	}
	k, err := shared(p.private, once, once, p.private.PublicKey())
	if err != nil {
		return nil, ErrSealed
	}
	return k.Open(box[1+pairSize:], context)
}

// shared is the key of a box: both public keys are part of it, so that a box fits no other pair.
func shared(mine *ecdh.PrivateKey, theirs, once, to *ecdh.PublicKey) (Key, error) {
	secret, err := mine.ECDH(theirs)
	if err != nil {
		return Key{}, err
	}
	raw, err := hkdf.Key(sha256.New, secret, slices.Concat(once.Bytes(), to.Bytes()), "fairlead box", keySize)
	if err != nil {
		return Key{}, err
	}
	return KeyOf(raw)
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}
