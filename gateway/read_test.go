package gateway

import (
	"testing"

	"fairlead"
)

// TestRoomOfABody holds that a small body's memory is used again, that a large one's is not kept, and that what is
// counted is what bodies hold.
func TestRoomOfABody(t *testing.T) {
	var gate bodies
	b := body{gate: &gate, limit: fairlead.Settings{MaxBody: 1 << 20, MaxBodies: 1 << 20}}
	var first *byte
	for _, c := range []struct {
		size int64
		same bool // as the first one's memory
	}{
		{1000, true},
		{500, true},
		{1000, true},
		{firstBody + 1, false},
		{700, true},
		{firstBody, false},
	} {
		if err := b.grow(c.size); err != nil {
			t.Fatal(err)
		}
		memory := &b.data[:1][0]
		if first == nil {
			first = memory
		}
		if len(b.data) != 0 || int64(cap(b.data)) != c.size || (memory == first) != c.same {
			t.Errorf("%d bytes: length %d, room for %d, the first one's memory: %t", c.size, len(b.data), cap(b.data), memory == first)
		}
		if got := gate.made.Load(); got != c.size {
			t.Errorf("%d bytes: %d are counted", c.size, got)
		}
		b.release()
	}
	if gate.made.Load() != 0 || gate.used.Load() != 0 || cap(b.room) != firstBody {
		t.Errorf("at the end %d bytes are counted, %d reserved, %d kept", gate.made.Load(), gate.used.Load(), cap(b.room))
	}
}
