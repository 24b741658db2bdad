package sdk_test

import (
	"net/http"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// TestHTTP2 holds that both SDKs work over HTTP/2, in TLS and without it, as they do over HTTP/1.1 in TLS.
func TestHTTP2(t *testing.T) {
	certificate := harness.NewCertificate(t)
	_, url := harness.Fake(t, fakellm.Options{})
	config := harness.Config(url, url)
	secure := harness.Start(t, harness.Options{
		Config: config, TLS: certificate.Client,
		Args: []string{"--tls-cert", certificate.File, "--tls-key", certificate.KeyFile},
	})
	plain := harness.Start(t, harness.Options{Config: config})
	protocols := func(h1, h2, h2c bool) *http.Protocols {
		p := new(http.Protocols)
		p.SetHTTP1(h1)
		p.SetHTTP2(h2)
		p.SetUnencryptedHTTP2(h2c)
		return p
	}
	for _, c := range []struct {
		name  string
		node  *harness.Node
		tr    *http.Transport
		major int
	}{
		{"TLS, HTTP/2", secure, &http.Transport{TLSClientConfig: certificate.Client.Clone(), Protocols: protocols(false, true, false)}, 2},
		{"TLS, HTTP/1.1", secure, &http.Transport{TLSClientConfig: certificate.Client.Clone(), Protocols: protocols(true, false, false)}, 1},
		{"plaintext, HTTP/2", plain, &http.Transport{Protocols: protocols(false, false, true)}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{Node: c.node, t: t}
			_, w.key = c.node.Key("sdk")
			w.connect(c.tr)
			for _, family := range families {
				var resp *http.Response
				params := ask(family+"/echo", openai.UserMessage("one two three"))
				a, err := w.openai.Chat.Completions.New(t.Context(), params, option.WithResponseInto(&resp))
				if err != nil {
					t.Fatal(err)
				}
				if a.Choices[0].Message.Content != "one two three" || resp.ProtoMajor != c.major {
					t.Errorf("%s: %q over %s", family, a.Choices[0].Message.Content, resp.Proto)
				}
				all, _ := drain(t, w.openai.Chat.Completions.NewStreaming(t.Context(), params))
				if all.Choices[0].Message.Content != "one two three" {
					t.Errorf("%s: streamed %q", family, all.Choices[0].Message.Content)
				}
				m, _ := gather(t, w.claude.Messages.NewStreaming(t.Context(), say(family+"/echo", anthropic.NewTextBlock("one two three"))))
				if m.Content[0].Text != "one two three" {
					t.Errorf("%s: Anthropic's SDK reads %q", family, m.Content[0].Text)
				}
				stream := w.openai.Chat.Completions.NewStreaming(t.Context(), ask(family+"/x:then=abort", openai.UserMessage("hi")))
				for stream.Next() {
				}
				if stream.Err() == nil {
					t.Errorf("%s: a broken stream reads as a clean end", family)
				}
			}
		})
	}
}
