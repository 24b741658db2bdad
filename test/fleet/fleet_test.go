//go:build linux

// Package fleet_test runs a whole fleet of real processes on loopback, with traffic at every edge, and has things happen to it.
package fleet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/bus"
	"fairlead/client"
	"fairlead/internal/fakellm"
	"fairlead/store"
	"fairlead/store/postgres"
	"fairlead/test/harness"
)

const (
	secretKey  = "the key under which the fleet of this test keeps secrets"
	credential = "sk-upstream-credential-of-the-fleet"
	tokenText  = "admin-token-of-the-fleet-of-this-test"

	commandTime = time.Minute // for a command that ends by itself
)

var adminToken = fairlead.NewSecret(tokenText)

// fleet is three control nodes on one PostgreSQL, with their buses clustered, four edges in two regions and a fake provider.
// Nobody knows any address but those of the crossings before the nodes.
type fleet struct {
	root testing.TB // the test that the fleet lives in
	t    testing.TB // the scene that is played
	dir  string

	database  string // of the fleet, by the server's own address
	store     *store.Store
	storeLink map[string]*harness.Proxy // each control node's way to the database

	controls []*node
	edges    []*node
	mu       sync.Mutex
	everyone []*node

	bus     map[string]*crossing // before the bus of each control node
	cluster map[string]*crossing

	provider string
	key      client.NewKey
	traffic  *traffic
}

// begin starts a fleet. What a test wants of it is said by its scenes.
func begin(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{
		root: t, t: t, dir: t.TempDir(), storeLink: map[string]*harness.Proxy{},
		bus: map[string]*crossing{}, cluster: map[string]*crossing{},
	}
	check(t, server.Start())
	f.useDatabase(server.Database(t))
	_, f.provider = harness.Fake(t, fakellm.Options{Keys: []string{credential}, MaxLog: -1})
	for _, place := range [][2]string{{"c1", "eu"}, {"c2", "eu"}, {"c3", "us"}} {
		f.addControl(place[0], place[1])
	}
	for _, n := range f.controls {
		f.clusterOf(n)
		n.launch()
	}
	for _, n := range f.controls {
		n.ready()
	}
	f.configure()
	for _, place := range [][2]string{{"e1", "eu"}, {"e2", "eu"}, {"e3", "us"}, {"e4", "us"}} {
		f.addEdge(place[0], place[1]).launch()
	}
	for _, n := range f.edges {
		n.ready()
		n.join = "" // it works once
		f.knowsAll(n)
	}
	f.converged()
	f.traffic = drive(f)
	return f
}

// useDatabase opens the fleet's database for the test itself, by the server's socket.
func (f *fleet) useDatabase(dsn string) {
	f.t.Helper()
	s, err := postgres.Open(f.root.Context(), dsn)
	check(f.t, err)
	f.database, f.store = dsn, s
	f.root.Cleanup(func() { _ = s.Close() }) // the server may be away
}

func (f *fleet) addControl(name, region string) {
	n := newNode(f, name)
	busAt, clusterAt := free(f), free(f)
	f.bus[name], f.cluster[name] = newCrossing(f, busAt), newCrossing(f, clusterAt)
	f.storeLink[name] = harness.NewProxy(f.root, server.Address())
	n.args = []string{
		"serve", "--role", "control", "--name", name, "--region", region, "--data", n.data, "--control", n.at,
		"--bus-listen", busAt, "--bus-advertise", f.bus[name].addr(),
		"--cluster-listen", clusterAt, "--cluster-advertise", f.cluster[name].addr(),
		"--database", "postgres://postgres@" + f.storeLink[name].Addr + databaseOf(f.database) + "?sslmode=disable",
	}
	n.env = []string{"FAIRLEAD_ADMIN_TOKEN=" + tokenText, "FAIRLEAD_SECRET_KEY=" + secretKey}
	f.controls = append(f.controls, n)
	f.enrol(n)
}

// clusterOf tells a control node of the others, once all are known.
func (f *fleet) clusterOf(n *node) {
	var others []string
	for _, o := range f.controls {
		if o != n {
			others = append(others, f.cluster[o.name].addr())
		}
	}
	n.args = append(n.args, "--cluster-join", strings.Join(others, ","))
}

func (f *fleet) addEdge(name, region string) *node {
	f.t.Helper()
	n := newNode(f, name)
	listen := free(f)
	n.url = "http://" + listen
	n.args = []string{"serve", "--role", "edge", "--region", region, "--data", n.data, "--control", n.at, "--listen", listen, "--log-level", "warn"}
	// Each edge is let in by another control node.
	made, err := f.controls[len(f.edges)%len(f.controls)].api().AddNode(f.root.Context(), name, region)
	check(f.t, err)
	n.join = made.Token
	f.edges = append(f.edges, n)
	f.enrol(n)
	return n
}

// enrol has the node end with the test.
func (f *fleet) enrol(n *node) {
	f.mu.Lock()
	f.everyone = append(f.everyone, n)
	f.mu.Unlock()
	f.root.Cleanup(n.end)
}

func (f *fleet) all() []*node {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*node(nil), f.everyone...)
}

// configure writes the configuration, with the providers' credential as a stored secret, and makes the callers' key: all by API.
func (f *fleet) configure() {
	f.t.Helper()
	api := f.controls[0].api()
	_, err := api.SetSecret(f.root.Context(), "UPSTREAM", fairlead.NewSecret(credential))
	check(f.t, err)
	document := fmt.Sprintf(`version: 1
providers:
  left: &fake {dialect: openai, base_url: "%s/v1", credentials: [{name: main, value: "${secret:UPSTREAM}"}]}
  right: *fake
models:
  fake/echo: {endpoints: [{provider: left, model: echo}, {provider: right, model: echo}]}
`, f.provider)
	_, err = api.PutConfig(f.root.Context(), []byte(document), client.Write{Why: "the begin"})
	check(f.t, err)
	key, err := api.CreateKey(f.root.Context(), "traffic")
	check(f.t, err)
	if f.traffic != nil {
		f.traffic.mu.Lock()
		defer f.traffic.mu.Unlock()
	}
	f.key = key
}

// scene plays a part of a test. After it the fleet is whole: all nodes run, all links are up, every edge has the log as the store
// has it, and no caller has been failed by an edge that stayed up.
func (f *fleet) scene(name string, play func(t *testing.T)) {
	passed := f.root.(*testing.T).Run(name, func(t *testing.T) {
		outer := f.t
		f.t = t
		defer func() { f.t = outer }()
		f.traffic.begin()
		before := f.tallies()
		play(t)
		f.converged()
		f.agree()
		f.counted(before)
		f.traffic.judge(t)
	})
	if !passed {
		f.root.FailNow() // what comes after it says nothing
	}
}

// edge and control give a node by its name.
func (f *fleet) node(name string) *node {
	f.t.Helper()
	for _, n := range f.all() {
		if n.name == name {
			return n
		}
	}
	f.t.Fatalf("the fleet has no %s", name)
	return nil
}

// knowsAll waits until an edge has kept where all control nodes are, as their beats say.
func (f *fleet) knowsAll(n *node) {
	f.t.Helper()
	harness.Until(f.t, n.name+" knows of all control nodes", func() bool {
		text, err := os.ReadFile(filepath.Join(n.data, bus.IdentityFile))
		for _, c := range f.bus {
			if err != nil || !strings.Contains(string(text), c.addr()) {
				return false
			}
		}
		return true
	})
}

func replicaFiles(n *node) ([]string, error) {
	return filepath.Glob(filepath.Join(n.data, "replica", "replica.*.db"))
}
