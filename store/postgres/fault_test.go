package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fairlead"
	"fairlead/store"
	"fairlead/store/postgres"
	"fairlead/test/harness"
)

func open(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// at is a connection string of the same database by another address, without TLS.
func at(t *testing.T, dsn, address string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	check(t, err)
	u.Host, u.RawQuery = address, "sslmode=disable"
	return u.String()
}

func create(ctx context.Context, s *store.Store) (fairlead.Key, fairlead.Change, error) {
	k, _ := fairlead.NewKey("a key", time.Now())
	c, err := s.CreateKeys(ctx, fairlead.Act{By: "admin", Action: "key.create", Target: k.ID}, k)
	return k, c, err
}

func wantCode(t *testing.T, err error, want fairlead.Code) {
	t.Helper()
	var e *fairlead.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Errorf("got error %v, want code %s", err, want)
	}
}

func wantWhole(t *testing.T, s *store.Store) fairlead.Verified {
	t.Helper()
	v, err := s.Verify(t.Context())
	check(t, err)
	if len(v.Faults) > 0 {
		t.Errorf("faults: %q", v.Faults)
	}
	return v
}

// statement runs one statement beside the store.
func statement(t *testing.T, dsn, text string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	check(t, err)
	_, err = c.Exec(t.Context(), text)
	check(t, errors.Join(err, c.Close(t.Context())))
}

// crowd writes keys from several goroutines, through the same store all the time, and notes what became of each.
type crowd struct {
	sync.Mutex
	done    map[string]fairlead.Change // by the key's id
	refused map[string]bool            // those of which it was said that nothing was changed
	enough  chan struct{}              // gets one value a success
}

func (c *crowd) run(ctx context.Context, t *testing.T, s *store.Store) {
	for ctx.Err() == nil {
		k, change, err := create(t.Context(), s)
		c.Lock()
		switch {
		case err == nil:
			c.done[k.ID] = change
		case fairlead.AsError(err).Code != fairlead.CodeControlUnavailable:
			t.Errorf("a write ended with %v", err)
		case !errors.Is(err, store.ErrUnknown):
			c.refused[k.ID] = true
		}
		c.Unlock()
		if err == nil {
			select {
			case c.enough <- struct{}{}:
			default:
			}
		}
	}
}

// TestKilled kills the server in the middle of writes, several times. What was answered is there, what was refused is not,
// and the same store goes on once the server is back.
func TestKilled(t *testing.T) {
	s := open(t, server.Database(t))
	c := &crowd{done: map[string]fairlead.Change{}, refused: map[string]bool{}, enough: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { c.run(ctx, t, s) })
	}
	for _, end := range []func() error{server.Kill, server.Stop, server.Kill} {
		for range 30 {
			<-c.enough
		}
		check(t, end())
		check(t, server.Restart())
	}
	for range 30 {
		<-c.enough
	}
	stop()
	wg.Wait()

	keys, err := s.Keys(t.Context(), "", 1<<20)
	check(t, err)
	have := map[string]bool{}
	for _, k := range keys {
		have[k.ID] = true
	}
	for id, change := range c.done {
		is, err := s.HasChange(t.Context(), change.Number, change.Hash)
		if !have[id] || !is || err != nil {
			t.Errorf("key %s of change %d was answered and is gone (%v)", id, change.Number, err)
		}
	}
	for id := range c.refused {
		if have[id] {
			t.Errorf("of key %s it was said that nothing was changed, and it is there", id)
		}
	}
	if v := wantWhole(t, s); v.Changes != int64(len(keys)) || len(keys) < len(c.done) {
		t.Errorf("%d changes, %d keys, %d answered", v.Changes, len(keys), len(c.done))
	}
	t.Logf("%d answered, %d refused", len(c.done), len(c.refused))
}

// TestAnswerOfCommitLost cuts the connection where it hurts: the server has the COMMIT, or is just to get it, and nobody hears the
// answer. The write is made once, and its change is the one that is given.
func TestAnswerOfCommitLost(t *testing.T) {
	for name, delivered := range map[string]bool{"committed": true, "not committed": false} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			cut := newCutter(t, server.Address(), delivered)
			s := open(t, at(t, dsn, cut.address))
			_, _, err := create(t.Context(), s)
			check(t, err)
			for n := range int64(3) {
				cut.arm()
				k, change, err := create(t.Context(), s)
				check(t, err)
				if cut.armed() {
					t.Fatal("nothing was cut")
				}
				if change.Number != n+2 || !strings.Contains(string(change.Content), k.ID) {
					t.Errorf("change %d says %s", change.Number, change.Content)
				}
			}
			if v := wantWhole(t, s); v.Changes != 4 || v.Entries != 4 {
				t.Errorf("walked %+v", v)
			}
		})
	}
}

