package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fairlead"
	"fairlead/client"
)

// fleet is a control node on SQLite and edges that have joined it, each a process and a data folder of its own.
type fleet struct {
	binary, dir string
	env         []string // of every node
	token       string
	listen      string // of the bus
	told        string // what edges are told of it; "" = listen

	control *process
	api     *client.Client
	edges   []*edgeNode
	key     client.NewKey
	used    use // when it was last asked
}

// edgeNode is an edge of a fleet.
type edgeNode struct {
	forwarder
	contender
	dir string
}

// startFleet starts a control node, brings a configuration into force there and starts edges. All of them serve by it
// when this returns. What has to be stopped is in the fleet even where it fails.
func (r *run) startFleet(ctx context.Context, f *fleet, edges int, document []byte) (err error) {
	f.binary, f.token = r.Binary, rand.Text()
	f.env = append(cleanEnvironment(), "FAIRLEAD_ADMIN_TOKEN="+f.token, "BENCH_UPSTREAM_KEY="+rand.Text())
	if f.dir, err = os.MkdirTemp(r.dir, "fleet-"); err != nil {
		return fmt.Errorf("make folder of the fleet: %w", err)
	}
	if f.listen == "" {
		if f.listen, err = freeAddress(); err != nil {
			return err
		}
	}
	if err := f.startControl(ctx); err != nil {
		return err
	}
	if _, err := f.api.PutConfig(ctx, document, client.Write{Why: "bench"}); err != nil {
		return fmt.Errorf("bring a configuration into force: %w", err)
	}
	if f.key, err = f.api.CreateKey(ctx, "bench"); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	for i := range edges {
		if err := f.addEdge(ctx, fmt.Sprintf("edge-%d", i+1)); err != nil {
			return err
		}
	}
	for _, e := range f.edges {
		if err := e.serving(ctx, f.key.Secret); err != nil {
			return err
		}
	}
	return nil
}

// startControl starts the control node on its data folder.
func (f *fleet) startControl(ctx context.Context) error {
	args := []string{
		"serve", "-o", "json", "--role", "control", "--name", "control", "--data", f.controlData(), "--control", "127.0.0.1:0",
		"--bus-listen", f.listen, "--log-format", "json",
	}
	if f.told != "" {
		args = append(args, "--bus-advertise", f.told)
	}
	cmd := exec.CommandContext(ctx, f.binary, args...)
	cmd.Env = f.env
	var where struct{ Control string }
	p, err := spawnTelling(ctx, "control", f.dir, cmd, &where)
	if err != nil {
		return err
	}
	f.control = p
	f.api, err = client.New(where.Control, fairlead.NewSecret(f.token))
	return err
}

func (f *fleet) controlData() string { return filepath.Join(f.dir, "control") }

// addEdge has a new edge join.
func (f *fleet) addEdge(ctx context.Context, name string) error {
	joining, err := f.api.AddNode(ctx, name, "")
	if err != nil {
		return fmt.Errorf("add an edge: %w", err)
	}
	e := &edgeNode{dir: filepath.Join(f.dir, name), contender: contender{name: name, key: f.key.Secret}}
	f.edges = append(f.edges, e)
	where, err := f.startEdge(ctx, e, "127.0.0.1:0", "FAIRLEAD_JOIN="+joining.Token)
	if err != nil {
		return err
	}
	at, err := url.Parse(where)
	if err != nil {
		return fmt.Errorf("read an edge's address: %w", err)
	}
	e.addr = at.Host
	return nil
}

// startEdge starts an edge's process and gives the URL of its data plane once it has told it.
func (f *fleet) startEdge(ctx context.Context, e *edgeNode, listen string, env ...string) (string, error) {
	var where struct{ Data string }
	p, err := spawnTelling(ctx, e.name, f.dir, f.edgeCommand(ctx, e, listen, env...), &where)
	if err != nil {
		return "", err
	}
	e.forwarder = forwarder{process: p}
	e.proc = &e.forwarder
	return where.Data, nil
}

func (f *fleet) edgeCommand(ctx context.Context, e *edgeNode, listen string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, f.binary, "serve", "-o", "json", "--role", "edge", "--data", e.dir,
		"--listen", listen, "--control", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = append(append([]string(nil), f.env...), env...)
	return cmd
}

// stop ends all nodes that run.
func (f *fleet) stop() {
	for _, e := range f.edges {
		if e.process != nil {
			e.stop()
		}
	}
	if f.control != nil {
		f.control.stop()
	}
}

// startAlone starts an edge whose control node is another process, unless there is one: what it costs is the forwarding
// and what control is told of it, without what control makes of that.
func (r *run) startAlone(ctx context.Context) error {
	if r.edge != nil {
		return nil
	}
	f := &fleet{}
	r.stops = append(r.stops, f.stop)
	if err := r.startFleet(ctx, f, 1, fleetText(r.up, 0, "")); err != nil {
		return err
	}
	r.edge = f.edges[0]
	r.edge.name = "edge"
	return nil
}

// serving waits until an exchange with a key succeeds.
func (e *edgeNode) serving(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		_, err := e.exchange(ctx, key)
		if err == nil {
			return nil
		}
		select {
		case <-e.done:
			return e.ended()
		case <-ctx.Done():
			return errors.Join(e.contender.wrap(err), context.Cause(ctx))
		default:
			_ = pause(ctx, tick) // ctx is looked at in the next round
		}
	}
}

// exchange makes one exchange on a connection of its own, and gives the revision that it was served by.
func (e *edgeNode) exchange(ctx context.Context, key string) (int64, error) {
	deadline, _ := ctx.Deadline()
	c, err := dialCaller(ctx, e.addr, 0, deadline)
	if err != nil {
		return 0, err
	}
	defer c.close()
	asker := e.with(key)
	return c.servedBy(asker.request(chatPath, chatBody(modelPlain, "")))
}

// fleetText is a configuration of so many endpoints, four of each model, beside the model that exchanges are made of.
func fleetText(up Addresses, endpoints int, price string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"version":1,"providers":{`)
	for _, name := range fleetProviders {
		fmt.Fprintf(&b, `%q:{"dialect":"openai","base_url":"http://%s/v1","credentials":[{"name":"main","value":"${env:BENCH_UPSTREAM_KEY}"}]},`, name, up.Plain)
	}
	fmt.Fprintf(&b, `"plain":{"dialect":"openai","base_url":"http://%s/v1","credentials":[{"name":"main","value":"${env:BENCH_UPSTREAM_KEY}"}]}},"models":{`, up.Plain)
	for n := 0; n < endpoints; n += len(fleetProviders) {
		fmt.Fprintf(&b, `%q:{"context":128000,"endpoints":[`, fleetModel(n))
		for i, name := range fleetProviders {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"provider":%q,"model":"m-%d","weight":100,"price":{"input":%q,"output":"0.60"}}`, name, n, price)
		}
		b.WriteString(`]},`)
	}
	fmt.Fprintf(&b, `%q:{"max_output":4096,"endpoints":[{"provider":"plain","model":"bench-model","price":{"input":"0.15","output":"0.60"}}]}}}`, modelPlain)
	return []byte(b.String())
}

// fleetProviders are the providers of each model, by which their number is one of four.
var fleetProviders = []string{"p0", "p1", "p2", "p3"}

func fleetModel(n int) string { return fmt.Sprintf("bench/m-%d", n/len(fleetProviders)) }

// fleetEndpoint is the id of the nth endpoint of fleetText.
func fleetEndpoint(n int) string {
	return fleetModel(n) + "@" + fleetProviders[n%len(fleetProviders)]
}
