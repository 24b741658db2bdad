package datasync

import (
	"os"
	"time"
)

// Queued syncs a file by the queue and reports whether that did it; possible is false where the system lets nothing be queued.
func Queued(s *Syncer, f *os.File) (done, possible bool, err error) {
	done, err = s.queue.sync(f)
	return done, s.queue != nil, err
}

// Deafen has the queue's next wait fail before the disk has answered.
func Deafen(s *Syncer) (possible bool) {
	return s.queue != nil && s.queue.told.SetReadDeadline(time.Unix(1, 0)) == nil
}
