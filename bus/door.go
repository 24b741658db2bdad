package bus

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"fairlead"
	"fairlead/internal/pki"
)

// What passes between one that joins and control is sealed between these two, for the bus between them may be somebody
// else's: the token's secret must not be seen, nor the answer forged. It is HPKE (RFC 9180) to a key that all
// control nodes derive from the authority's, and that the authority has signed. The answer is sealed under a key that
// HPKE exports, as RFC 9180 section 9.8 has it.

const (
	doorInfo   = "fairlead join 1"
	doorExport = "fairlead join answer 1"
)

func doorSuite() (hpke.KDF, hpke.AEAD) { return hpke.HKDFSHA256(), hpke.AES256GCM() }

// doorSign is what anyone may know of a door.
type doorSign struct {
	Authority []byte `json:"authority"` // certificate, DER
	Public    []byte `json:"public"`    // X25519
	Signature []byte `json:"signature"` // of Public, by the authority
}

func doorMessage(public []byte) []byte { return append([]byte(doorInfo+"\x00"), public...) }

// door is control's side.
type door struct {
	key  hpke.PrivateKey
	sign []byte
}

func newDoor(a *pki.Authority) (*door, error) {
	secret, err := a.Derive("door")
	if err != nil {
		return nil, fmt.Errorf("derive the key for those who join: %w", err)
	}
	private, err := ecdh.X25519().NewPrivateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("derive the key for those who join: %w", err)
	}
	key, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("derive the key for those who join: %w", err)
	}
	public := private.PublicKey().Bytes()
	signature, err := a.Sign(doorMessage(public))
	if err != nil {
		return nil, err
	}
	sign, err := json.Marshal(doorSign{a.Certificate(), public, signature})
	return &door{key, sign}, err
}

// open opens a request, has it worked on and seals the answer.
func (d *door) open(body []byte, do func(plain []byte) ([]byte, error)) ([]byte, error) {
	malformed := fairlead.Errorf(fairlead.CodeMalformed, "the request to join cannot be read")
	const encapsulated = 32 // bytes of an X25519 key
	if len(body) < encapsulated || len(body) > 64<<10 {
		return nil, malformed
	}
	kdf, aead := doorSuite()
	r, err := hpke.NewRecipient(body[:encapsulated], d.key, kdf, aead, []byte(doorInfo))
	if err != nil {
		return nil, malformed
	}
	plain, err := r.Open(nil, body[encapsulated:])
	if err != nil {
		return nil, malformed
	}
	answered, err := do(plain)
	if err != nil {
		return nil, err
	}
	seal, nonce, err := answerSeal(r.Export)
	if err != nil {
		return nil, err
	}
	return seal.Seal(nil, nonce, answered, nil), nil
}

// knocker is the side of one that joins.
type knocker struct {
	authority []byte // certificate, DER
	public    hpke.PublicKey
	sender    *hpke.Sender
}

// newKnocker checks a door's sign against the pin of the authority.
func newKnocker(text []byte, pin fairlead.Hash) (*knocker, error) {
	var s doorSign
	if json.Unmarshal(text, &s) != nil {
		return nil, errFrame
	}
	ca, err := pki.Pinning(s.Authority, pin)
	if err != nil {
		return nil, err
	}
	if err := pki.CheckSignature(ca, doorMessage(s.Public), s.Signature); err != nil {
		return nil, err
	}
	public, err := ecdh.X25519().NewPublicKey(s.Public)
	if err != nil {
		return nil, err
	}
	key, err := hpke.NewDHKEMPublicKey(public)
	return &knocker{authority: s.Authority, public: key}, err
}

func (k *knocker) seal(plain []byte) ([]byte, error) {
	kdf, aead := doorSuite()
	encapsulated, sender, err := hpke.NewSender(k.public, kdf, aead, []byte(doorInfo))
	if err != nil {
		return nil, err
	}
	k.sender = sender
	sealed, err := sender.Seal(nil, plain)
	return append(encapsulated, sealed...), err
}

func (k *knocker) open(body []byte) ([]byte, error) {
	seal, nonce, err := answerSeal(k.sender.Export)
	if err != nil {
		return nil, err
	}
	plain, err := seal.Open(nil, nonce, body, nil)
	if err != nil {
		return nil, errors.New("join the fleet: the answer does not come from it")
	}
	return plain, nil
}

// answerSeal gives key and nonce for the one answer of an exchange.
func answerSeal(export func(string, int) ([]byte, error)) (cipher.AEAD, []byte, error) {
	secret, err := export(doorExport, 32+12)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(secret[:32])
	if err != nil {
		return nil, nil, err
	}
	seal, err := cipher.NewGCM(block)
	return seal, secret[32:], err
}

// validInbox tells whether a reply goes to the inbox of a node.
func validInbox(reply string) bool {
	name, _, ok := strings.Cut(strings.TrimPrefix(reply, "fl.inbox."), ".")
	return ok && strings.HasPrefix(reply, "fl.inbox.") && fairlead.ValidNodeName(name) == nil
}
