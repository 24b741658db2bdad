package bus_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
	"fairlead/internal/pki"
)

// fleet is a store with an authority, and the control nodes before it.
type fleet struct {
	t         testing.TB
	h         *history
	authority *pki.Authority
	clock     func() time.Time
}

func newFleet(t testing.TB) *fleet {
	t.Helper()
	a, err := pki.NewAuthority("fairlead fleet", time.Now())
	check(t, err)
	return &fleet{t: t, h: newHistory("log"), authority: a, clock: time.Now}
}

func (f *fleet) add(name string, role fairlead.Role) {
	f.h.set(func() { f.h.nodes = append(f.h.nodes, fairlead.Node{Name: name, Role: role, Added: start}) })
}

// control starts a control node.
func (f *fleet) control(name string, o bus.Options) *bus.Bus {
	f.t.Helper()
	f.add(name, fairlead.RoleControl)
	return f.again(name, o)
}

// again starts a control node that the store knows.
func (f *fleet) again(name string, o bus.Options) *bus.Bus {
	f.t.Helper()
	pair, err := f.authority.Server(name, time.Now())
	check(f.t, err)
	o.Name, o.Identity, o.Nodes, o.Tokens = name, func() *pki.Pair { return pair }, f.h.Nodes, f.h
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	b := startBus(f.t, o)
	serve(f.t, b, f.h, name)
	running(f.t, "joins", func(ctx context.Context) error {
		return bus.ServeJoins(ctx, b, f.authority, f.admission(b))
	})
	return b
}

func (f *fleet) admission(b *bus.Bus) *bus.Admission {
	return &bus.Admission{
		Store: f.h, Authority: f.authority, Clock: f.clock, Publish: b.Publish,
		Seal: func(name string, public []byte) ([]byte, error) {
			return append([]byte("sealed to "+name), public...), nil
		},
	}
}

// token makes a token for a new node.
func (f *fleet) token(name string, addresses ...string) string {
	f.add(name, fairlead.RoleEdge)
	secret := rand.Text()
	f.h.set(func() { f.h.tokens[bus.HashSecret(secret)] = name })
	return bus.Token{Addresses: addresses, Authority: f.authority.Pin(), Name: name, Secret: secret}.Text()
}

// join lets a new node in.
func (f *fleet) join(name string, addresses ...string) *bus.Identity {
	f.t.Helper()
	id, err := bus.Join(f.t.Context(), f.token(name, addresses...), bus.JoinOptions{Dir: f.t.TempDir(), Region: "eu", Log: quiet()})
	check(f.t, err)
	return id
}

// edge connects a node that was let in.
func (f *fleet) edge(id *bus.Identity) *bus.Bus {
	f.t.Helper()
	return startBus(f.t, bus.Options{Name: id.Name, Identity: id.Pair, Addresses: id.Known()})
}

// proxy is a TCP proxy that can be cut: then it drops what is open and takes nothing more.
type proxy struct {
	to    atomic.Pointer[string]
	came  atomic.Int64 // connections
	l     net.Listener
	mu    sync.Mutex
	shut  bool
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	p := &proxy{l: l, conns: map[net.Conn]bool{}}
	p.to.Store(&to)
	p.wg.Go(p.run)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.l.Addr().String() }

func (p *proxy) run() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		p.came.Add(1)
		p.wg.Go(func() { p.carry(c) })
	}
}

func (p *proxy) carry(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", *p.to.Load())
	if err != nil {
		return
	}
	defer out.Close()
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		return
	}
	p.conns[in], p.conns[out] = true, true
	p.mu.Unlock()
	p.wg.Go(func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	})
	_, _ = io.Copy(in, out)
	p.mu.Lock()
	delete(p.conns, in)
	delete(p.conns, out)
	p.mu.Unlock()
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = false
}

func TestJoin(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	dir := t.TempDir()
	token := f.token("paris", b.Address())
	id, err := bus.Join(t.Context(), token, bus.JoinOptions{Dir: dir, Region: "eu", Log: quiet()})
	check(t, err)
	box, err := ecdh.X25519().NewPrivateKey(id.Box)
	check(t, err)
	public := box.PublicKey().Bytes()
	if want := "sealed to paris" + string(public); id.Name != "paris" || id.Region != "eu" || string(id.Sealed) != want {
		t.Errorf("the identity is %q in %q, sealed %x", id.Name, id.Region, id.Sealed)
	}
	info, err := os.Stat(filepath.Join(dir, bus.IdentityFile))
	check(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("the identity's file has mode %v", info.Mode())
	}
	again, found, err := bus.LoadIdentity(dir)
	check(t, err)
	if !found || again.Name != id.Name || again.Pair().Pin() != id.Pair().Pin() || string(again.Box) != string(id.Box) || string(again.Sealed) != string(id.Sealed) {
		t.Errorf("the identity that was kept is another: found %v, %q", found, again.Name)
	}
	for _, n := range f.h.nodes {
		if n.Name == "paris" && (n.Certificate != id.Pair().Pin() || string(n.Public) != string(public) || n.Joined.IsZero()) {
			t.Errorf("the store has %+v", n)
		}
	}

	d := newDisk()
	follow(t, f.edge(again), d, bus.FollowOptions{})
	f.h.key("app")
	d.reach(t, 2) // the join itself is change 1
}

