package postgres

import "database/sql"

// WritePool is the pool that a store writes through.
func WritePool(dsn string) (*sql.DB, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	return writePool(config), nil
}
