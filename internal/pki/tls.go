package pki

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// ErrOther tells that the other side's authority is another than the one that was pinned.
var ErrOther = errors.New("the other side does not belong to the fleet that was named")

// Client is how one connects to a server of the fleet; pair gives what is shown then.
func Client(pair func() *Pair, clock func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		ServerName:           ServerName,
		RootCAs:              pair().Pool(),
		Time:                 clock,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair().TLS(), nil },
	}
}

// Server is how a server of the fleet is connected to. Strict refuses those without a certificate; otherwise they are
// let through to whoever asks them for something else. No session is resumed, so that a certificate is looked at
// with each connection.
func Server(pair func() *Pair, strict bool, clock func() time.Time) *tls.Config {
	c := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		ClientCAs:              pair().Pool(),
		ClientAuth:             tls.VerifyClientCertIfGiven,
		Time:                   clock,
		SessionTicketsDisabled: true,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair().TLS(), nil },
	}
	if strict {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c
}

// Peer is how servers of the fleet connect to each other: one configuration for both sides.
func Peer(pair func() *Pair, clock func() time.Time) *tls.Config {
	c := Server(pair, true, clock)
	c.ServerName, c.RootCAs = ServerName, pair().Pool()
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair().TLS(), nil }
	return c
}

// Pinned is how one connects that has no certificate yet and knows the authority by its pin alone.
func Pinned(pin [sha256.Size]byte, clock func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: ServerName,
		// The authority is not known beforehand, so the whole check is VerifyConnection's.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) != 2 {
				return ErrOther
			}
			ca, err := Pinning(s.PeerCertificates[1].Raw, pin)
			if err != nil {
				return err
			}
			roots := x509.NewCertPool()
			roots.AddCert(ca)
			_, err = s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: ServerName, CurrentTime: clock()})
			return err
		},
	}
}

// Pinning reads an authority's certificate that must have the pin.
func Pinning(der []byte, pin [sha256.Size]byte) (*x509.Certificate, error) {
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	if !ca.IsCA || Pin(ca) != pin {
		return nil, ErrOther
	}
	return ca, nil
}

// CheckSignature checks what Authority.Sign made.
func CheckSignature(authority *x509.Certificate, message, signature []byte) error {
	public, ok := authority.PublicKey.(*ecdsa.PublicKey)
	sum := sha256.Sum256(message)
	if !ok || !ecdsa.VerifyASN1(public, sum[:], signature) {
		return ErrOther
	}
	return nil
}
