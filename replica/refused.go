package replica

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"fairlead"
)

// maxHeard bounds the keys that Refuse keeps; each takes about 600 bytes.
const maxHeard = 20_000

// refused are revoked keys that the disk does not have as such: it could not take them, as when it is full, or their
// change was heard and its turn has not come, as while everything is copied. They are refused all the same: a door that
// stays open for want of a disk would be the worse fault. They are forgotten when the disk has them; a process that ends
// before is brought them again by the feed, for its position did not move.
type refused struct {
	some atomic.Int64 // how many, so that a lookup passes by where there are none
	mu   sync.RWMutex
	keys map[fairlead.KeyHash]refusal
}

// refusal is one of them.
type refusal struct {
	key    *fairlead.Key
	number int64 // the disk has it once it has the log up to this change
}

// find gives a refused key, or nil.
func (r *refused) find(hash fairlead.KeyHash) *fairlead.Key {
	if r.some.Load() == 0 {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[hash].key
}

// add keeps the revoked ones of keys, which came up to a change, as long as there is room for them.
func (r *refused) add(keys []fairlead.Key, number int64, room int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		r.keys = map[fairlead.KeyHash]refusal{}
	}
	for i := range keys {
		k := keys[i]
		for _, hash := range hashesOf(&k) {
			old, known := r.keys[hash]
			if k.Active() || (!known && len(r.keys) >= room) {
				continue
			}
			r.keys[hash] = refusal{&k, max(number, old.number)}
		}
	}
	r.some.Store(int64(len(r.keys)))
}

// written forgets what the disk has once it has the log up to a change.
func (r *refused) written(through int64) {
	if r.some.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for hash, one := range r.keys {
		if one.number <= through {
			delete(r.keys, hash)
		}
	}
	if len(r.keys) == 0 {
		r.keys = nil
	}
	r.some.Store(int64(len(r.keys)))
}

// refuse keeps the revoked ones of keys that the disk did not take, which came up to a change.
func (r *Replica) refuse(keys []fairlead.Key, number int64) {
	r.refused.add(keys, number, 2*len(keys)+maxHeard)
}

// Refuse has the keys refused at once that a change revokes which was heard and cannot be applied yet. Once it returns,
// lookups decide by that, whatever copy comes in between, until the replica stands at the change or past it. Neither number nor
// hash is held against the log, of which it may be no part, or of one that is not here yet: who is believed may revoke. At most
// 20,000 keys are kept; the others wait for their change. It waits for no Apply and no Commit.
func (r *Replica) Refuse(ctx context.Context, c fairlead.Change) {
	// As StoredKey writes it: most changes of keys revoke none, and need not be read twice.
	if c.Kind != fairlead.ChangeKey || !bytes.Contains(c.Content, []byte(`"revoked":`)) {
		return
	}
	if c.Number <= r.now.Load().at.Number {
		if known, err := r.readKnown(ctx, c.Number); err == nil && known.Number == c.Number && known.Hash == c.Hash {
			return // it is applied
		}
	}
	r.refused.add(keysOf([]fairlead.Change{c}), c.Number, maxHeard)
}
