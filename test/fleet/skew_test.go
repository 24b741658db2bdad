//go:build linux

package fleet_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
	"fairlead/client"
	"fairlead/test/harness"
)

// TestSkewed has nodes join whose clocks are wrong. They run in this process, where a clock can be given.
func TestSkewed(t *testing.T) {
	f := begin(t)
	for name, skew := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		clock := func() time.Time { return time.Now().Add(skew) }
		f.scene("an edge whose clock is ten minutes "+name, func(t *testing.T) {
			joined, err := f.node("c2").api().AddNode(t.Context(), "e-"+name, "eu")
			check(t, err)
			e := f.here(t, "e-"+name, app.Options{Role: fairlead.RoleEdge, Join: fairlead.NewSecret(joined.Token), Clock: clock})
			f.edges = append(f.edges, e)
			defer func() { f.edges = f.edges[:4] }()
			f.follows(t, e, f.node("c1"))
			f.found(t, e, skew)
		})
		f.scene("a control node whose clock is ten minutes "+name, func(t *testing.T) {
			busAt, clusterAt := free(f), free(f)
			o := app.Options{
				Role: fairlead.RoleControl, Name: "c-" + name, Clock: clock, AdminToken: tokenText, SecretKey: fairlead.NewSecret(secretKey),
				Database: f.database, BusListen: busAt, ClusterListen: clusterAt,
				ClusterJoin: []string{f.cluster["c1"].addr(), f.cluster["c2"].addr(), f.cluster["c3"].addr()},
			}
			c := f.here(t, "c-"+name, o)
			joined, err := c.api().AddNode(t.Context(), "of-c-"+name, "eu")
			check(t, err)
			// The token says where this control node is, and the edge's own clock is right.
			e := f.here(t, "of-c-"+name, app.Options{Role: fairlead.RoleEdge, Join: fairlead.NewSecret(joined.Token)})
			f.edges = append(f.edges, e)
			defer func() { f.edges = f.edges[:4] }()
			f.follows(t, e, c)
			f.follows(t, e, f.node("c3"))
			v, err := c.api().VerifyAudit(t.Context())
			check(t, err)
			if !v.OK {
				t.Errorf("the log does not hold: %v", v.Faults)
			}
		})
	}
}

// follows holds that all edges follow what a control node writes, and that one of them is well in its eyes.
func (f *fleet) follows(t *testing.T, e, control *node) {
	t.Helper()
	f.weigh(control, 11)
	f.weigh(control, 12)
	key, err := control.api().CreateKey(t.Context(), "skewed")
	check(t, err)
	f.admits(key.Secret, f.edges, http.StatusOK)
	_, err = control.api().RevokeKey(t.Context(), key.ID)
	check(t, err)
	f.admits(key.Secret, f.edges, http.StatusUnauthorized)
	n := f.says(e, func(n client.Node) bool { return n.State() == "ok" })
	if !n.Live || n.Stale {
		t.Errorf("%s is %+v", e.name, n)
	}
}

// found holds that what an edge with a wrong clock dated by it is found by its id at every control node, whose clocks are right.
func (f *fleet) found(t *testing.T, e *node, skew time.Duration) {
	t.Helper()
	a, err := f.ask(t.Context(), quick, e, f.key.Secret, true)
	check(t, err)
	off := func(at time.Time) bool { return (time.Until(at) - skew).Abs() > 5*time.Minute }
	if at, _, ok := fairlead.ParseID(a.id); !ok || off(at) {
		t.Errorf("the id %s is of %s", a.id, at)
	}
	for _, c := range f.controls {
		var x client.Exchange
		harness.Until(t, c.name+" knows of the exchange", func() bool {
			x, err = c.api().Exchange(t.Context(), a.id)
			return err == nil && x.Record != nil && len(x.Lines) == 2
		})
		if x.Node != e.name || off(x.Record.At) || off(x.Lines[0].At) || off(x.Lines[1].At) || x.Record.Duration > time.Hour.Microseconds() {
			t.Errorf("%s knows %+v", c.name, x)
		}
	}
}

// here runs a node in this process, until the test ends.
func (f *fleet) here(t *testing.T, name string, o app.Options) *node {
	t.Helper()
	log := &harness.Output{}
	o.Data = filepath.Join(f.dir, name)
	o.Listen, o.Control = "127.0.0.1:0", "127.0.0.1:0"
	o.LookupEnv = func(string) (string, bool) { return "", false }
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	check(t, os.MkdirAll(o.Data, 0o700))
	a, err := app.New(t.Context(), o)
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run %s: %v", name, err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, tail(log.String()))
		}
	})
	return &node{f: f, name: name, data: o.Data, url: a.DataURL(), at: strings.TrimPrefix(a.ControlURL(), "http://")}
}
