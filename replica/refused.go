package replica

import (
	"maps"

	"fairlead"
)

// refused are revoked keys that the disk could not take, such as when it is full. They are refused all the
// same: a door that stays open for want of a disk would be the worse fault. They are forgotten when the
// disk has them; a process that ends before is brought them again by the feed, for its position did not move.
type refused struct {
	keys    map[fairlead.KeyHash]*fairlead.Key // never changed once it is stored
	through int64                              // the change up to which all of them came
}

// refuse keeps the revoked ones of keys, which came up to a change.
func (r *Replica) refuse(keys []fairlead.Key, through int64) {
	n := &refused{keys: map[fairlead.KeyHash]*fairlead.Key{}, through: through}
	if old := r.refused.Load(); old != nil {
		maps.Copy(n.keys, old.keys)
		n.through = max(n.through, old.through)
	}
	for i := range keys {
		if !keys[i].Active() {
			k := keys[i]
			n.keys[k.Hash] = &k
		}
	}
	if len(n.keys) > 0 {
		r.refused.Store(n)
	}
}

// written forgets the refused keys once the disk has all changes that revoked them.
func (r *Replica) written(through int64) {
	if n := r.refused.Load(); n != nil && n.through <= through {
		r.refused.Store(nil)
	}
}
