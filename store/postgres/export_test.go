package postgres

import (
	"context"
	"database/sql"
	"time"

	"fairlead/store"
)

// OpenLooking opens a store that looks for a time whether a write was done.
func OpenLooking(ctx context.Context, dsn string, look time.Duration) (*store.Store, error) {
	return open(ctx, dsn, look)
}

// WritePool is the pool that a store writes through.
func WritePool(dsn string) (*sql.DB, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	return writePool(config), nil
}
