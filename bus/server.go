package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"fairlead/internal/pki"
)

// embed starts the server where the node has its own, and gives the password of the node's own connection.
func (b *Bus) embed(ctx context.Context) (password string, err error) {
	if !b.o.embedded() {
		return "", nil
	}
	password = rand.Text() + rand.Text()
	o, err := b.serverOptions(password)
	if err != nil {
		return "", err
	}
	s, err := server.NewServer(o)
	if err != nil {
		return "", fmt.Errorf("make the bus: %w", err)
	}
	s.SetLoggerV2(meet(newServerLog(b.o.Log), b.o.Log), false, false, false)
	b.server = s
	s.Start()
	wait := startTimeout
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	if !s.ReadyForConnections(wait) {
		s.Shutdown()
		s.WaitForShutdown()
		return "", fmt.Errorf("start the bus: not ready after %s; is an address of it in use?", wait.Round(time.Millisecond))
	}
	return password, nil
}

func (b *Bus) serverOptions(password string) (*server.Options, error) {
	o := &server.Options{
		ServerName: b.o.Name, DontListen: true, NoSigs: true, NoSystemAccount: true,
		MaxPayload: 1 << 20, MaxPending: 32 << 20, MaxControlLine: 1024, MaxSubs: maxSubscriptions, WriteDeadline: 5 * time.Second,
		PingInterval: 5 * time.Second, MaxPingsOut: 2, AuthTimeout: 5, TLSTimeout: 5,
		CustomClientAuthentication: &clientAuth{b: b, password: password},
		CustomRouterAuthentication: routeAuth{b},
		ConnectErrorReports:        1, // serverLog counts them
	}
	listen := b.o.Listen
	if listen == "" && b.o.ClusterListen != "" {
		listen = "127.0.0.1:0" // the server does not open the one listener without the other
	}
	if listen != "" {
		host, port, err := hostPort(listen)
		if err != nil {
			return nil, err
		}
		o.DontListen, o.Host, o.Port, o.ClientAdvertise = false, host, port, b.o.Advertise
		o.TLSConfig = pki.Server(b.o.Identity, false, b.o.Clock)
	}
	if b.o.ClusterListen != "" {
		host, port, err := hostPort(b.o.ClusterListen)
		if err != nil {
			return nil, err
		}
		// A server answers for its clients alone, and no client learns of another server: addresses come with the
		// token and the flags, for there may be proxies before them.
		o.Cluster = server.ClusterOpts{
			Name: "fairlead", Host: host, Port: port, Advertise: b.o.ClusterAdvertise, NoAdvertise: true,
			TLSConfig: pki.Peer(b.o.Identity, b.o.Clock), TLSTimeout: 5, AuthTimeout: 5,
			PoolSize: -1, ConnectRetries: math.MaxInt, PingInterval: 2 * time.Second, MaxPingsOut: 2,
			Compression: server.CompressionOpts{Mode: server.CompressionOff},
		}
		for _, a := range b.o.ClusterJoin {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", Host: a})
		}
	}
	return o, nil
}

// hostPort reads a listen address; port 0 is any that is free, which the server calls -1.
func hostPort(address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("read the address %q: %w", address, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("read the address %q: a port is a number", address)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if port == 0 {
		return host, -1, nil
	}
	return host, int(port), nil
}

// connect makes the node's own connection.
func (b *Bus) connect(password string) error {
	target := ""
	var own []nats.Option
	switch {
	case b.server != nil:
		own = []nats.Option{nats.InProcessServer(b.server), nats.UserInfo(userControl, password)}
	case b.o.NATS != "":
		target = b.o.NATS
		if b.o.Credentials != "" {
			own = []nats.Option{nats.UserCredentials(b.o.Credentials)}
		}
	default:
		target = serverURLs(b.o.Addresses)
		own = []nats.Option{nats.Secure(pki.Client(b.o.Identity, b.o.Clock)), nats.DontRandomize()}
	}
	d := &dialer{name: b.o.Name, log: b.o.Log}
	entered := func(*nats.Conn) {
		d.entered()
		b.connected()
	}
	conn, err := d.dial(target, append(own,
		nats.RetryOnFailedConnect(b.server == nil), nats.ConnectHandler(entered), nats.ReconnectHandler(entered),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { b.turn() }),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
	)...)
	if err != nil {
		return fmt.Errorf("connect to the bus: %w", hideURL(err))
	}
	b.conn = conn
	return nil
}

// dialer connects with what all connections have in common.
type dialer struct {
	name string
	log  *slog.Logger

	conn    atomic.Pointer[nats.Conn]
	refused atomic.Bool // since the last pause
	told    atomic.Bool // that it is refused
}

func (d *dialer) dial(target string, own ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect(target, append([]nats.Option{
		nats.Name(d.name), nats.CustomInboxPrefix(inbox(d.name)),
		nats.MaxReconnects(-1), nats.Timeout(2 * time.Second),
		// A control node that hangs is left after three seconds, as when its beats are missing.
		nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2),
		nats.IgnoreDiscoveredServers(), nats.IgnoreAuthErrorAbort(),
		// Nothing is kept for a connection to come: what it would say by then is not true any more.
		nats.ReconnectBufSize(-1),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { d.note(err) }),
		nats.CustomReconnectDelay(func(int) time.Duration { return d.pause() }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			if d.note(err) {
				return // pause tells of it
			}
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			d.log.Warn("the bus complains", "subject", subject, "error", hideURL(err))
		}),
	}, own...)...)
	d.conn.Store(conn)
	return conn, err
}

// note takes an error, and reports whether it is a refusal.
func (d *dialer) note(err error) bool {
	refused := isRefused(err)
	if refused {
		d.refused.Store(true)
	}
	return refused
}

// pause is how long to wait before all addresses are tried again. The error handlers do not hear of a refusal before the first
// connect, but the connection knows its last error.
func (d *dialer) pause() time.Duration {
	refused := d.refused.Swap(false)
	if conn := d.conn.Load(); conn != nil && isRefused(conn.LastError()) {
		refused = true
	}
	if !refused {
		return 100*time.Millisecond + mathrand.N(100*time.Millisecond)
	}
	if !d.told.Swap(true) {
		d.log.Warn("the bus does not let this node in; it tries again and again", "node", d.name)
	}
	return time.Second + mathrand.N(time.Second)
}

// entered notes that this node was let in.
func (d *dialer) entered() {
	d.refused.Store(false)
	d.told.Store(false)
}

// isRefused reports whether a server said no: by its list of nodes, or to a certificate.
func isRefused(err error) bool {
	var alert *net.OpError
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) ||
		(errors.As(err, &alert) && alert.Op == "remote error")
}

func serverURLs(addresses []string) string {
	urls := make([]string, len(addresses))
	for i, a := range addresses {
		urls[i] = "tls://" + a
	}
	return strings.Join(urls, ",")
}

// hideURL keeps a URL, which may have a password in it, out of an error's text.
func hideURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("%s: %w", u.Op, u.Err)
	}
	return err
}
