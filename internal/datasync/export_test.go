package datasync

import "os"

// Queued syncs a file and reports whether the system queued that; possible is false where it lets nothing be queued.
func Queued(s *Syncer, f *os.File) (asked, possible bool, err error) {
	asked, err = s.queue.sync(f)
	return asked, s.queue != nil, err
}
