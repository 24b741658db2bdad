package health

import (
	"maps"
	"sync/atomic"
)

// table is a map that is read without a lock and replaced as a whole under the Board's.
type table[K comparable, V any] struct{ m atomic.Pointer[map[K]V] }

func (t *table[K, V]) all() map[K]V {
	if m := t.m.Load(); m != nil {
		return *m
	}
	return nil
}

func (t *table[K, V]) get(k K) V { return t.all()[k] }

func (t *table[K, V]) set(m map[K]V) { t.m.Store(&m) }

func (t *table[K, V]) put(k K, v V) {
	m := maps.Clone(t.all())
	if m == nil {
		m = map[K]V{}
	}
	m[k] = v
	t.set(m)
}

func (t *table[K, V]) getOr(k K, fresh func() V) V {
	if v, ok := t.all()[k]; ok {
		return v
	}
	v := fresh()
	t.put(k, v)
	return v
}

func (t *table[K, V]) keep(good func(V) bool) {
	m := maps.Clone(t.all())
	maps.DeleteFunc(m, func(_ K, v V) bool { return !good(v) })
	t.set(m)
}
