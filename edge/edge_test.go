package edge_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/compile"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/edge"
	"fairlead/replica"
	"fairlead/test/changelog"
	"fairlead/upstream"
)

// document is a configuration with one endpoint, author/model@p, of a weight, and credentials as stated.
func document(model string, weight int, credentials ...string) string {
	var list []string
	for i, value := range credentials {
		list = append(list, fmt.Sprintf(`{"name":"c%d","value":%q}`, i, value))
	}
	return fmt.Sprintf(`{"models":{"author/%s":{"endpoints":[{"provider":"p","weight":%d}]}},`+
		`"providers":{"p":{"base_url":"http://127.0.0.1:1/v1","credentials":[%s],"dialect":"openai"}},"version":1}`, model, weight, strings.Join(list, ","))
}

// bad is a document that no edge compiles.
const bad = `{"models":{"author/x":{"endpoints":[{"provider":"nobody"}]}},"providers":{},"version":1}`

// node is an edge over a real replica, with a place where snapshots come into force.
type node struct {
	*edge.Edge
	t       *testing.T
	dir     string
	replica *replica.Replica
	log     *changelog.Log
	text    lockedBuffer
	env     map[string]string

	mu      sync.Mutex
	force   *fairlead.Snapshot
	swaps   int
	refuse  error // what Swap says
	reports []fairlead.NodeStatus
	end     func()
}

func newNode(t *testing.T, tune ...func(*edge.Options)) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir(), log: changelog.New("a"), env: map[string]string{}}
	n.open(tune...)
	t.Cleanup(func() { n.close() })
	return n
}

func (n *node) open(tune ...func(*edge.Options)) {
	n.t.Helper()
	var err error
	n.replica, err = replica.Open(context.Background(), n.dir)
	check(n.t, err)
	o := edge.Options{
		Replica: n.replica, Node: fairlead.NodeStatus{Name: "n", Role: fairlead.RoleEdge, Started: time.Unix(1, 0).UTC()},
		Swap: n.swap, Report: n.report, LookupEnv: func(name string) (string, bool) { v, ok := n.env[name]; return v, ok },
		OpenSecret: func(s fairlead.SealedSecret) (fairlead.Secret, error) {
			if bytes.HasPrefix(s.Sealed, []byte("sealed ")) {
				return fairlead.NewSecret(string(s.Sealed[7:])), nil
			}
			return fairlead.Secret{}, errors.New("sealed with another key")
		},
		Log: slog.New(slog.NewTextHandler(&n.text, nil)),
	}
	for _, f := range tune {
		f(&o)
	}
	n.Edge, n.force = edge.New(o), nil
}

// run starts the loop; close ends it.
func (n *node) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	n.end = func() { cancel(); <-done }
}

func (n *node) close() {
	if n.end != nil {
		n.end()
		n.end = nil
	}
	check(n.t, n.replica.Close())
}

func (n *node) swap(s *fairlead.Snapshot) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		return n.refuse
	}
	n.force = s
	n.swaps++
	return nil
}

func (n *node) report(s fairlead.NodeStatus) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports = append(n.reports, s)
}

// apply applies a change and waits until the edge has looked at it.
func (n *node) apply(c fairlead.Change) error {
	n.t.Helper()
	check(n.t, n.replica.Apply(n.t.Context(), "a", []fairlead.Change{c}))
	return n.Applied(n.t.Context(), c.Number)
}

// inForce gives "revision: endpoint=weight ... credential=value ...".
func (n *node) inForce() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.force == nil {
		return "nothing"
	}
	text := fmt.Sprintf("%d:", n.force.Revision)
	for _, e := range n.force.Endpoints {
		text += fmt.Sprintf(" %s=%d", e.ID, e.Weight)
	}
	for _, p := range n.force.Providers {
		for _, c := range p.Credentials {
			text += fmt.Sprintf(" %s=%s", c.Name, c.Value.Reveal())
		}
	}
	return text
}

