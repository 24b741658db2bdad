package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"fairlead"
	"fairlead/bus"
	"fairlead/control"
	"fairlead/internal/filelock"
	"fairlead/internal/pki"
	"fairlead/store"
	"fairlead/store/postgres"
	"fairlead/store/sqlite"
	"fairlead/vault"
)

const storeFile = "fairlead.db"

// openDatabase opens the database of a URL, or the SQLite file in a data folder where url is "".
func openDatabase(ctx context.Context, url, data string) (*store.Store, error) {
	if url != "" {
		return postgres.Open(ctx, url)
	}
	return sqlite.Open(ctx, filepath.Join(data, storeFile))
}

// openStore opens the truth and what is kept sealed in it.
func (a *App) openStore(ctx context.Context) (err error) {
	if !a.hasControl() {
		return nil
	}
	if a.token, _, err = control.LoadToken(a.Data, a.AdminToken); err != nil {
		return fmt.Errorf("load admin token: %w", err)
	}
	if a.Database == "" {
		if a.alone, err = filelock.Lock(filepath.Join(a.Data, storeFile+".lock")); err != nil {
			return fmt.Errorf("open store: %w", err)
		}
	}
	if a.store, err = openDatabase(ctx, a.Database, a.Data); err != nil {
		return err
	}
	a.store.Clock = a.Clock
	if a.hasEdge() {
		a.store.Rest = new(rests).rest
	}
	key, err := a.secretKey(func() (bool, error) { return vault.Made(ctx, a.store) })
	if err != nil {
		return err
	}
	if a.vault, err = vault.Open(ctx, a.store, key, a.Clock()); err != nil {
		return err
	}
	a.fleet = control.NewFleet(time.Now)
	return nil
}

// openIdentity finds out who an edge is, or has it join.
func (a *App) openIdentity(ctx context.Context) (err error) {
	if a.Role != fairlead.RoleEdge {
		if a.Name == "" {
			a.Name = a.defaultName()
		}
		return nil
	}
	known, found, err := bus.LoadIdentity(a.Data)
	if err != nil {
		return err
	}
	if !found {
		if !a.Join.Set() {
			return errors.New("this edge has not joined a fleet yet: start it with --join TOKEN, which 'fairlead nodes add NAME' prints")
		}
		known, err = bus.Join(ctx, a.Join.Reveal(), bus.JoinOptions{
			Dir: a.Data, Region: a.Region, Log: a.Log, Clock: a.Clock, NATS: a.NATS, Credentials: a.NATSCredentials,
		})
		if err != nil {
			return err
		}
		a.Log.Info("this edge has joined the fleet", "name", known.Name)
	}
	if a.Name != "" && a.Name != known.Name {
		return fmt.Errorf("this edge has joined as %q and cannot be --name %s: that takes another data folder and another token", known.Name, a.Name)
	}
	a.identity, a.Name = known, known.Name
	if a.Region == "" {
		a.Region = known.Region
	}
	return nil
}

// openBus starts or reaches the bus.
func (a *App) openBus(ctx context.Context) (err error) {
	if a.hasControl() {
		if err := a.makeKnown(ctx); err != nil {
			return err
		}
	}
	o := bus.Options{
		Name: a.Name, Log: a.Log, Clock: a.Clock, Beat: a.beat, NATS: a.NATS, Credentials: a.NATSCredentials,
		Listen: a.BusListen, Advertise: a.BusAdvertise,
		ClusterListen: a.ClusterListen, ClusterAdvertise: a.ClusterAdvertise, ClusterJoin: a.ClusterJoin,
	}
	if a.hasControl() {
		o.Nodes = a.store.Nodes
	}
	switch {
	case a.identity != nil:
		o.Identity = a.identity.Pair
		if a.NATS == "" {
			o.Addresses = a.identity.Known()
		}
	case a.BusListen != "" || a.ClusterListen != "":
		if o.Identity, err = a.certificates(); err != nil {
			return err
		}
		o.Tokens = a.store
	}
	a.bus, err = bus.Start(ctx, o)
	return err
}

// certificates gives this control node's certificate, made anew before the one in use ends.
func (a *App) certificates() (func() *pki.Pair, error) {
	fresh := func() (*pki.Pair, error) { return a.vault.Authority().Server(a.Name, a.Clock()) }
	pair, err := fresh()
	if err != nil {
		return nil, fmt.Errorf("make this node's certificate: %w", err)
	}
	var mu sync.Mutex
	return func() *pki.Pair {
		mu.Lock()
		defer mu.Unlock()
		if pair.Due(a.Clock()) {
			if next, err := fresh(); err == nil {
				pair = next
			}
		}
		return pair
	}, nil
}

