//go:build linux || darwin

package sqlite_test

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"fairlead"
)

// limitFiles bounds how long a file of this process may become, as a full disk would, until it is given back.
func limitFiles(t *testing.T, bytes int64) (giveBack func()) {
	t.Helper()
	var before syscall.Rlimit
	check(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	bound := before
	bound.Cur = uint64(bytes)
	check(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &bound))
	return func() { check(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)) }
}

// TestFullDisk: a write that finds no room changes nothing and says whose fault it is; reads go on, and so do writes once there is room.
func TestFullDisk(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "fairlead.db"))
	wal, err := os.Stat(filepath.Join(dir, "fairlead.db-wal"))
	check(t, err)
	giveBack := limitFiles(t, wal.Size()+64<<10)
	defer giveBack()
	written := 0
	for ; ; written++ {
		k, _ := fairlead.NewKey("a key", time.Now())
		_, err := s.CreateKeys(t.Context(), fairlead.Act{Action: "key.create"}, k)
		if err == nil && written < 1000 {
			continue
		}
		var e *fairlead.Error
		if !errors.As(err, &e) || e.Code != fairlead.CodeControlUnavailable {
			t.Fatalf("key %d: %v", written, err)
		}
		break
	}
	keys, err := s.Keys(t.Context(), "", 10_000)
	if err != nil || len(keys) != written || written == 0 {
		t.Errorf("%d keys (%v), want %d", len(keys), err, written)
	}
	giveBack()
	k, _ := fairlead.NewKey("a key", time.Now())
	c, err := s.CreateKeys(t.Context(), fairlead.Act{Action: "key.create"}, k)
	if err != nil || c.Number != int64(written)+1 {
		t.Errorf("after there was room: change %d, %v", c.Number, err)
	}
	if v, err := s.Verify(t.Context()); err != nil || len(v.Faults) > 0 {
		t.Errorf("%q, %v", v.Faults, err)
	}
}