// TestJoinRefused: who is not let in, and why. The token is that of node paris at the door's address.
func TestJoinRefused(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	stranger := newFleet(t)
	good, err := bus.ParseToken(f.token("paris", b.Address()))
	check(t, err)
	f.token("rome", b.Address())
	for _, c := range []struct {
		name string
		bend func(*bus.Token)
		want string
	}{
		{"a wrong secret", func(k *bus.Token) { k.Secret = "wrong" }, "invalid_key"},
		{"another node's name", func(k *bus.Token) { k.Name = "rome" }, "join the fleet"},
		{"another fleet", func(k *bus.Token) { k.Authority = stranger.authority.Pin() }, "does not belong to the fleet"},
		{"nobody there", func(k *bus.Token) { k.Addresses = []string{"127.0.0.1:1"} }, "join the fleet"},
		{"no address", func(k *bus.Token) { k.Addresses = nil }, "names no address"},
	} {
		k := good
		c.bend(&k)
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := bus.Join(ctx, k.Text(), bus.JoinOptions{Dir: dir, Log: quiet()})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), k.Secret) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, found, _ := bus.LoadIdentity(dir); found {
			t.Errorf("%s: an identity was kept", c.name)
		}
	}
	_, err = bus.Join(t.Context(), good.Text(), bus.JoinOptions{Dir: t.TempDir(), Log: quiet()})
	check(t, err)
	if _, err = bus.Join(t.Context(), good.Text(), bus.JoinOptions{Dir: t.TempDir(), Log: quiet()}); err == nil {
		t.Error("a token let in two nodes")
	}
}

// TestRemoved holds that a removed node is disconnected at once, and not let in again.
func TestRemoved(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{Beat: time.Hour}) // so that only the change tells
	paris := f.join("paris", b.Address())
	edge := f.edge(paris)
	other := f.edge(f.join("rome", b.Address()))
	eventually(t, "the edges' connections", func() bool { return edge.Connected() && other.Connected() })
	b.Publish(f.h.remove("paris"))
	eventually(t, "the end of a removed node's connection", func() bool { return !edge.Connected() })
	if !other.Connected() {
		t.Error("another node lost its connection")
	}
	again, third := f.edge(paris), f.edge(f.join("oslo", b.Address()))
	eventually(t, "a third node's connection", third.Connected)
	if again.Connected() || edge.Connected() {
		t.Error("the removed node was let in again")
	}
}

// TestRefusedKnocksSlowly holds that a removed node tries again each second or two, whether it was connected before or not, and
// says once that it is refused.
func TestRefusedKnocksSlowly(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{Beat: time.Hour})
	logs := newLines()
	start := func(name string, via *proxy) *bus.Bus {
		id := f.join(name, b.Address())
		return startBus(t, bus.Options{Name: id.Name, Identity: id.Pair, Addresses: []string{via.address()}, Log: logs.logger()})
	}
	first, second := newProxy(t, b.Address()), newProxy(t, b.Address())
	first.cut()
	start("paris", first) // it is never let in
	was := start("rome", second)
	eventually(t, "the connection", was.Connected)
	f.h.remove("paris")
	b.Publish(f.h.remove("rome"))
	eventually(t, "the end of the connection", func() bool { return !was.Connected() })
	first.heal()
	const refused = "does not let this node in"
	eventually(t, "both are refused", func() bool { return logs.count(refused) == 2 })
	before := first.came.Load() + second.came.Load()
	timer := time.NewTimer(4 * time.Second)
	defer timer.Stop()
	<-timer.C
	if n := first.came.Load() + second.came.Load() - before; n < 2 || n > 16 {
		t.Errorf("two refused nodes came %d times in 4 s", n)
	}
	if n := logs.count(refused); n != 2 {
		t.Errorf("they said %d times that they are refused", n)
	}
	if n := logs.count("the bus complains"); n > 0 {
		t.Errorf("they complained %d times besides", n)
	}
}

// TestRefusedForATime holds that a node that is refused tries again, for what refused it may have been behind.
func TestRefusedForATime(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{Beat: time.Hour})
	id := f.join("paris", b.Address())
	var all []fairlead.Node
	f.h.set(func() {
		all, f.h.nodes = f.h.nodes, nil
	})
	b.Publish(f.h.commit(fairlead.ChangeNode, []byte("{}")))
	count := func() (n int) {
		f.h.set(func() { n = f.h.listed })
		return n
	}
	before := count()
	edge := f.edge(id)
	eventually(t, "the third refusal", func() bool { return count() >= before+4 })
	if edge.Connected() {
		t.Error("it is let in")
	}
	f.h.set(func() { f.h.nodes = all })
	eventually(t, "the connection", edge.Connected)
}

