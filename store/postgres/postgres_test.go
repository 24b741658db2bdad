package postgres_test

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"

	"fairlead/store"
	"fairlead/store/postgres"
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
