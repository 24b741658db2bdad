package datasync

// Queued reports whether no thread waits.
func Queued(s *Syncer) bool { return s.queue != nil }
