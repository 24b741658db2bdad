package bus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
	"fairlead/bus"
	"fairlead/internal/pki"
)

// rogue is a raw connection that does with a node's credential whatever it likes; said are the server's complaints.
type rogue struct {
	*nats.Conn
	mu   sync.Mutex
	said []string
}

func newRogue(t *testing.T, address, inbox string, own ...nats.Option) *rogue {
	t.Helper()
	r := &rogue{}
	conn, err := nats.Connect("tls://"+address, append(own, nats.CustomInboxPrefix(inbox), nats.NoReconnect(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.said = append(r.said, err.Error())
		}))...)
	check(t, err)
	r.Conn = conn
	t.Cleanup(conn.Close)
	return r
}

// refused tells whether the server complained of a subject.
func (r *rogue) refused(t *testing.T, subject string) bool {
	t.Helper()
	check(t, r.Flush())
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.said {
		if strings.Contains(strings.ToLower(s), "permissions violation") && strings.Contains(s, `"`+subject+`"`) {
			return true
		}
	}
	return false
}

// TestRights: what the credential of node paris, and a token for node oslo, may do, and what not.
func TestRights(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	f.join("rome", b.Address())
	paris := f.join("paris", b.Address())
	token, err := bus.ParseToken(f.token("oslo", b.Address()))
	check(t, err)
	member := newRogue(t, b.Address(), "fl.inbox.paris", nats.Secure(pki.Client(paris.Pair, time.Now)))
	joining := newRogue(t, b.Address(), "fl.inbox.oslo", nats.Secure(pki.Pinned(f.authority.Pin(), time.Now)), nats.UserInfo("join", token.Secret))

	for _, c := range []struct {
		who     *rogue
		verb    string
		subject string
		may     bool
	}{
		{member, "say", "fl.feed.change", false},
		{member, "say", "fl.feed.beat", false},
		{member, "say", "fl.tell.watch", false},
		{member, "say", "fl.up.rome.evidence", false},
		{member, "say", "fl.inbox.rome.x", false}, // a false answer to a fetch
		{member, "say", "fl.inbox.paris.x", false},
		{member, "say", "fl.up.rome.status", false},
		{member, "say", "fl.ask.rome.fetch", false},
		{member, "say", "fl.join.rome", false},
		{member, "say", "fl.hello", false},
		{member, "say", "$SYS.REQ.SERVER.PING", false},
		{member, "say", "anything", false},
		{member, "say", "fl.up.paris.status", true},
		{member, "say", "fl.up.paris.lost", true},
		{member, "say", "fl.up.paris.evidence", true},
		{member, "say", "fl.ask.paris.fetch", true},
		{member, "hear", "fl.inbox.rome.>", false},
		{member, "hear", "fl.inbox.*.x", false},
		{member, "hear", "fl.up.rome.status", false},
		{member, "hear", "fl.up.*.status", false},
		{member, "hear", "fl.ask.*.fetch", false},
		{member, "hear", "fl.join.*", false},
		{member, "hear", "fl.>", false},
		{member, "hear", ">", false},
		{member, "hear", "$SYS.>", false},
		{member, "hear", "fl.up.*.evidence", false},
		{member, "hear", "fl.feed.>", true},
		{member, "hear", "fl.tell.>", true},
		{member, "hear", "fl.inbox.paris.>", true},
		{joining, "say", "fl.feed.change", false},
		{joining, "say", "fl.ask.oslo.fetch", false},
		{joining, "say", "fl.up.oslo.status", false},
		{joining, "say", "fl.join.rome", false},
		{joining, "say", "fl.join.oslo", true},
		{joining, "hear", "fl.feed.>", false},
		{joining, "hear", "fl.tell.>", false},
		{joining, "say", "fl.tell.watch", false},
		{joining, "hear", "fl.inbox.paris.>", false},
		{joining, "hear", "fl.inbox.oslo.>", true},
	} {
		if c.verb == "say" {
			check(t, c.who.Publish(c.subject, []byte("x")))
		} else {
			_, err := c.who.SubscribeSync(c.subject)
			check(t, err)
		}
		check(t, c.who.Flush())
		// The complaint comes before the answer to the flush, and is told by a goroutine of the client's.
		if c.may && c.who.refused(t, c.subject) {
			t.Errorf("%s %s is refused", c.verb, c.subject)
		}
		if !c.may {
			eventually(t, "the refusal to "+c.verb+" "+c.subject, func() bool { return c.who.refused(t, c.subject) })
		}
	}
}

