package sqlite_test

import (
	"path/filepath"
	"testing"

	"fairlead/store"
	"fairlead/store/sqlite"
	"fairlead/store/storetest"
)

func BenchmarkStore(b *testing.B) { storetest.Bench(b, benchStore) }

// BenchmarkSettle has its bars in docs/adr/0030-the-ledger-in-sql.md.
func BenchmarkSettle(b *testing.B) { storetest.BenchSettle(b, benchStore) }

// BenchmarkMillionKeys takes a minute or two: go test -bench Million -benchtime 1x ./store/sqlite
func BenchmarkMillionKeys(b *testing.B) { storetest.BenchMillion(b, benchStore(b)) }

func benchStore(b *testing.B) *store.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "fairlead.db"))
	check(b, err)
	b.Cleanup(func() { check(b, s.Close()) })
	return s
}
