package datasync_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fairlead/internal/datasync"
)

// TestSync holds that files are synced for several at once, with a queue and without one, and that an error is told.
func TestSync(t *testing.T) {
	if err := datasync.Refusal(); err != nil {
		t.Error("the system refuses a queue for another reason than that it has none to give:", err)
	}
	s := datasync.New()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if _, err := f.WriteString("a line\n"); err != nil {
					t.Error(err)
				}
				if err := s.Sync(f); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if done, possible, err := datasync.Queued(s, f); done != possible || err != nil {
		t.Errorf("done by the queue: %v, where that is possible: %v; %v", done, possible, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Sync(f); err != nil {
		t.Errorf("after Close: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(f); err == nil {
		t.Error("a closed file is synced")
	}
}

// BenchmarkSync writes a line and syncs it.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	s := datasync.New()
	for b.Loop() {
		_, _ = f.WriteAt([]byte("a line\n"), 0)
		if err := s.Sync(f); err != nil {
			b.Fatal(err)
		}
	}
}
