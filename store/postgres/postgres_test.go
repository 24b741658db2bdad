package postgres_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"

	"fairlead/store"
	"fairlead/store/postgres"
	"fairlead/store/sqlite"
	"fairlead/store/storetest"
)

func TestContract(t *testing.T) { storetest.Run(t, fresh) }

func fresh(t *testing.T) storetest.Database {
	dsn := server.Database(t)
	return storetest.Database{
		Open: func(ctx context.Context) (*store.Store, error) { return postgres.Open(ctx, dsn) },
		SQL: func(t *testing.T) *sql.DB {
			db, err := sql.Open("pgx", dsn)
			check(t, err)
			t.Cleanup(func() { check(t, db.Close()) })
			return db
		},
	}
}

// TestPortable carries a store from a file to a server and back.
func TestPortable(t *testing.T) {
	file := func(t *testing.T) storetest.Database {
		path := filepath.Join(t.TempDir(), "fairlead.db")
		return storetest.Database{Open: func(ctx context.Context) (*store.Store, error) { return sqlite.Open(ctx, path) }}
	}
	t.Run("from a file", func(t *testing.T) { storetest.RunPortable(t, file(t), fresh(t)) })
	t.Run("to a file", func(t *testing.T) { storetest.RunPortable(t, fresh(t), file(t)) })
}

// TestSessions holds that what was answered survives a crash of the server, however the database is set, and that a node that
// vanishes in a transaction does not hold up the others for ever.
func TestSessions(t *testing.T) {
	dsn := server.Database(t)
	u, err := url.Parse(dsn)
	check(t, err)
	name := strings.TrimPrefix(u.Path, "/")
	statement(t, dsn, `ALTER DATABASE `+name+` SET synchronous_commit = off`)
	defer statement(t, dsn, `ALTER DATABASE `+name+` RESET synchronous_commit`)
	write, err := postgres.WritePool(dsn)
	check(t, err)
	defer write.Close()
	var commit, idle string
	check(t, write.QueryRowContext(t.Context(),
		`SELECT current_setting('synchronous_commit'), current_setting('idle_in_transaction_session_timeout')`).Scan(&commit, &idle))
	if commit != "on" || idle != "15s" {
		t.Errorf("synchronous_commit is %s, idle_in_transaction_session_timeout %s", commit, idle)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
