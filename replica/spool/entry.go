package spool

import (
	"encoding/binary"

	"fairlead"
)

// entry says where a frame's lines stand in its segment. Entries have one size, so that the one of a sequence is found
// without reading the others: six big-endian numbers (sequence, from, to, lines, microseconds since 1970; then the
// hash; then the CRC-32C of all that).
type entry struct {
	sequence int64
	from, to int64 // bytes of the segment
	count    int64
	at       int64
	hash     fairlead.Hash
}

const entrySize = 5*8 + len(fairlead.Hash{}) + 4

func (e *entry) append(b []byte) []byte {
	start := len(b)
	for _, n := range []int64{e.sequence, e.from, e.to, e.count, e.at} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, e.hash[:]...)
	return binary.BigEndian.AppendUint32(b, checksum(b[start:]))
}

// readEntry reads what append writes; false where that is damaged.
func readEntry(b []byte) (e entry, ok bool) {
	if len(b) != entrySize || checksum(b[:entrySize-4]) != binary.BigEndian.Uint32(b[entrySize-4:]) {
		return entry{}, false
	}
	for i, n := range []*int64{&e.sequence, &e.from, &e.to, &e.count, &e.at} {
		*n = int64(binary.BigEndian.Uint64(b[i*8:]))
	}
	copy(e.hash[:], b[5*8:])
	return e, e.sequence > 0 && e.from >= 0 && e.to >= e.from && e.count >= 0
}