// TestAnswersStayInInboxes holds that a request cannot have control publish for it elsewhere.
func TestAnswersStayInInboxes(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	rome := f.join("rome", b.Address())
	paris := f.join("paris", b.Address())
	r := newRogue(t, b.Address(), "fl.inbox.paris", nats.Secure(pki.Client(paris.Pair, time.Now)))
	feed, err := r.SubscribeSync("fl.feed.>")
	check(t, err)
	other := newRogue(t, b.Address(), "fl.inbox.rome", nats.Secure(pki.Client(rome.Pair, time.Now)))
	its, err := other.SubscribeSync("fl.inbox.rome.>")
	check(t, err)
	check(t, other.Flush())
	for _, reply := range []string{"fl.feed.change", "fl.inbox.rome.x", "fl.inbox.parisx.y", "fl.up.rome.status", "fl.inbox.paris"} {
		check(t, r.PublishRequest("fl.ask.paris.has", reply, []byte(`{}`)))
	}
	m, err := r.Request("fl.ask.paris.has", []byte(`{}`), 10*time.Second) // worked on after those
	check(t, err)
	if m.Data[0] != '+' {
		t.Errorf("a good request is answered %q", m.Data)
	}
	check(t, other.Flush())
	if n, _, err := its.Pending(); err != nil || n > 0 {
		t.Errorf("%d answers came to another node, %v", n, err)
	}
	for {
		n, _, err := feed.Pending()
		check(t, err)
		if n == 0 {
			break
		}
		if m, err := feed.NextMsg(time.Second); err == nil && m.Subject == "fl.feed.change" && m.Data[0] != 'C' {
			t.Errorf("an answer came on the feed: %q", m.Data)
		}
	}
}

// TestStrangers: who gets no connection at all.
func TestStrangers(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	other := newFleet(t)
	pair, err := other.authority.Server("one", time.Now())
	check(t, err)
	anyone := nats.Secure(pki.Pinned(f.authority.Pin(), time.Now))
	own := pki.Pinned(f.authority.Pin(), time.Now)
	own.Certificates = append(own.Certificates, *pair.TLS())
	late, err := f.authority.Server("one", time.Now().Add(-2*pki.Life))
	check(t, err)
	expired := pki.Pinned(f.authority.Pin(), time.Now)
	expired.Certificates = append(expired.Certificates, *late.TLS())
	for name, o := range map[string][]nats.Option{
		"without TLS":                  nil,
		"nobody":                       {anyone},
		"a control node by password":   {anyone, nats.UserInfo("control", "")},
		"joining without a token":      {anyone, nats.UserInfo("join", "")},
		"a certificate of other hands": {nats.Secure(own)},
		"a certificate of long ago":    {nats.Secure(expired)},
	} {
		url := "tls://" + b.Address()
		if o == nil {
			url = "nats://" + b.Address()
		}
		conn, err := nats.Connect(url, append(o, nats.NoReconnect())...)
		if err == nil {
			err = conn.FlushTimeout(5 * time.Second) // TLS 1.3 tells of a refused certificate after the handshake
			conn.Close()
		}
		if err == nil {
			t.Errorf("%s is let in", name)
		}
	}
}

// TestEdgeIsNoServer holds that the certificate of one node does not make it a control node to another.
func TestEdgeIsNoServer(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	paris, rome := f.join("paris", b.Address()), f.join("rome", b.Address())
	impostor := startBus(t, bus.Options{Name: "paris", Identity: paris.Pair, Nodes: f.h.Nodes, Listen: "127.0.0.1:0"})
	_, err := nats.Connect("tls://"+impostor.Address(), nats.Secure(pki.Client(rome.Pair, time.Now)), nats.NoReconnect())
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a node connects to another one: %v", err)
	}
}

// TestNamesOfStatuses holds that a node reports in its own name alone, whatever it says its name is.
func TestNamesOfStatuses(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{})
	paris := f.join("paris", b.Address())
	var mu sync.Mutex
	var got []fairlead.NodeStatus
	running(t, "statuses", func(ctx context.Context) error {
		return b.Statuses(ctx, func(s fairlead.NodeStatus) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, s)
		})
	})
	r := newRogue(t, b.Address(), "fl.inbox.paris", nats.Secure(pki.Client(paris.Pair, time.Now)))
	eventually(t, "a status in its own name", func() bool {
		check(t, errors.Join(r.Publish("fl.up.paris.status", []byte(`{"name":"rome","revision":1}`)), r.Publish("fl.up.paris.status", []byte(`garbage`)),
			r.Publish("fl.up.paris.status", []byte(`{"name":"paris","revision":2}`))))
		mu.Lock()
		defer mu.Unlock()
		return len(got) > 0
	})
	mu.Lock()
	defer mu.Unlock()
	for _, s := range got {
		if s.Name != "paris" || s.Revision != 2 {
			t.Errorf("a status of %q came through, revision %d", s.Name, s.Revision)
		}
	}
}

