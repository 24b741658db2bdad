package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	"fairlead/internal/pki"
)

var now = time.Now()

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func authority(t *testing.T) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority("test", now)
	check(t, err)
	return a
}

func holder(t *testing.T, a *pki.Authority, server bool, at time.Time) *pki.Pair {
	t.Helper()
	key, err := pki.NewKey()
	check(t, err)
	request, err := key.Request()
	check(t, err)
	der, err := a.Issue("paris", server, request, at)
	check(t, err)
	p, err := key.Pair(der, a.Certificate())
	check(t, err)
	return p
}

// TestHandshake: who gets through to whom.
func TestHandshake(t *testing.T) {
	a, b := authority(t), authority(t)
	clock := func() time.Time { return now }
	fix := func(p *pki.Pair) func() *pki.Pair { return func() *pki.Pair { return p } }
	server, client, late := holder(t, a, true, now), holder(t, a, false, now), holder(t, a, false, now.Add(-pki.Life-48*time.Hour))
	foreign, foreignServer := holder(t, b, false, now), holder(t, b, true, now)
	stranger := pki.Client(fix(foreign), clock)
	stranger.RootCAs = client.Pool() // it trusts the server; the server must not trust it
	for _, c := range []struct {
		name           string
		server, client *tls.Config
		ok             bool
	}{
		{"a client", pki.Server(fix(server), true, clock), pki.Client(fix(client), clock), true},
		{"a peer", pki.Peer(fix(server), clock), pki.Peer(fix(server), clock), true},
		{"one that knows the pin", pki.Server(fix(server), false, clock), pki.Pinned(a.Pin(), clock), true},
		{"one that knows the pin, where certificates are wanted", pki.Server(fix(server), true, clock), pki.Pinned(a.Pin(), clock), false},
		{"one that knows another pin", pki.Server(fix(server), false, clock), pki.Pinned(b.Pin(), clock), false},
		{"a pin, and a client for a server", pki.Server(fix(client), false, clock), pki.Pinned(a.Pin(), clock), false},
		{"another authority's client", pki.Server(fix(server), false, clock), stranger, false},
		{"another authority's server", pki.Server(fix(foreignServer), false, clock), pki.Client(fix(client), clock), false},
		{"a client for a server", pki.Server(fix(client), true, clock), pki.Client(fix(client), clock), false},
		{"an expired client", pki.Server(fix(server), false, clock), pki.Client(fix(late), clock), false},
	} {
		if err := handshake(t, c.server, c.client); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func handshake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	in, err := l.Accept()
	check(t, err)
	done := make(chan error, 1)
	go func() {
		defer in.Close()
		s := tls.Server(in, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- err
	}()
	c := tls.Client(out, client)
	_, err = c.Read(make([]byte, 1))
	_ = out.Close()
	return errors.Join(err, <-done)
}

func TestMarshal(t *testing.T) {
	a := authority(t)
	text, err := a.Marshal()
	check(t, err)
	again, err := pki.ParseAuthority(text)
	check(t, err)
	one, err := a.Derive("x")
	check(t, err)
	two, err := again.Derive("x")
	check(t, err)
	if again.Pin() != a.Pin() || string(one) != string(two) || len(one) != 32 {
		t.Error("the authority came back as another")
	}
	p := holder(t, a, false, now)
	text, err = p.Marshal()
	check(t, err)
	q, err := pki.ParsePair(text)
	check(t, err)
	if q.Pin() != p.Pin() || q.Name() != "paris" || !q.Expires().Equal(p.Expires()) {
		t.Error("the pair came back as another")
	}
	for _, bad := range [][]byte{nil, []byte("x"), text[:len(text)/2]} {
		if _, err := pki.ParsePair(bad); err == nil {
			t.Errorf("%q is taken for a pair", bad)
		}
		if _, err := pki.ParseAuthority(bad); err == nil {
			t.Errorf("%q is taken for an authority", bad)
		}
	}
	if _, err := pki.ParseAuthority(text); err == nil {
		t.Error("a node's pair is taken for an authority")
	}
}

func TestIssueRefused(t *testing.T) {
	a, b := authority(t), authority(t)
	key, err := pki.NewKey()
	check(t, err)
	request, err := key.Request()
	check(t, err)
	bent := append([]byte{}, request...)
	bent[len(bent)-1] ^= 1
	for _, r := range [][]byte{nil, []byte("x"), bent} {
		if _, err := a.Issue("paris", false, r, now); err == nil {
			t.Errorf("a certificate was signed for %d bytes", len(r))
		}
	}
	der, err := b.Issue("paris", false, request, now)
	check(t, err)
	if _, err := key.Pair(der, a.Certificate()); err == nil {
		t.Error("a certificate of another authority is taken")
	}
	other, err := pki.NewKey()
	check(t, err)
	if _, err := other.Pair(der, b.Certificate()); err == nil {
		t.Error("a certificate of another key is taken")
	}
}

func TestSignature(t *testing.T) {
	a, b := authority(t), authority(t)
	signature, err := a.Sign([]byte("message"))
	check(t, err)
	ca, err := x509.ParseCertificate(a.Certificate())
	check(t, err)
	other, err := x509.ParseCertificate(b.Certificate())
	check(t, err)
	for _, c := range []struct {
		by      *x509.Certificate
		message string
		ok      bool
	}{{ca, "message", true}, {ca, "messagf", false}, {other, "message", false}} {
		if err := pki.CheckSignature(c.by, []byte(c.message), signature); (err == nil) != c.ok {
			t.Errorf("%s by %x: %v", c.message, c.by.SerialNumber, err)
		}
	}
	if _, err := pki.Pinning(a.Certificate(), b.Pin()); !errors.Is(err, pki.ErrOther) {
		t.Errorf("a pin of another authority: %v", err)
	}
}

func TestDue(t *testing.T) {
	p := holder(t, authority(t), false, now)
	if p.Due(now.Add(pki.RenewAfter-time.Hour)) || !p.Due(now.Add(pki.RenewAfter+time.Hour)) {
		t.Error("a certificate is due at another age")
	}
}