// TestOutcomeUnknown loses the database for good with the answer to a COMMIT. The caller is told that the write may have been done, and
// not that nothing was changed; what it finds later is whole in either case, and the same store goes on.
func TestOutcomeUnknown(t *testing.T) {
	for name, delivered := range map[string]bool{"committed": true, "not committed": false} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			cut := newCutter(t, server.Address(), delivered)
			cut.stays = true
			s, err := postgres.OpenLooking(t.Context(), at(t, dsn, cut.address), 500*time.Millisecond)
			check(t, err)
			t.Cleanup(func() { check(t, s.Close()) })
			cut.arm()
			k, _, err := create(t.Context(), s)
			wantCode(t, err, fairlead.CodeControlUnavailable)
			var e *fairlead.Error
			if !errors.Is(err, store.ErrUnknown) || !errors.As(err, &e) || e.HTTPStatus() != 503 || e.Hint == "" || !strings.Contains(e.Message, "not known") {
				t.Errorf("got %v: %+v", err, e)
			}
			cut.heal()
			keys, err := s.Keys(t.Context(), "", 10)
			check(t, err)
			if there := len(keys) == 1 && keys[0].ID == k.ID; there != delivered || len(keys) > 1 {
				t.Errorf("afterwards the keys are %+v", keys)
			}
			_, change, err := create(t.Context(), s)
			check(t, err)
			if want := int64(len(keys)) + 1; change.Number != want {
				t.Errorf("the next change is %d, want %d", change.Number, want)
			}
			wantWhole(t, s)
		})
	}
}

// TestUnreachable: calls end with their context, and say whose fault it is; the store goes on when the way is open again.
func TestUnreachable(t *testing.T) {
	dsn := server.Database(t)
	proxy := harness.NewProxy(t, server.Address())
	s := open(t, at(t, dsn, proxy.Addr))
	_, _, err := create(t.Context(), s)
	check(t, err)
	for name, fault := range map[string]func(){"cut": proxy.Cut, "black hole": proxy.Hole} {
		fault()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := s.Head(ctx)
		if wantCode(t, err, fairlead.CodeControlUnavailable); err == nil {
			t.Errorf("%s: a read succeeded", name)
		}
		_, _, err = create(ctx, s)
		if wantCode(t, err, fairlead.CodeControlUnavailable); errors.Is(err, store.ErrUnknown) {
			t.Errorf("%s: nothing was committed, and that is known: %v", name, err)
		}
		cancel()
		proxy.Heal()
		if _, _, err := create(t.Context(), s); err != nil {
			t.Errorf("%s: after it healed: %v", name, err)
		}
	}
	wantWhole(t, s)
}

// TestCutOff ends all connections of a store that is idle: the next calls do not notice.
func TestCutOff(t *testing.T) {
	dsn := server.Database(t)
	s := open(t, dsn)
	for range 3 {
		_, _, err := create(t.Context(), s)
		check(t, err)
		statement(t, dsn, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if _, err := s.Head(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wantWhole(t, s)
}

// TestCutOffAtOnce ends many connections that wait in the pool, as a restart of the server does: the next calls do not notice.
func TestCutOffAtOnce(t *testing.T) {
	dsn := server.Database(t)
	s := open(t, dsn)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, _, err := create(t.Context(), s)
			_, errRead := s.Keys(t.Context(), "", 10)
			if err := errors.Join(err, errRead); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	check(t, server.Stop())
	check(t, server.Restart())
	if _, err := s.Head(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, err := create(t.Context(), s); err != nil {
		t.Error(err)
	}
}

// TestManyNodesBegin opens an empty database from several nodes at once: one schema, one log, one key of the fleet.
func TestManyNodesBegin(t *testing.T) {
	dsn := server.Database(t)
	var mu sync.Mutex
	logs, kept := map[string]int{}, map[string]int{}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			p, err := s.Head(t.Context())
			sealed, errVault := s.PutVault(t.Context(), "fleet", fmt.Append(nil, n))
			if err := errors.Join(err, errVault, s.Close()); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			logs[p.Log]++
			kept[string(sealed)]++
		})
	}
	wg.Wait()
	if len(logs) != 1 || len(kept) != 1 {
		t.Errorf("logs %v, keys %v", logs, kept)
	}
}

func TestOpenRefuses(t *testing.T) {
	dsn := server.Database(t)
	u, err := url.Parse(dsn)
	check(t, err)
	name := strings.TrimPrefix(u.Path, "/")
	for _, c := range []struct{ what, dsn, statement, want string }{
		{"no server", "postgres://u:hush@127.0.0.1:1/db", ``, "connect"},
		{"nonsense", "postgres://u:hush@127.0.0.1:nonsense/db", ``, "cannot parse"},
		{"a standby", dsn + "&default_transaction_read_only=on", ``, "read only"},
		{"a newer schema", dsn, `CREATE TABLE goose_db_version (id INT PRIMARY KEY, version_id BIGINT NOT NULL, is_applied BOOLEAN NOT NULL, tstamp TIMESTAMP);
			INSERT INTO goose_db_version SELECT n + 1, n, true FROM generate_series(0, 999) n`, "newer"},
		{"another encoding", strings.Replace(dsn, name, name+"_latin", 1), `CREATE DATABASE ` + name + `_latin TEMPLATE template0 ENCODING 'LATIN1'`, "UTF8"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.statement != "" {
				statement(t, dsn, c.statement)
			}
			s, err := postgres.Open(t.Context(), c.dsn)
			if err == nil {
				check(t, s.Close())
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want an error with %q and without the password", err, c.want)
			}
		})
	}
}
