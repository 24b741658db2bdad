// Package datasync has the disk keep what files hold. On Linux no thread waits for that: a thread that waits in a system
// call for a disk has Go's scheduler look for another one, and its watcher look every few microseconds what became of it.
package datasync

import (
	"fmt"
	"os"
	"sync"
)

// Syncer syncs files. Its methods may be called from several goroutines; one file at a time is synced.
type Syncer struct {
	mu    sync.Mutex
	queue *queue // nil = a thread waits
}

// New gives a Syncer. Where the system does not let it queue, as some containers do, threads wait.
func New() *Syncer {
	q, err := openQueue()
	if err != nil {
		q = nil
	}
	return &Syncer{queue: q}
}

// Sync returns when the disk has what was written to the file before, and of what is known about the file what is needed
// to read that.
func (s *Syncer) Sync(f *os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	done, err := s.queue.sync(f)
	switch {
	case done:
	case err == nil:
		err = syncData(f)
	default: // the answer may come yet, and would be taken for that to the next question
		_ = s.queue.close()
		s.queue = nil
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", f.Name(), err)
	}
	return nil
}

// Close gives back what the system lent.
func (s *Syncer) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.queue.close()
	s.queue = nil
	return err
}
