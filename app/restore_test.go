//go:build unix

package app_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
	"fairlead/internal/pgtest"
	"fairlead/store"
	"fairlead/store/postgres"
	"fairlead/store/sqlite"
)

// backup makes a backup of a store with two keys.
func backup(t *testing.T) []byte {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "fairlead.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		k, _ := fairlead.NewKey(name, time.Now())
		if _, err := s.CreateKeys(t.Context(), fairlead.Act{At: k.Created, By: "test", Action: "key.create"}, k); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := s.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRestore holds that a backup of SQLite makes the same store in a folder and in PostgreSQL, and that a second one
// into the same place is refused and changes nothing.
func TestRestore(t *testing.T) {
	var server pgtest.Server
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	content := backup(t)
	data := filepath.Join(t.TempDir(), "new", "folder")
	for _, c := range []struct {
		name string
		o    app.RestoreOptions
		open func(context.Context, string) (*store.Store, error)
		at   string
	}{
		{"folder", app.RestoreOptions{Data: data}, sqlite.Open, filepath.Join(data, "fairlead.db")},
		{"database", app.RestoreOptions{Database: server.Database(t)}, postgres.Open, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.From = bytes.NewReader(content)
			done, err := app.Restore(t.Context(), c.o)
			if err != nil || done.Position.Number != 2 || done.At.IsZero() {
				t.Fatalf("%+v, %v", done, err)
			}
			c.o.From = bytes.NewReader(content)
			if _, err := app.Restore(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), "not empty") {
				t.Errorf("a second restore: %v", err)
			}
			s, err := c.open(t.Context(), c.at+c.o.Database)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			keys, err := s.Keys(t.Context(), "", 10)
			if err != nil || len(keys) != 2 || keys[0].Name != "one" {
				t.Errorf("%d keys, %v", len(keys), err)
			}
			if v, err := s.Verify(t.Context()); err != nil || len(v.Faults) != 0 || v.Position != done.Position {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
}

// TestRestoreFails holds that a backup that was cut off leaves no store behind where there was none.
func TestRestoreFails(t *testing.T) {
	content := backup(t)
	data := t.TempDir()
	if _, err := app.Restore(t.Context(), app.RestoreOptions{Data: data, From: bytes.NewReader(content[:len(content)/2])}); err == nil {
		t.Error("half a backup was restored")
	}
	if left, err := os.ReadDir(data); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
