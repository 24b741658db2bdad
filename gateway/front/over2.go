package front

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// preface begins what is HTTP/2 without TLS (RFC 9113, section 3.4). As a request of HTTP/1 it would be
// one with an unknown version.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// newOver2 makes net/http's server for HTTP/2.
func newOver2(o *Options) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // else it takes no connection without TLS
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           o.Handler,
		ReadHeaderTimeout: o.HeaderTime,
		ReadTimeout:       o.HeaderTime,
		IdleTimeout:       o.IdleTime,
		MaxHeaderBytes:    o.MaxHeader,
		Protocols:         protocols,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
}

// handOver is the listener through which net/http's server gets the connections that speak HTTP/2.
type handOver struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandOver() *handOver {
	return &handOver{conns: make(chan net.Conn), done: make(chan struct{})}
}

// give hands a connection over, or closes it where nobody takes it any more.
func (h *handOver) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		_ = c.Close()
	}
}

// Accept is net.Listener's.
func (h *handOver) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (h *handOver) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr is net.Listener's. Nobody can dial it.
func (h *handOver) Addr() net.Addr { return &net.UnixAddr{Name: "front", Net: "unix"} }

// begun is a connection of which some bytes were read already.
type begun struct {
	net.Conn
	first []byte
}

// Read gives those bytes first.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}
