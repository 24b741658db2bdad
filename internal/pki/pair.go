package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Pair is a key with the certificate over it and the authority that signed it: by it a node shows who it is, and
// knows the others. It does not change; a renewed certificate makes another Pair.
type Pair struct {
	key       *ecdsa.PrivateKey
	cert      *x509.Certificate
	authority *x509.Certificate
}

// Key is a private key that waits for its certificate.
type Key struct{ key *ecdsa.PrivateKey }

// NewKey makes a key.
func NewKey() (Key, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return Key{key}, err
}

// Request is a certificate request: the public key, signed by the private one.
func (k Key) Request() ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "node"}}, k.key)
}

// Pair joins the key with its certificate, both certificates in DER. It refuses a certificate of another key or of
// another authority.
func (k Key) Pair(certificate, authority []byte) (*Pair, error) {
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("read a certificate: %w", err)
	}
	ca, err := x509.ParseCertificate(authority)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	if !k.key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the certificate is of another key")
	}
	if err := cert.CheckSignatureFrom(ca); err != nil {
		return nil, fmt.Errorf("check who signed the certificate: %w", err)
	}
	return &Pair{key: k.key, cert: cert, authority: ca}, nil
}

// Server makes a pair with a fresh key and a server's certificate, for one that holds the authority itself.
func (a *Authority) Server(name string, now time.Time) (*Pair, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	request, err := key.Request()
	if err != nil {
		return nil, err
	}
	cert, err := a.Issue(name, true, request, now)
	if err != nil {
		return nil, err
	}
	return key.Pair(cert, a.cert.Raw)
}

// Renew gives the pair with another certificate over its key.
func (p *Pair) Renew(certificate []byte) (*Pair, error) {
	return Key{p.key}.Pair(certificate, p.authority.Raw)
}

// Request is a certificate request for the pair's key.
func (p *Pair) Request() ([]byte, error) { return Key{p.key}.Request() }

// Name is the holder's.
func (p *Pair) Name() string { return p.cert.Subject.CommonName }

// Pin is the SHA-256 of the holder's public key; a renewed certificate has the same.
func (p *Pair) Pin() [sha256.Size]byte { return Pin(p.cert) }

// Due reports whether it is time to ask for the next certificate.
func (p *Pair) Due(now time.Time) bool { return now.After(p.cert.NotAfter.Add(RenewAfter - Life)) }

// Expires is when the certificate ends.
func (p *Pair) Expires() time.Time { return p.cert.NotAfter }

// Authority is the certificate of the authority, in DER.
func (p *Pair) Authority() []byte { return p.authority.Raw }

// TLS is the pair as crypto/tls takes it; the authority's certificate is sent along, for those that know it by its
// pin only.
func (p *Pair) TLS() *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{p.cert.Raw, p.authority.Raw}, PrivateKey: p.key, Leaf: p.cert}
}

// Pool holds the authority alone.
func (p *Pair) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.authority)
	return pool
}

// Marshal gives the pair with its private key, as PEM.
func (p *Pair) Marshal() ([]byte, error) {
	text, err := marshalPair(p.key, p.cert.Raw)
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.authority.Raw})...), err
}

// ParsePair reads what Marshal gave.
func ParsePair(text []byte) (*Pair, error) {
	key, rest, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	var ders [2][]byte
	for i := range ders {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("a certificate is missing")
		}
		ders[i] = block.Bytes
	}
	return Key{key}.Pair(ders[0], ders[1])
}

func marshalPair(key *ecdsa.PrivateKey, der []byte) ([]byte, error) {
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}

func parsePair(text []byte) (*ecdsa.PrivateKey, []byte, error) {
	key, rest, err := parseKey(text)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(rest)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, nil, errors.New("a certificate is missing")
	}
	return key, block.Bytes, nil
}

func parseKey(text []byte) (*ecdsa.PrivateKey, []byte, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, nil, errors.New("a private key is missing")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read a private key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("the private key is not one of P-256")
	}
	return key, rest, nil
}

func derive(key []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, key, nil, "fairlead "+purpose, 32)
}
