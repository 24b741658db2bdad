package sdk_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// serveTLS serves a fake provider with a certificate until stop is called.
func serveTLS(t *testing.T, addr string, c harness.Certificate) (at string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fakellm.New(fakellm.Options{TLS: c.Server}).Run(ctx, l) }()
	return l.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestAuthorityIsReplaced holds that a provider's new certificate, with its authority replaced in the file
// that the configuration names, is taken without a restart and without an edit of the configuration.
func TestAuthorityIsReplaced(t *testing.T) {
	first, second := harness.NewCertificate(t), harness.NewCertificate(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	put := func(c harness.Certificate) {
		text, err := os.ReadFile(c.File)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(ca, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(first)
	addr, stop := serveTLS(t, "127.0.0.1:0", first)
	node := harness.Start(t, harness.Options{Config: fmt.Sprintf(`version: 1
providers:
  own: {dialect: openai, base_url: "https://%s/v1", transport: {ca: %s}}
models:
  own/*: {endpoints: [{provider: own}]}
`, addr, ca)})
	_, secret := node.Key("app")
	client := openai.NewClient(option.WithBaseURL(node.URL+"/v1"), option.WithAPIKey(secret), option.WithMaxRetries(0))
	call := func() error {
		_, err := client.Chat.Completions.New(t.Context(), ask("own/echo", openai.UserMessage("hi")))
		return err
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	stop()
	_, stop = serveTLS(t, addr, second)
	defer stop()
	if err := call(); err == nil {
		t.Fatal("a certificate of an unknown authority is taken")
	}
	put(second)
	harness.Until(t, "the new authority is taken", func() bool { return call() == nil })
}
