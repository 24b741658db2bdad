package bus

import (
	"slices"
	"sync"

	"fairlead"
)

// values holds large values, by hash, while edges take them in pieces. The oldest go first; an edge that was not done with one
// begins anew.
type values struct {
	mu    sync.Mutex
	held  map[fairlead.Hash][]byte
	order []fairlead.Hash // oldest use first
	bytes int
}

// What values may hold; the last one stays whatever its size.
const (
	valuesCount = 16
	valuesBytes = 64 << 20
)

func newValues() *values { return &values{held: map[fairlead.Hash][]byte{}} }

func (v *values) put(name fairlead.Hash, value []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop(name)
	v.held[name] = value
	v.order = append(v.order, name)
	v.bytes += len(value)
	for len(v.order) > 1 && (len(v.order) > valuesCount || v.bytes > valuesBytes) {
		v.drop(v.order[0])
	}
}

func (v *values) get(name fairlead.Hash) ([]byte, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.held[name]
	if i := slices.Index(v.order, name); i >= 0 {
		v.order = append(slices.Delete(v.order, i, i+1), name)
	}
	return value, ok
}

func (v *values) drop(name fairlead.Hash) {
	value, ok := v.held[name]
	if !ok {
		return
	}
	delete(v.held, name)
	v.order = slices.DeleteFunc(v.order, func(n fairlead.Hash) bool { return n == name })
	v.bytes -= len(value)
}
