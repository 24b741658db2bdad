package datasync

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLostAnswer holds that an answer which was not heard is an error, and is not taken for the answer to what is asked next.
func TestLostAnswer(t *testing.T) {
	s := New()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s.queue == nil {
		return // TestSync tells whether that is the system's doing
	}
	if err := s.queue.told.SetReadDeadline(time.Unix(1, 0)); err != nil { // the next wait fails before the disk has answered
		t.Fatal(err)
	}
	if err := s.Sync(f); err == nil {
		t.Error("an answer that was not heard is success")
	}
	if _, possible, _ := Queued(s, f); possible {
		t.Error("the queue is asked again, and may give the answer that was not heard")
	}
	if err := errors.Join(s.Sync(f), s.Close()); err != nil {
		t.Error(err)
	}
}
