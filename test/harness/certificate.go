package harness

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"fairlead/internal/fakellm"
)

// Certificate is one for this machine's loopback addresses that signs itself.
type Certificate struct {
	File, KeyFile string      // PEM files, for --tls-cert and --tls-key
	Server        *tls.Config // for a server in this process
	Client        *tls.Config // trusts it alone
}

// NewCertificate makes one for the duration of the test.
func NewCertificate(t testing.TB) Certificate {
	t.Helper()
	server, client, err := fakellm.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	own := server.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := Certificate{File: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), Server: server, Client: client}
	for _, f := range []struct {
		path string
		pem.Block
	}{
		{c.File, pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}},
		{c.KeyFile, pem.Block{Type: "PRIVATE KEY", Bytes: key}},
	} {
		if err := os.WriteFile(f.path, pem.EncodeToMemory(&f.Block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