// TestRenew holds that a certificate that is due is renewed, kept, and shown from the next connect on.
func TestRenew(t *testing.T) {
	f := newFleet(t)
	signed := time.Now().Add(-pki.RenewAfter - time.Hour)
	f.clock = func() time.Time { return signed }
	b := f.control("one", bus.Options{})
	id := f.join("paris", b.Address())
	before := id.Pair()
	if !before.Due(time.Now()) {
		t.Fatal("the certificate is not due")
	}
	signed = time.Now()
	edge := f.edge(id)
	eventually(t, "the connection", edge.Connected)
	running(t, "keep", func(ctx context.Context) error { bus.KeepIdentity(ctx, edge, id); return nil })
	eventually(t, "the renewal", func() bool { return !id.Pair().Due(time.Now()) })
	if id.Pair().Pin() != before.Pin() {
		t.Error("the key changed")
	}
	f.edge(id) // it lets in
}

// TestRenewRefused holds that a certificate is renewed for its holder's key alone.
func TestRenewRefused(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	id := f.join("paris", b.Address())
	a := f.admission(b)
	own, err := id.Pair().Request()
	check(t, err)
	key, err := pki.NewKey()
	check(t, err)
	foreign, err := key.Request()
	check(t, err)
	for _, c := range []struct {
		what, name string
		request    []byte
		ok         bool
	}{
		{"its own key", "paris", own, true},
		{"another key", "paris", foreign, false},
		{"no node", "rome", own, false},
		{"no request", "paris", []byte("x"), false},
	} {
		der, err := a.Renew(t.Context(), c.name, c.request)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
		if c.ok {
			cert, err := x509.ParseCertificate(der)
			check(t, err)
			if cert.Subject.CommonName != c.name || pki.IsServer(cert) {
				t.Errorf("%s: it is that of %s, server %v", c.what, cert.Subject.CommonName, pki.IsServer(cert))
			}
		}
	}
}

// TestCluster holds that three control nodes are one bus, and that edges stay with it when one goes.
func TestCluster(t *testing.T) {
	f := newFleet(t)
	one := f.control("one", bus.Options{ClusterListen: "127.0.0.1:0"})
	two := f.control("two", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{one.ClusterAddress()}})
	three := f.control("three", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{one.ClusterAddress(), two.ClusterAddress()}})
	eventually(t, "the cluster", func() bool { return one.Peers() == 2 && two.Peers() == 2 && three.Peers() == 2 })
	id := f.join("paris", three.Address(), two.Address())
	d := newDisk()
	edge := f.edge(id)
	follow(t, edge, d, bus.FollowOptions{})
	d.reach(t, 1)
	one.Publish(f.h.key("a"))
	d.reach(t, 2)
	three.Close()
	one.Publish(f.h.key("b"))
	d.reach(t, 3)
}

// TestClusterRefused holds that nobody but a control node of the fleet becomes a part of the cluster.
func TestClusterRefused(t *testing.T) {
	f := newFleet(t)
	one := f.control("one", bus.Options{ClusterListen: "127.0.0.1:0"})
	stranger := newFleet(t).control("two", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{one.ClusterAddress()}})
	edge := f.join("paris", one.Address())
	spy := startBus(t, bus.Options{
		Name: "spy", Identity: edge.Pair, Nodes: f.h.Nodes, ClusterListen: "127.0.0.1:0", ClusterJoin: []string{one.ClusterAddress()},
	})
	f.add("gone", fairlead.RoleControl)
	f.h.remove("gone")
	gone := f.again("gone", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{one.ClusterAddress()}})
	friend := f.control("friend", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{one.ClusterAddress()}})
	eventually(t, "the one that belongs", func() bool { return friend.Peers() > 0 })
	if n := stranger.Peers() + spy.Peers() + gone.Peers(); n > 0 {
		t.Errorf("%d others are part of it", n)
	}
}

// TestAddressInUse holds that a start that cannot have its address ends with an error, and leaves nothing behind.
func TestAddressInUse(t *testing.T) {
	f := newFleet(t)
	one := f.control("one", bus.Options{ClusterListen: "127.0.0.1:0"})
	pair, err := f.authority.Server("two", time.Now())
	check(t, err)
	for _, o := range []bus.Options{{Listen: one.Address()}, {Listen: "127.0.0.1:0", ClusterListen: one.ClusterAddress()}, {Listen: "nowhere"}, {Listen: "127.0.0.1:http"}} {
		o.Name, o.Identity, o.Nodes = "two", func() *pki.Pair { return pair }, f.h.Nodes
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if b, err := bus.Start(ctx, o); err == nil {
			b.Close()
			t.Errorf("%s and %s were taken twice", o.Listen, o.ClusterListen)
		}
		cancel()
	}
}
