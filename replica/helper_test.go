package replica_test

import (
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC)

func newKey() fairlead.Key {
	k, _ := fairlead.NewKey("key of a test", start)
	return k
}

func revoked(k fairlead.Key) fairlead.Key {
	k.Revoked = start.Add(time.Hour)
	return k
}

func open(t testing.TB, dir string, options ...replica.Option) *replica.Replica {
	t.Helper()
	r, err := replica.Open(t.Context(), dir, options...)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

// apply applies changes of a log named "a".
func apply(t testing.TB, r *replica.Replica, changes ...fairlead.Change) {
	t.Helper()
	check(t, r.Apply(t.Context(), "a", changes))
}

// wantAt holds where a replica stands, and with what.
func wantAt(t *testing.T, r *replica.Replica, l *changelog.Log) {
	t.Helper()
	at, err := r.Position(t.Context())
	check(t, err)
	state, err := r.State(t.Context())
	check(t, err)
	if at != l.At || !reflect.DeepEqual(state, l.State) {
		t.Errorf("stands at %+v with %+v;\nwant %+v with %+v", at, state, l.At, l.State)
	}
}

// wantFound looks twice: at the disk and at the cache.
func wantFound(t *testing.T, r *replica.Replica, want, gone []fairlead.Key) {
	t.Helper()
	for range 2 {
		for _, k := range want {
			if got, found, err := r.Key(t.Context(), k.Hash); err != nil || !found || !reflect.DeepEqual(*got, k) {
				t.Errorf("got %+v, %v, %v; want %+v", got, found, err, k)
			}
		}
		for _, k := range gone {
			if got, found, err := r.Key(t.Context(), k.Hash); err != nil || found || got != nil {
				t.Errorf("got %+v, %v, %v; want no key", got, found, err)
			}
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// nthHash spreads n over the hash as a real one would.
func nthHash(n int) fairlead.KeyHash {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	return fairlead.HashKey(string(b[:]))
}
