package bus

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/url"
	"strings"

	"fairlead"
)

// JoinPrefix starts every join token.
const JoinPrefix = "fl-join-"

// Token lets one node into a fleet, once. It says where the fleet is and how to know it, so that a node with it needs
// nothing else.
type Token struct {
	Addresses []string      `json:"addresses"` // of control nodes' buses; none where the fleet uses an existing cluster
	Authority fairlead.Hash `json:"authority"` // SHA-256 of the public key of the fleet's authority
	Name      string        `json:"name"`      // of the node
	Secret    string        `json:"secret"`
}

// HashSecret is the SHA-256 of a token's secret: what the store knows of it.
func HashSecret(secret string) fairlead.Hash { return sha256.Sum256([]byte(secret)) }

// Text is the token in one word.
func (t Token) Text() string {
	text, _ := json.Marshal(t) // texts and a hash; cannot fail
	return JoinPrefix + base64.RawURLEncoding.EncodeToString(text)
}

// ParseToken reads what Text wrote.
func ParseToken(text string) (t Token, err error) {
	bad := fairlead.Errorf(fairlead.CodeInvalidRequest, "this is not a join token: `fairlead nodes add` prints one, which begins "+JoinPrefix)
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), JoinPrefix)
	if !ok || len(rest) > 16<<10 {
		return Token{}, bad
	}
	plain, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return Token{}, bad
	}
	if fairlead.ValidNodeName(t.Name) != nil || t.Secret == "" || t.Authority == (fairlead.Hash{}) || !validAddresses(t.Addresses) {
		return Token{}, bad
	}
	return t, nil
}

func validAddresses(list []string) bool { return len(soundAddresses(list)) == len(list) }

// soundAddresses leaves out what cannot be the address of a bus: one of them would keep a node from dialing the others.
func soundAddresses(list []string) []string {
	var sound []string
	for _, a := range list {
		u, err := url.Parse("tls://" + a)
		if host, port, split := net.SplitHostPort(a); err != nil || u.Host != a || split != nil || host == "" || port == "" || strings.ContainsAny(a, "/@, ") {
			continue
		}
		sound = append(sound, a)
	}
	return sound
}