// TestEdgeIsNoControl holds that what an edge says of its role and its bus does not count: other nodes are sent to that address.
func TestEdgeIsNoControl(t *testing.T) {
	f := newFleet(t)
	b := f.control("one", bus.Options{ClusterListen: "127.0.0.1:0"})
	two := f.control("two", bus.Options{ClusterListen: "127.0.0.1:0", ClusterJoin: []string{b.ClusterAddress()}})
	paris := f.join("paris", b.Address())
	got := make(chan fairlead.NodeStatus, 1000)
	running(t, "statuses", func(ctx context.Context) error {
		return b.Statuses(ctx, func(s fairlead.NodeStatus) { got <- s })
	})
	r := newRogue(t, b.Address(), "fl.inbox.paris", nats.Secure(pki.Client(paris.Pair, time.Now)))
	heard := map[string]bool{}
	eventually(t, "the statuses of both", func() bool {
		check(t, r.Publish("fl.up.paris.status", []byte(`{"name":"paris","role":"control","bus":"10.0.0.1:4222"}`)))
		two.Report(fairlead.NodeStatus{Name: "two", Role: fairlead.RoleControl, Bus: two.Address()})
		for len(got) > 0 {
			s := <-got
			switch {
			case s.Name == "paris" && (s.Role != fairlead.RoleEdge || s.Bus != ""):
				t.Fatalf("an edge came as %s with bus %q", s.Role, s.Bus)
			case s.Name == "paris", s.Role == fairlead.RoleControl && s.Bus == two.Address():
				heard[s.Name] = true
			}
		}
		return len(heard) == 2
	})
}

// misleading is an admission that tells nodes of addresses which are none.
type misleading struct{ *bus.Admission }

func (m misleading) Join(ctx context.Context, r bus.JoinRequest) (bus.JoinAnswer, error) {
	a, err := m.Admission.Join(ctx, r)
	a.Addresses = append(a.Addresses, badAddresses...)
	return a, err
}

var badAddresses = []string{"no address @ all", "10.0.0.1", "10.0.0.1:x", "a b:1", "10.0.0.1:1/x", "%zz:1"}

// TestJoinWithBadAddresses holds that an address which is none reaches no node that joins, and that one which is told of it starts
// again all the same.
func TestJoinWithBadAddresses(t *testing.T) {
	f := newFleet(t)
	f.add("one", fairlead.RoleControl)
	pair, err := f.authority.Server("one", time.Now())
	check(t, err)
	b := startBus(t, bus.Options{Name: "one", Identity: func() *pki.Pair { return pair }, Nodes: f.h.Nodes, Tokens: f.h, Listen: "127.0.0.1:0"})
	told := make(chan []string, 1)
	a := f.admission(b)
	a.Addresses = func() []string { return append([]string{"127.0.0.1:1"}, badAddresses...) }
	running(t, "joins", func(ctx context.Context) error {
		return bus.ServeJoins(ctx, b, f.authority, joining{misleading{a}, told})
	})
	dir := t.TempDir()
	_, err = bus.Join(t.Context(), f.token("paris", b.Address()), bus.JoinOptions{Dir: dir, Log: quiet()})
	check(t, err)
	if got := receive(t, told); !slices.Equal(got, append([]string{"127.0.0.1:1"}, badAddresses...)) {
		t.Errorf("control told of %q", got) // the first alone, and what is added here
	}
	id, found, err := bus.LoadIdentity(dir)
	check(t, err)
	if want := []string{"127.0.0.1:1", b.Address()}; !found || len(id.Known()) != 2 || !slices.Contains(id.Known(), want[0]) || !slices.Contains(id.Known(), want[1]) {
		t.Errorf("the node knows %q", id.Known())
	}
	for _, address := range badAddresses {
		token := bus.Token{Addresses: []string{address}, Authority: f.authority.Pin(), Name: "rome", Secret: "x"}
		if _, err := bus.ParseToken(token.Text()); err == nil {
			t.Errorf("a token names %q", address)
		}
	}
}

// joining tells what a joiner told.
type joining struct {
	bus.Joiner
	told chan []string
}

func (j joining) Join(ctx context.Context, r bus.JoinRequest) (bus.JoinAnswer, error) {
	a, err := j.Joiner.Join(ctx, r)
	j.told <- a.Addresses
	return a, err
}
