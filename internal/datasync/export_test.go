package datasync

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Refusal gives why there is no queue, where that is not the system's own word: it has none, does not allow it, or has no more.
func Refusal() error {
	q, err := openQueue()
	for _, own := range []error{errors.ErrUnsupported, fs.ErrPermission, syscall.EAGAIN} {
		if errors.Is(err, own) {
			return nil
		}
	}
	return errors.Join(err, q.close())
}

// Queued syncs a file by the queue and reports whether that did it; possible is false where the system lets nothing be queued.
func Queued(s *Syncer, f *os.File) (done, possible bool, err error) {
	done, err = s.queue.sync(f)
	return done, s.queue != nil, err
}
