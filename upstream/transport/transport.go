// Package transport carries one request to a provider and its answer back.
//
// Two clients keep one contract: fairlead's own for HTTP/1.1 (h1.go), which needs no goroutine for
// a connection or an answer, and one over the standard library's http.Transport (std.go) for
// HTTP/2, proxies, own authorities and client certificates. Neither follows redirects, asks for
// compression or adds a header of its own beyond those that frame the message. DESIGN.md tells what
// keeps the bytes of two exchanges apart.
package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"fairlead"
)

// Call is one request to a provider. It must not change until its Reply is closed.
type Call struct {
	URL    *url.URL // absolute, http or https; user and fragment are not sent
	Method string   // any token in capitals but HEAD and CONNECT, whose answers are framed differently
	Header []Field  // in order; what frames a message (Host, Content-Length, Connection, ...) is refused
	Body   []byte

	// Again permits a second writing, on a fresh connection, where a used one turns out to have been
	// closed under us before any byte of an answer. A call without it always goes on a fresh
	// connection, so that nothing but its own failure can fail it.
	Again bool

	// Until ends the writing of the request: Send gives an *Error with os.ErrDeadlineExceeded where the
	// other side has not taken it all by then. Zero sets no bound but ctx.
	Until time.Time
}

// Field is one line of a request's header.
type Field = fairlead.Field

// Head is status and header of an answer.
type Head struct {
	Status int // 200..999; 1xx are skipped, 101 is an error
	Header http.Header
	Length int64 // of the body in bytes; -1 where it is not stated

	// Framed is false where the body ends with the connection: its end then proves nothing, since a
	// connection that breaks cleanly looks the same.
	Framed bool
}

// Transport sends calls. It is for many goroutines.
type Transport interface {
	// Send takes a connection, a fresh one where it must, and writes the call. ctx bounds and cancels
	// everything up to Reply.Close; its cause is then the error. Errors are *Error.
	Send(ctx context.Context, c *Call) (Reply, error)

	// Close closes idle connections; those in use end when their replies are closed. A transport
	// goes on sending after it, each call on a connection of its own: exchanges that began under an
	// older snapshot finish.
	Close() error
}

// Reply is an answer on its way. It belongs to one goroutine and must be closed.
//
// A time given to Ready or Head, or set by SetDeadline, that passes gives os.ErrDeadlineExceeded,
// and the reply stays usable: nothing that had arrived is lost. Every other error is an *Error and
// final; it comes again from every later call. The zero time sets no bound but ctx.
type Reply interface {
	// Ready waits until Head, or after Head Read, has something to give at once: the whole header, a
	// byte of the body, the end, or an error.
	Ready(until time.Time) error

	// Head gives status and header as soon as they are there.
	Head(until time.Time) (*Head, error)

	// Read reads the body, after Head, and waits only for its first byte; over http.Transport and
	// HTTP/1.1 for a whole chunk, which that gives only whole. io.EOF means that the body
	// ended as its framing said (see Head.Framed); a body that broke off gives an error that is
	// io.ErrUnexpectedEOF.
	Read(p []byte) (int, error)

	// SetDeadline bounds the reads that follow.
	SetDeadline(t time.Time)

	// Close gives the connection back if the answer ended exactly, and closes it otherwise. More
	// calls do nothing.
	Close() error
}

// Options bound a transport. A field left zero takes its default.
type Options struct {
	Connect   time.Duration // name lookup, connection and TLS handshake together; 5s
	MaxHeader int           // bytes of an answer's header, interim ones included; 256 KiB
	MaxIdle   int           // idle connections to a host; 512

	// IdleFor is how long a connection may be idle; 50s, less than the 60s of common load balancers
	// and the 75s of nginx, so that mostly we are the first to close.
	IdleFor time.Duration

	// MaxAge is how old a connection may be when it is given back; 10m, so that changes of names and
	// of balancing reach us. The standard library's transport has no such bound.
	MaxAge time.Duration

	TLS  *tls.Config // roots, certificates; protocols and server name are set here
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	defaultConnect   = 5 * time.Second
	defaultMaxHeader = 256 << 10
	defaultMaxIdle   = 512
	defaultIdleFor   = 50 * time.Second
	defaultMaxAge    = 10 * time.Minute
)

func (o Options) withDefaults() Options {
	if o.Connect <= 0 {
		o.Connect = defaultConnect
	}
	if o.MaxHeader <= 0 {
		o.MaxHeader = defaultMaxHeader
	}
	if o.MaxIdle <= 0 {
		o.MaxIdle = defaultMaxIdle
	}
	if o.IdleFor <= 0 {
		o.IdleFor = defaultIdleFor
	}
	if o.MaxAge <= 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	return o
}

// New makes the transport that a configuration asks for: our own unless a field of c is set.
// It fails where c names a file or an address that cannot be used.
func New(o Options, c fairlead.TransportConfig) (Transport, error) {
	if c == (fairlead.TransportConfig{}) {
		return newH1(o), nil
	}
	return newStd(o, c)
}
