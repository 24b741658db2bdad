package jsonscan

import (
	"bytes"
	"hash/maphash"
)

// fewNames is how many names an object may have before they are searched by hash and no longer one by one.
const fewNames = 32

// openObject is an object whose end the scanner has not reached. Its names are those of the scanner from
// base on.
type openObject struct {
	base  int
	table *nameTable // nil while the names are few
}

// has reports whether name is among the object's names, which are names[base:]; the caller appends it
// if it is not.
func (o *openObject) has(names [][]byte, name []byte) bool {
	own := names[o.base:]
	if len(own) >= fewNames {
		if o.table == nil {
			o.table = newNameTable(own)
		}
		return o.table.has(own, name)
	}
	for _, other := range own {
		if len(other) == len(name) && bytes.Equal(other, name) {
			return true
		}
	}
	return false
}

// nameTable finds names by a hash with a secret seed, so that no one can choose names that collide: open
// addressing, each slot the upper half of a hash and an index + 1.
type nameTable struct {
	seed  maphash.Seed
	slots []uint64 // a power of two, at most half full
	used  int
}

func newNameTable(names [][]byte) *nameTable {
	t := &nameTable{seed: maphash.MakeSeed(), slots: make([]uint64, 4*fewNames)}
	for i, name := range names {
		t.put(t.hash(name), i)
	}
	return t
}

func (t *nameTable) hash(name []byte) uint64 { return maphash.Bytes(t.seed, name) }

// has looks for name in names and puts it in as the next one if it is not there.
func (t *nameTable) has(names [][]byte, name []byte) bool {
	h := t.hash(name)
	mask := uint64(len(t.slots) - 1)
	for at := h & mask; t.slots[at] != 0; at = (at + 1) & mask {
		if slot := t.slots[at]; slot>>32 == h>>32 && bytes.Equal(names[uint32(slot)-1], name) {
			return true
		}
	}
	if 2*(t.used+1) > len(t.slots) {
		t.grow(names)
	}
	t.put(h, len(names))
	return false
}

func (t *nameTable) put(h uint64, index int) {
	mask := uint64(len(t.slots) - 1)
	at := h & mask
	for t.slots[at] != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = h>>32<<32 | uint64(index+1)
	t.used++
}

func (t *nameTable) grow(names [][]byte) {
	t.slots, t.used = make([]uint64, 2*len(t.slots)), 0
	for i, name := range names {
		t.put(t.hash(name), i)
	}
}
