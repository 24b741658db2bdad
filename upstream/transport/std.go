package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"fairlead"
)

// std keeps the contract over http.Transport. It has two of them, for http.Transport has no way to
// say of one request that it must not go on a used connection.
type std struct {
	again  *http.Transport // keeps connections
	once   *http.Transport // uses each connection once
	closed atomic.Bool
}

func newStd(o Options, c fairlead.TransportConfig) (*std, error) {
	o = o.withDefaults()
	config, err := tlsConfig(o.TLS, c)
	if err != nil {
		return nil, err
	}
	proxy, err := proxyFunc(c.Proxy)
	if err != nil {
		return nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(c.HTTP2)
	t := &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialWatched(o),
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    o.Connect,
		MaxIdleConnsPerHost:    o.MaxIdle,
		IdleConnTimeout:        o.IdleFor,
		MaxResponseHeaderBytes: int64(o.MaxHeader),
		DisableCompression:     true,
		Protocols:              protocols,
		// A silent HTTP/2 connection carries many streams: ask whether it still lives.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
	once := t.Clone()
	once.DisableKeepAlives = true
	return &std{again: t, once: once}, nil
}

// tlsConfig adds the authorities and the certificate that a configuration names.
func tlsConfig(base *tls.Config, c fairlead.TransportConfig) (*tls.Config, error) {
	config := base.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("read transport.ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read transport.ca: %s holds no PEM certificate", c.CA)
		}
	}
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("transport.cert and transport.key go together")
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("read transport.cert and transport.key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// proxyFunc reads a configuration's proxy. Its errors do not quote the URL, which may hold a password.
func proxyFunc(s string) (func(*http.Request) (*url.URL, error), error) {
	switch s {
	case "":
		return nil, nil
	case "environment":
		return http.ProxyFromEnvironment, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, errors.New("transport.proxy is not a URL such as http://proxy.example:3128")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return http.ProxyURL(u), nil
	}
	return nil, errors.New("transport.proxy has a scheme other than http, https, socks5 and socks5h")
}

// Close is Transport's.
func (t *std) Close() error {
	t.closed.Store(true)
	t.again.CloseIdleConnections()
	t.once.CloseIdleConnections()
	return nil
}

// Send is Transport's. What goes wrong after it was called shows in the reply.
func (t *std) Send(ctx context.Context, call *Call) (Reply, error) {
	if ctx.Err() != nil {
		return nil, &Error{StageConnect, context.Cause(ctx)}
	}
	err := call.check()
	if err == nil && !visible(call.URL.RequestURI()) {
		err = fmt.Errorf("%w: path or query has a character that is not visible ASCII", ErrInvalidCall)
	}
	if err != nil {
		return nil, &Error{StageConnect, err}
	}
	return newStdReply(ctx, t, call), nil
}

// roundTrip sends a call and gives its answer's header, and how far it came if it failed.
func (t *std) roundTrip(ctx context.Context, call *Call, body *lent) (*http.Response, Stage, error) {
	stage, reused := StageConnect, false
	var answered atomic.Bool
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			stage, reused = StageHeader, info.Reused
			if info.Reused {
				settle(info.Conn)
			}
		},
		GotFirstResponseByte: func() { answered.Store(true) },
	}
	traced := httptrace.WithClientTrace(ctx, trace)
	rt := t.once
	if call.Again && !t.closed.Load() {
		rt = t.again
	}
	resp, err := rt.RoundTrip(stdRequest(traced, call, body))
	if err != nil && reused && call.Again && !answered.Load() && ctx.Err() == nil && errors.Is(scrub(err), io.ErrUnexpectedEOF) {
		// http.Transport itself sends a POST again only where it had not begun to write it.
		resp, err = t.once.RoundTrip(stdRequest(traced, call, body))
	}
	return resp, stage, err
}

func stdRequest(ctx context.Context, call *Call, body *lent) *http.Request {
	header := make(http.Header, len(call.Header)+1)
	header["User-Agent"] = []string{""} // present but empty, it is not sent, and http.Transport does not name itself
	for _, f := range call.Header {
		key := http.CanonicalHeaderKey(f.Name)
		if key == "User-Agent" {
			header[key] = nil
		}
		header[key] = append(header[key], f.Value)
	}
	u := *call.URL
	u.User = nil // http.Transport would make it a credential for a proxy's request line
	r := &http.Request{Method: call.Method, URL: &u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if len(call.Body) > 0 {
		r.Body = body.reader()
		r.GetBody = func() (io.ReadCloser, error) { return body.reader(), nil }
		r.ContentLength = int64(len(call.Body))
	}
	return r.WithContext(ctx)
}

// stdHead checks a response that http.Transport has accepted.
func stdHead(resp *http.Response) (*Head, error) {
	h2 := resp.TLS != nil && resp.TLS.NegotiatedProtocol == "h2"
	if resp.StatusCode < 200 || (resp.ProtoMajor != 1 && !h2) || !wellNamed(resp.Header) {
		return nil, ErrMalformed
	}
	head := &Head{Status: resp.StatusCode, Header: resp.Header, Length: resp.ContentLength}
	if resp.Body == http.NoBody {
		head.Length = 0
	}
	head.Framed = h2 || head.Length >= 0 || len(resp.TransferEncoding) > 0
	return head, nil
}
