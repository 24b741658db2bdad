// Package migrations holds the schema of the truth as goose migrations. One set serves every back
// end, so the SQL keeps to what SQLite and PostgreSQL both speak: BIGINT microseconds for times,
// BYTEA for bytes (SQLite stores a blob as it is under any column type), TEXT for the rest, row
// values, UPDATE ... RETURNING. Numbers and identifiers come from the program, never from the
// database's own sequences, clocks or random functions.
package migrations

import "embed"

// FS holds the migrations, in order, at its top level.
//
//go:embed *.sql
var FS embed.FS