// want holds what is in force and what the status says of it.
func (n *node) want(inForce, refused string, unresolved ...string) {
	n.t.Helper()
	s := n.Status()
	if got := n.inForce(); got != inForce {
		n.t.Errorf("in force is %q, want %q", got, inForce)
	}
	if (s.ConfigError == "") != (refused == "") || !strings.Contains(s.ConfigError, refused) {
		n.t.Errorf("the status says %q, want %q", s.ConfigError, refused)
	}
	if !slices.Equal(s.Unresolved, unresolved) {
		n.t.Errorf("unresolved are %q, want %q", s.Unresolved, unresolved)
	}
	if inForce != "nothing" && !strings.HasPrefix(inForce, fmt.Sprintf("%d:", s.Revision)) {
		n.t.Errorf("the status says revision %d, in force is %q", s.Revision, inForce)
	}
	if s.Position != n.log.At && n.log.At.Number > 0 || s.Name != "n" {
		n.t.Errorf("the status is %+v, want position %+v", s, n.log.At)
	}
}

// TestHeld holds that nothing is brought into force, and said why, while it is not known whose it is.
func TestHeld(t *testing.T) {
	n := newNode(t)
	check(t, n.replica.Apply(t.Context(), "a", []fairlead.Change{n.log.Revise(document("one", 100))}))
	n.Hold()
	check(t, n.Load(t.Context()))
	if s := n.Status(); n.inForce() != "nothing" || s.Loading == "" || s.Position.Number != 0 {
		t.Errorf("in force is %q, the status is %+v", n.inForce(), s)
	}
	n.run()
	n.Release()
	check(t, n.Applied(t.Context(), 1))
	n.want("1: author/one@p=100", "")
	if s := n.Status(); s.Loading != "" {
		t.Errorf("it says %q", s.Loading)
	}
}

// TestLife plays revisions, steps, secrets and keys, good and bad ones, and a restart.
func TestLife(t *testing.T) {
	n := newNode(t)
	check(t, n.Load(t.Context()))
	n.want("nothing", "")
	n.run()
	check(t, n.apply(n.log.Revise(document("one", 100))))
	n.want("1: author/one@p=100", "")
	if !n.force.At.Equal(n.log.State.At) {
		t.Errorf("the snapshot is of %s, want %s", n.force.At, n.log.State.At)
	}
	check(t, n.apply(n.log.Step(map[string]int{"author/one@p": 40})))
	n.want("1: author/one@p=40", "")
	swaps := n.swaps
	check(t, n.apply(n.log.Keys(fairlead.Key{ID: "key_1"})))
	if n.swaps != swaps {
		t.Error("a key made a snapshot")
	}
	check(t, n.apply(n.log.Step(nil)))
	n.want("1: author/one@p=100", "")

	if err := n.apply(n.log.Revise(bad)); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("the write is answered with %v", err)
	}
	n.want("1: author/one@p=100", "nobody")
	check(t, n.apply(n.log.Keys(fairlead.Key{ID: "key_1"})))
	if err := n.Applied(t.Context(), n.log.At.Number-1); err == nil {
		t.Error("the refused change is applied now")
	}
	check(t, n.Applied(t.Context(), n.log.At.Number-2))
	check(t, n.apply(n.log.Commit(document("two", 100), map[string]int{"author/two@p": 7, "author/gone@p": 1}, nil)))
	n.want("3: author/two@p=7", "")

	n.close()
	n.open()
	check(t, n.Load(t.Context()))
	n.want("3: author/two@p=7", "")
	for _, c := range []string{"refused=2", "author/gone@p", "configuration in force"} {
		if !strings.Contains(n.text.String(), c) {
			t.Errorf("the log does not tell of %s: %s", c, n.text.String())
		}
	}
}

