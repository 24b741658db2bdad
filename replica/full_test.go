package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// TestFullDisk holds, in a process whose files may not grow any more, that what is known serves on, that what was
// revoked is refused, that nothing half is left, and that the next try heals.
func TestFullDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=full", childFolder+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("healed")) {
		t.Errorf("%v: %s", err, out)
	}
}

// fillDisk is the process of TestFullDisk.
func fillDisk(dir string) error {
	ctx := context.Background()
	r, err := replica.Open(ctx, dir)
	if err != nil {
		return err
	}
	l := changelog.New("a")
	good, bad := newKey(), newKey()
	if err := r.Apply(ctx, "a", []fairlead.Change{l.Keys(good, bad), l.Revise(docOne)}); err != nil {
		return err
	}
	before := *l
	next := []fairlead.Change{l.Keys(revoked(bad)), l.Revise(docTwo), l.Add("large", []byte(strings.Repeat("x", 1<<20)))}

	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	full := limit
	full.Cur = 256 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		return err
	}
	for range 3 {
		if err := r.Apply(ctx, "a", next); err == nil {
			return errors.New("the full disk took the changes")
		} else if errors.Is(err, replica.ErrUnfit) || errors.Is(err, replica.ErrBroken) {
			return fmt.Errorf("the full disk is taken for another fault: %w", err)
		}
		if err := holds(ctx, r, &before, good, revoked(bad)); err != nil {
			return fmt.Errorf("on the full disk: %w", err)
		}
		if c, err := r.BeginCopy(ctx, fairlead.Position{}); err == nil {
			err = errors.Join(c.Rest(ctx, l.State, nil), c.Apply(ctx, next), c.Commit(ctx, "a"))
			if err == nil {
				return errors.New("the full disk took a copy")
			}
			if err := c.Discard(); err != nil {
				return err
			}
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := r.Apply(ctx, "a", next); err != nil {
		return err
	}
	for range 2 {
		if err := holds(ctx, r, l, good, revoked(bad)); err != nil {
			return fmt.Errorf("with room again: %w", err)
		}
		if err := r.Close(); err != nil {
			return err
		}
		if r, err = replica.Open(ctx, dir); err != nil {
			return err
		}
	}
	fmt.Println("healed")
	return r.Close()
}

// holds says in what a replica differs from a log and keys.
func holds(ctx context.Context, r *replica.Replica, l *changelog.Log, keys ...fairlead.Key) error {
	for _, k := range keys {
		if got, found, err := r.Key(ctx, k.Hash); err != nil || !found || !reflect.DeepEqual(*got, k) {
			return fmt.Errorf("the key is %+v, %v, %w; want %+v", got, found, err, k)
		}
	}
	at, err := r.Position(ctx)
	if err != nil || at != l.At {
		return fmt.Errorf("it is at %+v, %w; want %+v", at, err, l.At)
	}
	s, err := r.State(ctx)
	if err != nil || !bytes.Equal(s.Document, l.State.Document) || s.Revision != l.State.Revision {
		return fmt.Errorf("it holds %s, %w; want %s", s.Document, err, l.State.Document)
	}
	return nil
}
