// Package bus carries the feed of changes from control to edges, and what edges say back, over NATS. It owns nothing:
// what is lost on the way is fetched again, from the log in SQL.
//
// The server is embedded without a port, or listens for the fleet's edges and clusters with the other control nodes,
// or is an existing cluster that somebody else runs. The subjects, the rights and the messages are the same in all
// three; subject.go lists them.
//
//	control  Serve answers fetches and copies and beats; Publish tells of a change; ServeJoins lets nodes in
//	edge     Follow keeps a Replica at the log's end; Report says how the node is; Join and KeepIdentity
//	both     Tell and Told, Say and Said: words down and up, that nobody answers
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"fairlead"
	"fairlead/internal/pki"
)

const (
	// wholeLimit is the largest content that the feed carries; a larger one is announced and fetched.
	wholeLimit = fairlead.LargeContent
	// pageBytes and pageChanges bound the answer to a fetch: together below 1 MiB, the largest message that a NATS
	// server takes by default.
	pageBytes   = 512 << 10
	pageChanges = 2000
	// keysPage is how many keys a page of a copy has: at most 300 bytes each.
	keysPage = 3000
	// askTimeout bounds a request of an edge, serveTimeout the work on it.
	askTimeout   = 3 * time.Second
	serveTimeout = 5 * time.Second
	// waitingMessages and waitingBytes bound what waits at a subscription.
	waitingMessages = 8192
	waitingBytes    = 16 << 20
	// startTimeout bounds the start of the embedded server.
	startTimeout = 10 * time.Second
)

// Options say which bus this is: an embedded server, unless NATS names a cluster or Addresses a control node's.
type Options struct {
	Name string // of the node
	Log  *slog.Logger
	// Beat is the time between two beats; 1 s where 0. After three without a word an edge is stale.
	Beat time.Duration
	// Clock is time.Now where nil.
	Clock func() time.Time

	// Identity is what the node shows to others, and knows them by; it may change while the bus runs. Needed with
	// Listen, ClusterListen and Addresses.
	Identity func() *pki.Pair

	Listen           string   // address on which edges are let in; "" = none
	Advertise        string   // the only address of it that others are told
	ClusterListen    string   // address for the other control nodes
	ClusterAdvertise string   // the only address of it that they are told
	ClusterJoin      []string // their addresses
	// Nodes are those of the fleet: who is not among them, or was removed, is not let in, and what they are is not for them
	// to say. Needed with Listen and ClusterListen; a control node on an existing cluster has it, too.
	Nodes func(context.Context) ([]fairlead.Node, error)
	// Tokens says which node a one-time token lets in; nil = nobody can join here.
	Tokens Tokens

	NATS        string // URLs of an existing cluster, divided by commas, with or without credentials
	Credentials string // file with the credentials for it

	Addresses []string // of control nodes' buses, for an edge, in the order in which to try them
}

// Tokens knows the one-time tokens.
type Tokens interface {
	// NodeByToken finds the node that a token was made for, by the SHA-256 of its secret.
	NodeByToken(ctx context.Context, token fairlead.Hash, now time.Time) (fairlead.Node, error)
}

// Bus is a node's connection, with the embedded server behind it where there is one.
type Bus struct {
	o       Options
	server  *server.Server
	conn    *nats.Conn
	closed  chan struct{} // when the connection is
	members *members

	mu       sync.Mutex
	epoch    context.Context // ends when the connection breaks
	next     context.CancelFunc
	watchers map[int]func() // called after each connect
	serial   int
	status   statusSlot
	took     map[string]time.Duration // by the last good answer on each subject
}

// Start starts the embedded server, or begins to connect; a connection that cannot be made yet is made later. ctx
// bounds the start alone.
func Start(ctx context.Context, o Options) (*Bus, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	b := &Bus{o: o, closed: make(chan struct{}), watchers: map[int]func(){}, took: map[string]time.Duration{}, members: &members{clock: o.Clock, read: o.Nodes}}
	b.turn()
	password, err := b.embed(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.connect(password); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (o *Options) fill() error {
	if err := fairlead.ValidNodeName(o.Name); err != nil {
		return err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Beat <= 0 {
		o.Beat = time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	listens := o.Listen != "" || o.ClusterListen != ""
	switch {
	case o.NATS != "" && (listens || len(o.Addresses) > 0), listens && len(o.Addresses) > 0:
		return errors.New("a bus is of one kind: embedded, of an existing cluster, or of the control nodes")
	case (listens || len(o.Addresses) > 0) && o.Identity == nil:
		return errors.New("a bus with other nodes needs an identity")
	case listens && o.Nodes == nil:
		return errors.New("a bus that lets others in needs to know who belongs to the fleet")
	case len(o.ClusterJoin) > 0 && o.ClusterListen == "":
		return errors.New("a bus that joins others needs an address for them")
	case o.Credentials != "" && o.NATS == "":
		return errors.New("credentials are for an existing cluster")
	}
	return nil
}

// embedded reports whether the node has a server of its own.
func (o *Options) embedded() bool { return o.NATS == "" && len(o.Addresses) == 0 }

// Close ends the connection, then the server.
func (b *Bus) Close() {
	b.status.stop()
	if b.conn != nil {
		b.conn.Close()
		<-b.closed
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	b.mu.Lock()
	b.next()
	b.mu.Unlock()
}

// Address is where the embedded server takes edges, with the port that it got; "" where it takes none, or none any more.
func (b *Bus) Address() string {
	if b.server == nil || b.o.Listen == "" {
		return ""
	}
	if at := b.server.Addr(); at != nil {
		return at.String()
	}
	return ""
}

// turn begins another epoch: whoever waits for an answer over the connection before stops waiting.
func (b *Bus) turn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		b.next()
	}
	b.epoch, b.next = context.WithCancel(context.Background())
}

// onConnect has f called after each connect, until stop.
func (b *Bus) onConnect(f func()) (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serial++
	id := b.serial
	b.watchers[id] = f
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, id)
	}
}

func (b *Bus) connected() {
	b.mu.Lock()
	var all []func()
	for _, f := range b.watchers {
		all = append(all, f)
	}
	b.mu.Unlock()
	for _, f := range all {
		f()
	}
}

// subscribe has f called for each message, one at a time, until stop, which waits for the last call. What waits beyond
// the bounds is dropped; everything that the bus carries is told again or asked again.
func (b *Bus) subscribe(subject, queue string, f func(*nats.Msg)) (stop func(), err error) {
	var mu sync.Mutex
	stopped := false
	guarded := func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			f(m)
		}
	}
	var s *nats.Subscription
	if queue == "" {
		s, err = b.conn.Subscribe(subject, guarded)
	} else {
		s, err = b.conn.QueueSubscribe(subject, queue, guarded)
	}
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	_ = s.SetPendingLimits(waitingMessages, waitingBytes) // fails only where the connection is closed
	return func() {
		_ = s.Unsubscribe() // as above
		mu.Lock()
		stopped = true
		mu.Unlock()
	}, nil
}