// TestBadAtStart holds that a node whose replica holds a configuration that cannot be in force serves the last
// good one after a restart, and takes the next good one.
func TestBadAtStart(t *testing.T) {
	n := newNode(t)
	n.run()
	check(t, n.apply(n.log.Revise(document("one", 100, "${env:KEY}"))))
	check(t, n.apply(n.log.Step(map[string]int{"author/one@p": 40})))
	for range 2 {
		if err := n.apply(n.log.Revise(bad)); err == nil {
			t.Error("a bad configuration is in force")
		}
	}
	for range 2 {
		n.close()
		n.open()
		n.env["KEY"] = "of now"
		if err := n.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody") {
			t.Errorf("load: %v", err)
		}
		n.want("1: author/one@p=40 c0=of now", "nobody")
	}
	n.run()
	check(t, n.apply(n.log.Revise(document("two", 100))))
	n.want("4: author/two@p=100", "")
}

// TestBadCopy holds that a whole copy of a log whose configuration cannot be in force takes nothing of the last good
// one: a node that was restarted after it serves that one.
func TestBadCopy(t *testing.T) {
	n := newNode(t)
	n.run()
	check(t, n.apply(n.log.Revise(document("one", 100))))
	if err := n.apply(n.log.Revise(bad)); err == nil {
		t.Error("a bad configuration is in force")
	}
	n.log = changelog.New("b") // the store was restored, and went on
	n.log.Keys()
	n.log.Keys()
	n.log.Revise(bad)
	c, err := n.replica.BeginCopy(t.Context(), n.log.At)
	check(t, err)
	check(t, c.Rest(t.Context(), n.log.State, nil))
	check(t, c.Commit(t.Context(), "b"))
	if err := n.Applied(t.Context(), n.log.At.Number); err == nil {
		t.Error("a bad configuration is in force")
	}
	for range 2 {
		n.want("1: author/one@p=100", "nobody")
		n.close()
		n.open()
		if err := n.Load(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody") {
			t.Errorf("load: %v", err)
		}
	}
}

// TestNothingGood holds that a node which never had a good configuration says so and goes on.
func TestNothingGood(t *testing.T) {
	n := newNode(t)
	check(t, n.replica.Apply(t.Context(), "a", []fairlead.Change{n.log.Revise(bad)}))
	if err := n.Load(t.Context()); err == nil {
		t.Error("it is loaded")
	}
	n.want("nothing", "nobody")
	n.run()
	check(t, n.apply(n.log.Revise(document("one", 1))))
	n.want("2: author/one@p=1", "")
}

// TestReferences resolves what there is and lists what there is not.
func TestReferences(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	all := document("one", 1, "${env:KEY}", "${file:"+file+"}", "${secret:main}")
	n := newNode(t)
	n.run()
	check(t, n.apply(n.log.Revise(all)))
	n.want("1: author/one@p=1 c0= c1= c2=", "", "${env:KEY}", "${file:"+file+"}", "${secret:main}")
	check(t, n.apply(n.log.Secret("main", 1, "sealed sk-1")))
	n.want("1: author/one@p=1 c0= c1= c2=sk-1", "", "${env:KEY}", "${file:"+file+"}")
	check(t, n.apply(n.log.Secret("main", 2, "sealed sk-2"))) // rotated
	n.want("1: author/one@p=1 c0= c1= c2=sk-2", "", "${env:KEY}", "${file:"+file+"}")
	check(t, n.apply(n.log.Secret("main", 3, "with another key")))
	n.want("1: author/one@p=1 c0= c1= c2=", "", "${env:KEY}", "${file:"+file+"}", "${secret:main}")
	check(t, n.apply(n.log.Secret("main", 4, "sealed \n")))
	n.want("1: author/one@p=1 c0= c1= c2=", "", "${env:KEY}", "${file:"+file+"}", "${secret:main}")
	check(t, n.apply(n.log.Secret("main", 5, "")))
	n.want("1: author/one@p=1 c0= c1= c2=", "", "${env:KEY}", "${file:"+file+"}", "${secret:main}")
	check(t, n.apply(n.log.Secret("main", 6, "sealed sk-6")))

	if err := n.apply(n.log.Revise(bad)); err == nil {
		t.Error("a bad configuration is in force")
	}
	// What is in force is kept fresh though what is held is refused.
	if err := n.apply(n.log.Secret("main", 7, "sealed sk-7")); err == nil {
		t.Error("a bad configuration is in force")
	}
	n.want("1: author/one@p=1 c0= c1= c2=sk-7", "nobody", "${env:KEY}", "${file:"+file+"}")
	for _, secret := range []string{"sk-1", "sk-2", "sk-6", "sk-7"} {
		if strings.Contains(n.text.String(), secret) {
			t.Errorf("the log holds a secret: %s", n.text.String())
		}
	}
}

