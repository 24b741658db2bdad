package bus

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"fairlead"
	"fairlead/internal/pki"
)

const (
	userControl = "control"
	userJoin    = "join"
	// joinTime is how long one that joins may stay.
	joinTime = time.Minute
	// lookTime bounds a look into the store while somebody waits at the door.
	lookTime = 3 * time.Second
	// memberConnections is how many connections a node may have here: one, and one that it does not know to be broken.
	memberConnections = 2
	// maxSubscriptions bounds those of a connection; a control node has some 20.
	maxSubscriptions = 64
)

// lookEvery is how often the list is read for those who are not on it: it may have grown elsewhere just now, and one who is
// refused again and again costs little.
const lookEvery = 100 * time.Millisecond

// members are the nodes that may connect, by name, as the store had them last. No lock is held while it is read: whoever is on the
// list gets in while the store hangs.
type members struct {
	clock func() time.Time
	read  func(context.Context) ([]fairlead.Node, error) // nil = nobody is let in

	mu      sync.RWMutex
	byName  map[string]fairlead.Node
	readAt  time.Time     // when the last read was over, or failed
	reading chan struct{} // closed when the read for those at the door is over; nil = there is none
	begun   int           // reads; the list of one does not take the place of a later one's
	newest  int           // the read that the list is of
}

// refresh reads the list anew; without a reader nobody is let in.
func (m *members) refresh(ctx context.Context) error {
	if m.read == nil {
		return nil
	}
	m.mu.Lock()
	m.begun++
	turn := m.begun
	m.mu.Unlock()
	nodes, err := m.read(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readAt = m.clock()
	if err != nil || turn < m.newest {
		return err
	}
	m.newest, m.byName = turn, make(map[string]fairlead.Node, len(nodes))
	for _, n := range nodes {
		if n.Removed.IsZero() {
			m.byName[n.Name] = n
		}
	}
	return nil
}

// allows tells whether a holder of a certificate belongs to the fleet. One that is not known is looked for in the store.
func (m *members) allows(cert *x509.Certificate) bool {
	if m.knows(cert) {
		return true
	}
	m.look()
	return m.knows(cert)
}

// look reads the list, if it was not read a moment ago; those who come while it is read wait for the same answer.
func (m *members) look() {
	m.mu.Lock()
	over := m.reading
	mine := over == nil
	if mine {
		if m.clock().Sub(m.readAt).Abs() < lookEvery {
			m.mu.Unlock()
			return
		}
		over = make(chan struct{})
		m.reading = over
	}
	m.mu.Unlock()
	if !mine {
		<-over
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	_ = m.refresh(ctx) // who is not on the list that there is stays out
	m.mu.Lock()
	m.reading = nil
	m.mu.Unlock()
	close(over)
}

// knows wants the key that the node joined with. Control nodes hold the authority and sign for themselves, with
// another key at each start.
func (m *members) knows(cert *x509.Certificate) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, ok := m.byName[cert.Subject.CommonName]
	return ok && (pki.IsServer(cert) || n.Certificate == fairlead.Hash(pki.Pin(cert)))
}

// role is what a node is by the list; who is not on it is an edge at most.
func (m *members) role(name string) fairlead.Role {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if n, ok := m.byName[name]; ok {
		return n.Role
	}
	return fairlead.RoleEdge
}

func (m *members) snapshot() map[string]fairlead.Node {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return maps.Clone(m.byName)
}

// clientAuth says who a connection is and what it may do.
type clientAuth struct {
	b        *Bus
	password string // of the node's own connection

	mu   sync.Mutex
	open map[string][]uint64 // the latest connections of each member, the newest last
}

// admit makes room for another connection of a member: the oldest ends, for it may be one that broke.
func (a *clientAuth) admit(name string, id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = map[string][]uint64{}
	}
	list := append(a.open[name], id)
	if len(list) > memberConnections {
		_ = a.b.server.DisconnectClientByID(list[0]) // fails where it is gone
		list = slices.Delete(list, 0, 1)
	}
	a.open[name] = list
}

// Check implements server.Authentication.
func (a *clientAuth) Check(c server.ClientAuthentication) bool {
	if c.Kind() != server.CLIENT {
		return false
	}
	o, state := c.GetOpts(), c.GetTLSConnectionState()
	switch {
	case state == nil:
		if o.Username != userControl || subtle.ConstantTimeCompare([]byte(o.Password), []byte(a.password)) != 1 {
			return false
		}
		c.RegisterUser(&server.User{Username: userControl})
		return true
	case len(state.VerifiedChains) > 0:
		cert := state.PeerCertificates[0]
		if !a.b.members.allows(cert) {
			return false
		}
		c.RegisterUser(&server.User{Username: memberUser(cert), Permissions: nodeRights(cert.Subject.CommonName)})
		a.admit(memberUser(cert), c.GetID())
		return true
	case o.Username == userJoin && a.b.o.Tokens != nil:
		ctx, cancel := context.WithTimeout(context.Background(), lookTime)
		defer cancel()
		node, err := a.b.o.Tokens.NodeByToken(ctx, sha256.Sum256([]byte(o.Password)), a.b.o.Clock())
		if err != nil || fairlead.ValidNodeName(node.Name) != nil {
			return false
		}
		// The server measures by the system's clock, whatever this node dates by.
		c.RegisterUser(&server.User{Username: userJoin, Permissions: joinRights(node.Name), ConnectionDeadline: time.Now().Add(joinTime)})
		return true
	}
	return false
}

// memberUser is the name under which the server lists a node's connection: with the key that it was let in by.
func memberUser(cert *x509.Certificate) string {
	if pki.IsServer(cert) {
		return cert.Subject.CommonName + " control"
	}
	return cert.Subject.CommonName + " " + fairlead.Hash(pki.Pin(cert)).String()
}

// nodeRights: hear the feed, what control tells and its own answers; ask and speak in its own name.
func nodeRights(name string) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"fl.ask." + name + ".>", "fl.up." + name + ".>"}},
		Subscribe: &server.SubjectPermission{Allow: []string{subjectFeed, subjectTells, inbox(name) + ".>"}},
	}
}

// joinRights: ask to be let in, and hear the answer.
func joinRights(name string) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{subjectHello, subjectJoin(name)}},
		Subscribe: &server.SubjectPermission{Allow: []string{inbox(name) + ".>"}},
	}
}

// sweep ends the connections of nodes that are members no more.
func (b *Bus) sweep() {
	if b.server == nil {
		return
	}
	known := map[string]bool{userControl: true, userJoin: true}
	for name, n := range b.members.snapshot() {
		known[name+" "+n.Certificate.String()], known[name+" control"] = true, true
	}
	all, err := b.server.Connz(&server.ConnzOptions{Username: true, Limit: 1 << 20})
	if err != nil {
		return // the server ends
	}
	for _, c := range all.Conns {
		if c.AuthorizedUser != "" && !known[c.AuthorizedUser] {
			_ = b.server.DisconnectClientByID(c.Cid) // fails where it is gone
		}
	}
}

// routeAuth lets in other control nodes alone.
type routeAuth struct{ b *Bus }

// Check implements server.Authentication.
func (a routeAuth) Check(c server.ClientAuthentication) bool {
	state := c.GetTLSConnectionState()
	if state == nil || len(state.PeerCertificates) == 0 || len(state.VerifiedChains) == 0 {
		return false
	}
	cert := state.PeerCertificates[0]
	return pki.IsServer(cert) && a.b.members.allows(cert)
}
