// Package pki makes and checks the certificates by which the nodes of a fleet know each other: one authority of the
// fleet's own, certificates of a few months for its nodes. No public authority and no host name takes part: an
// address may be a proxy's, so what is checked is the authority, the holder's name and what the holder may be.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// ServerName is the host name in the certificates of those that others connect to, and in no other's: so a client's
// certificate cannot pass for a server's.
const ServerName = "control.fairlead"

const (
	// authorityLife is long because nothing replaces an authority in a running fleet.
	authorityLife = 30 * 365 * 24 * time.Hour
	// Life is how long a holder's certificate is good for.
	Life = 90 * 24 * time.Hour
	// RenewAfter is the age at which its holder asks for the next one.
	RenewAfter = 60 * 24 * time.Hour
	// skew is how far the clock of the one that looks may be behind that of the one that signed.
	skew = 24 * time.Hour
)

// Authority signs certificates.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// NewAuthority makes an authority with a fresh key.
func NewAuthority(name string, now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority's key: %w", err)
	}
	t := template(name, now, authorityLife)
	t.IsCA, t.MaxPathLenZero = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	return newAuthority(key, der)
}

func newAuthority(key *ecdsa.PrivateKey, der []byte) (*Authority, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	if !cert.IsCA || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the authority's certificate is not that of its key")
	}
	return &Authority{key: key, cert: cert}, nil
}

// Marshal gives the authority with its private key: to be sealed by the caller before it goes anywhere.
func (a *Authority) Marshal() ([]byte, error) { return marshalPair(a.key, a.cert.Raw) }

// ParseAuthority reads what Marshal gave.
func ParseAuthority(text []byte) (*Authority, error) {
	key, der, err := parsePair(text)
	if err != nil {
		return nil, err
	}
	return newAuthority(key, der)
}

// Certificate is the authority's own, in DER.
func (a *Authority) Certificate() []byte { return a.cert.Raw }

// Pin is the SHA-256 of the authority's public key (SPKI, DER).
func (a *Authority) Pin() [sha256.Size]byte { return Pin(a.cert) }

// Sign signs a short message, as a holder of the authority's certificate can check by CheckSignature.
func (a *Authority) Sign(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, a.key, sum[:])
}

// Derive gives 32 secret bytes for a purpose, the same to everyone who holds the authority.
func (a *Authority) Derive(purpose string) ([]byte, error) {
	key, err := a.key.Bytes()
	if err != nil {
		return nil, err
	}
	return derive(key, purpose)
}

// Issue signs a certificate for the key of a certificate request, by which its sender proves that it holds the key.
// Nothing else is taken from the request.
func (a *Authority) Issue(name string, server bool, request []byte, now time.Time) ([]byte, error) {
	r, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("read the certificate request: %w", err)
	}
	public, ok := r.PublicKey.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return nil, errors.New("the certificate request's key is not one of P-256")
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check the certificate request: %w", err)
	}
	t := template(name, now, Life)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if server {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		t.DNSNames = []string{ServerName}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return der, nil
}

func template(name string, now time.Time, life time.Duration) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // cannot fail: crypto/rand ends the process instead
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(life),
		BasicConstraintsValid: true,
	}
}

// Pin is the SHA-256 of a certificate's public key (SPKI, DER).
func Pin(c *x509.Certificate) [sha256.Size]byte { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// IsServer reports whether a certificate is that of one that others connect to.
func IsServer(c *x509.Certificate) bool { return c.VerifyHostname(ServerName) == nil }