// TestNoKeyForSecrets holds that secrets are unresolved where nothing opens them, until it does.
func TestNoKeyForSecrets(t *testing.T) {
	n := newNode(t, func(o *edge.Options) { o.OpenSecret = nil })
	n.run()
	check(t, n.apply(n.log.Secret("main", 1, "sealed sk-1")))
	check(t, n.apply(n.log.Revise(document("one", 1, "${secret:main}"))))
	n.want("1: author/one@p=1 c0=", "", "${secret:main}")
}

// TestFilesAreWatched holds that a file which the configuration refers to is read again when it changes, also
// that of a configuration which stays in force because a later one is refused.
func TestFilesAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "key")
		n := newNode(t)
		n.run()
		write := func(text string) {
			check(t, os.WriteFile(file+".new", []byte(text), 0o600))
			check(t, os.Rename(file+".new", file))
			time.Sleep(3 * time.Second)
			synctest.Wait()
		}
		check(t, n.apply(n.log.Revise(document("one", 1, "${file:"+file+"}"))))
		n.want("1: author/one@p=1 c0=", "", "${file:"+file+"}")
		write("first")
		n.want("1: author/one@p=1 c0=first", "")
		write("other")
		n.want("1: author/one@p=1 c0=other", "")
		swaps := n.swaps
		time.Sleep(time.Minute)
		synctest.Wait()
		if n.swaps != swaps {
			t.Error("a file that did not change made a snapshot")
		}
		if err := n.apply(n.log.Revise(bad)); err == nil {
			t.Error("a bad configuration is in force")
		}
		write("third")
		n.want("1: author/one@p=1 c0=third", "nobody")
		swaps = n.swaps
		time.Sleep(time.Minute)
		synctest.Wait()
		if n.swaps != swaps {
			t.Error("a configuration that is still refused made a snapshot")
		}
	})
}

// TestRefusedSwapIsTriedAgain holds that what could not be prepared is, once it can: by a file of it, asked to,
// or after a while.
func TestRefusedSwapIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		n.run()
		refuse := func(err error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.refuse = err
		}
		check(t, n.apply(n.log.Revise(document("one", 1))))
		refuse(errors.New("not now"))
		if err := n.apply(n.log.Revise(document("two", 1))); err == nil {
			t.Error("it is in force")
		}
		n.want("1: author/one@p=1", "not now")
		refuse(nil)
		n.Again()
		synctest.Wait()
		n.want("2: author/two@p=1", "")

		refuse(errors.New("not now"))
		if err := n.apply(n.log.Revise(document("three", 1))); err == nil {
			t.Error("it is in force")
		}
		refuse(nil)
		time.Sleep(13 * time.Second)
		synctest.Wait()
		n.want("3: author/three@p=1", "")
		check(t, n.Applied(t.Context(), n.log.At.Number))
		if c := strings.Count(n.text.String(), "configuration refused"); c != 2 {
			t.Errorf("the log tells %d times of 2 refusals: %s", c, n.text.String())
		}
	})
}

