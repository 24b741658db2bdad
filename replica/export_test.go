package replica

import "time"

// Remember bounds the changes that are remembered otherwise than by default.
func (r *Replica) Remember(changes int64, t time.Duration, bytes int64) {
	r.file.remember = bounds{changes, t, bytes}
}

// WithCache bounds the keys kept in memory, instead of CachedKeys.
func WithCache(keys int) Option { return func(r *Replica) { r.size = keys } }

// Cached is how many keys are in memory, once what is over the bound has left.
func (r *Replica) Cached() int {
	c := r.cache.Load()
	c.CleanUp()
	return c.EstimatedSize()
}

// MaxHeard bounds the keys that Refuse keeps.
const MaxHeard = maxHeard

// Refused is how many keys are refused that the disk does not have as revoked.
func (r *Replica) Refused() int { return int(r.refused.some.Load()) }

// HoldWriting keeps all appliers out until it is called.
func (r *Replica) HoldWriting() (release func()) {
	r.writing.Lock()
	return r.writing.Unlock
}
