//go:build unix

package helm_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"fairlead"
	"fairlead/control"
	"fairlead/helm"
	"fairlead/internal/pgtest"
	"fairlead/steer"
	"fairlead/store"
	"fairlead/store/postgres"
)

var server pgtest.Server

// TestMain ends the server whatever the tests did, and holds that nothing is left running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(&closing{m}, goleak.IgnoreCurrent()) }

type closing struct{ m *testing.M }

func (c *closing) Run() int {
	code := c.m.Run()
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close PostgreSQL:", err)
		return 1
	}
	return code
}

// member is a control node on a database that it shares with others.
type member struct {
	store *store.Store
	stop  func()
}

// join makes a control node; looks gets its name whenever it looks at what is under way.
func join(t *testing.T, dsn, name string, looks chan<- string) *member {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn)
	check(t, err)
	config := control.New(control.Options{Store: s}).Config()
	h := helm.New(helm.Options{
		Node: name, Store: s, End: config.EndCourse, Publish: func(fairlead.Change) {},
		Tell: func(w steer.Watch) {
			if len(w.Endpoints) > 0 {
				select {
				case looks <- name:
				default:
				}
			}
		},
		Hear: func(ctx context.Context, _ func(steer.Report)) error {
			<-ctx.Done()
			return nil
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	m := &member{store: s, stop: sync.OnceFunc(func() {
		cancel()
		running.Wait()
		check(t, s.Close())
	})}
	t.Cleanup(m.stop)
	return m
}

// TestLeaderIsLost ends the leader in the middle of a ramp, in two ways: it is stopped, and the session that holds its
// lock is ended by the server. Another node goes on, and every step is taken once.
func TestLeaderIsLost(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, dsn string, leader *member){
		"stopped":     func(_ *testing.T, _ string, leader *member) { leader.stop() },
		"session cut": func(t *testing.T, dsn string, _ *member) { cutLeaders(t, dsn) },
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			looks := make(chan string, 100)
			members := map[string]*member{"one": join(t, dsn, "one", looks), "two": join(t, dsn, "two", looks)}
			s, err := postgres.Open(t.Context(), dsn)
			check(t, err)
			defer s.Close()
			d := &deck{T: t, store: s, config: control.New(control.Options{Store: s}).Config()}
			_, err = d.config.ApplyFile(t.Context(), []byte(document), "a file")
			check(t, err)
			id := d.ramp(100, 6*time.Second, "")
			leader := ""
			eventually(t, "two steps", func() bool {
				if n := len(looks); n > 0 {
					leader = <-looks
				}
				return len(d.weights()) >= 2 && leader != ""
			})
			lose(t, dsn, members[leader])
			eventually(t, "the end", func() bool {
				c, err := s.Course(t.Context(), id)
				check(t, err)
				return !c.Ended.IsZero()
			})
			c, err := s.Course(t.Context(), id)
			check(t, err)
			if c.End != fairlead.EndPromoted || c.Seen == nil || (name == "stopped" && c.Seen.Node == leader) {
				t.Errorf("%s led first; the ramp ended %q, seen %+v", leader, c.End, c.Seen)
			}
			if all, want := d.weights(), []int{25, 40, 55, 70, 85, 100}; !slices.Equal(all, want) {
				t.Errorf("the steps were %v, want %v", all, want)
			}
			v, err := s.Verify(t.Context())
			check(t, err)
			if len(v.Faults) > 0 {
				t.Errorf("faults: %q", v.Faults)
			}
		})
	}
}

// eventually waits for something, half a minute at most.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("there is not %s", what)
		}
	}
}

// cutLeaders ends the sessions that hold advisory locks.
func cutLeaders(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	check(t, err)
	defer conn.Close(context.Background())
	var cut int
	err = conn.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&cut)
	check(t, err)
	if cut != 1 {
		t.Fatalf("%d sessions were cut", cut)
	}
}