// TestAuthorityFile goes through the real preparation: a bad certificate is refused there, and a good one in its
// place is taken.
func TestAuthorityFile(t *testing.T) {
	up := upstream.New(openai.New(), anthropic.New())
	t.Cleanup(up.Close)
	tls := httptest.NewTLSServer(nil) // for its certificate
	tls.Close()
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	synctest.Test(t, func(t *testing.T) {
		ca := filepath.Join(t.TempDir(), "ca.pem")
		check(t, os.WriteFile(ca, []byte("no certificate"), 0o600))
		var n *node
		n = newNode(t, func(o *edge.Options) {
			o.Swap = func(s *fairlead.Snapshot) error {
				if err := up.Prepare(s); err != nil {
					return err
				}
				return n.swap(s)
			}
		})
		n.run()
		check(t, n.apply(n.log.Revise(document("one", 1))))
		with := strings.Replace(document("two", 1), `"dialect"`, `"transport":{"ca":"`+ca+`"},"dialect"`, 1)
		if err := n.apply(n.log.Revise(with)); err == nil {
			t.Error("a bad authority is in force")
		}
		n.want("1: author/one@p=1", "certificate")
		check(t, os.WriteFile(ca, good, 0o600))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		n.want("2: author/two@p=1", "")
	})
}

// TestBase holds what is in force while there is no revision, and that a revision ends it.
func TestBase(t *testing.T) {
	cfg, found := compile.Read([]byte(document("base", 5)), "")
	check(t, found.Err())
	n := newNode(t, func(o *edge.Options) { o.Base = cfg })
	check(t, n.Load(t.Context()))
	n.want("0: author/base@p=5", "")
	n.run()
	check(t, n.apply(n.log.Revise(document("one", 1))))
	n.want("1: author/one@p=1", "")
}

// TestReports holds that the status is told when it changes, and each second.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		n.run()
		last := func() (s fairlead.NodeStatus, count int) {
			synctest.Wait()
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.reports[len(n.reports)-1], len(n.reports)
		}
		if s, _ := last(); s.Name != "n" || s.Stale || s.Position != (fairlead.Position{}) {
			t.Errorf("reported %+v", s)
		}
		n.SetStale(true)
		n.SetStale(true)
		n.SetLoading("keys 1")
		n.SetLoading("keys 10,000")
		if s, _ := last(); !s.Stale || s.Loading != "keys 10,000" {
			t.Errorf("reported %+v", s)
		}
		n.SetStale(false)
		n.SetLoading("")
		check(t, n.apply(n.log.Revise(document("one", 1, "${env:NONE}"))))
		s, before := last()
		want := fairlead.NodeStatus{
			Name: "n", Role: fairlead.RoleEdge, Started: time.Unix(1, 0).UTC(), At: time.Now().UTC(),
			Position: n.log.At, Revision: 1, Unresolved: []string{"${env:NONE}"},
		}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("reported %+v, want %+v", s, want)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if _, after := last(); after < before+10 || after > before+20 {
			t.Errorf("%d reports in 10 seconds", after-before)
		}
	})
}

// TestAppliedWaits holds that a waiter is woken by the change, or gives up with its context.
func TestAppliedWaits(t *testing.T) {
	n := newNode(t)
	n.run()
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the caller left")
	cancel(gone)
	if err := n.Applied(ctx, 1); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	woken := make(chan error)
	go func() { woken <- n.Applied(t.Context(), 2) }()
	check(t, n.apply(n.log.Keys()))
	select {
	case err := <-woken:
		t.Errorf("woken by the change before: %v", err)
	default:
	}
	check(t, n.apply(n.log.Keys()))
	check(t, <-woken)
}

// TestChangesAtOnce applies revisions, copies and keys from several goroutines' view: whoever was told that a
// change is applied sees it or a later one.
func TestChangesAtOnce(t *testing.T) {
	n := newNode(t)
	n.run()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					n.Status()
				}
			}
		})
	}
	for i := 1; i <= 30; i++ {
		change := n.log.Revise(document(fmt.Sprintf("m%d", i), i))
		if i%10 == 0 { // a whole copy instead
			c, err := n.replica.BeginCopy(t.Context(), n.log.At)
			check(t, err)
			check(t, c.Rest(t.Context(), n.log.State, nil))
			check(t, c.Commit(t.Context(), "a"))
			check(t, n.Applied(t.Context(), change.Number))
		} else {
			check(t, n.apply(change))
		}
		n.want(fmt.Sprintf("%d: author/m%d@p=%d", i, i, i), "")
	}
	close(stop)
	wg.Wait()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer holds a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was written.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