// busAddress is where this node lets others in; "" = it does not.
func (a *App) busAddress() string {
	if a.BusAdvertise != "" || a.BusListen == "" {
		return a.BusAdvertise
	}
	return a.bus.Address()
}

// joinAddresses are where new nodes find the bus, this node's own first; none where they must be told another way.
func (a *App) joinAddresses() []string {
	own := a.busAddress()
	list := slices.DeleteFunc(a.fleet.Buses(), func(address string) bool { return address == own })
	if own != "" {
		list = append([]string{own}, list...)
	}
	return list
}

// joinToken makes what a new node is started with.
func (a *App) joinToken(name string, secret fairlead.Secret) (string, error) {
	addresses := a.joinAddresses()
	if len(addresses) == 0 && a.NATS == "" {
		return "", &fairlead.Error{
			Code: fairlead.CodeConflict, Message: "no other node can reach this one",
			Hint: "start it with --bus-listen, or with --nats and an existing cluster",
		}
	}
	return bus.Token{Addresses: addresses, Authority: a.vault.Authority().Pin(), Name: name, Secret: secret.Reveal()}.Text(), nil
}

// openFeed begins to serve the log, and to follow it.
func (a *App) openFeed(context.Context) error {
	serving := make(chan struct{}) // closed once this node's own control plane, if it has one, answers its edge
	ready := sync.OnceFunc(func() { close(serving) })
	if a.hasControl() {
		a.parts.run(a.takeUp)
		a.parts.run(a.holdName)
		a.parts.run(func(ctx context.Context) {
			defer ready() // another control node may answer where this one cannot
			a.told(ctx, "serve the log", bus.Serve(ctx, a.bus, a.store, a.Name, ready))
		})
		a.parts.run(func(ctx context.Context) {
			a.told(ctx, "hear of nodes", a.bus.Statuses(ctx, a.fleet.Hear))
		})
		a.parts.run(func(ctx context.Context) {
			joiner := &bus.Admission{
				Store: a.store, Authority: a.vault.Authority(), Seal: a.vault.SealFleetKey,
				Publish: a.bus.Publish, Addresses: a.joinAddresses, Clock: a.Clock,
			}
			a.told(ctx, "let nodes join", bus.ServeJoins(ctx, a.bus, a.vault.Authority(), joiner))
		})
		a.parts.run(a.steerCourses)
	} else {
		ready()
	}
	if a.identity != nil {
		a.parts.run(func(ctx context.Context) { bus.KeepIdentity(ctx, a.bus, a.identity) })
	}
	if a.hasEdge() {
		a.parts.run(func(ctx context.Context) {
			<-serving
			a.follow(ctx)
		})
		a.parts.run(a.tellCounted)
		a.parts.run(a.hearForget)
		a.parts.run(a.sendUp)
	} else {
		a.parts.run(a.reportSelf)
	}
	return nil
}

// told logs why something that should go on has ended.
func (a *App) told(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		a.Log.Error("cannot "+what, "error", err.Error())
	}
}

// makeKnown puts a control node of a fleet into the list of nodes, before it meets any of them: who is not in it is
// not let in. They hear of the change by the next beat.
func (a *App) makeKnown(ctx context.Context) error {
	if !a.inFleet() {
		return nil
	}
	nodes, err := a.store.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Name == a.Name && n.Removed.IsZero() {
			if n.Role == fairlead.RoleEdge {
				return fmt.Errorf("the fleet has an edge named %s: choose another --name", a.Name)
			}
			if n.Role == a.Role && n.Region == a.Region {
				return nil
			}
		}
	}
	now := a.now()
	_, err = a.store.SetNode(ctx,
		fairlead.Node{Name: a.Name, Role: a.Role, Region: a.Region, Added: now, Joined: now},
		fairlead.Act{At: now, By: a.Name, Action: "node.start", Target: a.Name})
	if err != nil {
		return fmt.Errorf("make this node known: %w", err)
	}
	return nil
}

// reportSelf tells of a node without a data plane, each second.
func (a *App) reportSelf(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		status := a.node()
		status.At, status.NameTaken = a.now(), a.nameTaken.Load()
		if head, err := a.store.Head(ctx); err == nil {
			status.Position = head
		}
		a.bus.Report(status)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (a *App) now() time.Time { return a.Clock().UTC().Truncate(time.Microsecond) }

// node is what does not change of this node's status.
func (a *App) node() fairlead.NodeStatus {
	return fairlead.NodeStatus{
		Name: a.Name, Role: a.Role, Region: a.Region, Egress: a.Egress, Bus: a.busAddress(), Version: a.Version,
		Incarnation: a.born, Started: a.started,
	}
}
