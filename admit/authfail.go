package admit

import (
	"net/netip"
	"sync"
	"time"
)

// AuthFailures refuses addresses from which too many requests came whose key did not let them in, before the next key from there is
// looked up. An address of IPv6 stands for its /64, which is what one subscriber has. A success changes nothing: who knows one good
// key does not thereby get to try others. It is for concurrent use.
type AuthFailures struct {
	most   int           // in a window
	window time.Duration // sliding
	room   int           // addresses

	mu    sync.Mutex
	slots map[netip.Addr]*slot
	ring  slot // of all slots: next is that of the oldest last failure
}

// slot holds the last failures of an address: as many as there may be.
type slot struct {
	addr       netip.Addr
	at         []time.Duration // a circle
	first      int             // the oldest of a full circle
	prev, next *slot
}

// NewAuthFailures refuses an address for as long as most (at least 1) of its failures lie within a window. It keeps at most room
// addresses, of some 150 + 8 x most bytes each, and forgets those first whose last failure is the longest ago.
func NewAuthFailures(most int, window time.Duration, room int) *AuthFailures {
	f := &AuthFailures{most: max(most, 1), window: window, room: max(room, 1), slots: map[netip.Addr]*slot{}}
	f.ring.prev, f.ring.next = &f.ring, &f.ring
	return f
}

// Refused reports whether an address is refused, and for how long yet. now is the time of a monotonic clock.
func (f *AuthFailures) Refused(addr netip.Addr, now time.Duration) (wait time.Duration, refused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.slots[network(addr)]
	if s == nil || len(s.at) < f.most {
		return 0, false
	}
	wait = s.at[s.first] + f.window - now
	return max(wait, 0), wait > 0
}

// Failed notes a failure from an address.
func (f *AuthFailures) Failed(addr netip.Addr, now time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(now)
	addr = network(addr)
	s := f.slots[addr]
	if s == nil {
		if len(f.slots) >= f.room {
			f.remove(f.ring.next)
		}
		s = &slot{addr: addr}
		f.slots[addr] = s
	} else {
		s.prev.next, s.next.prev = s.next, s.prev
	}
	s.prev, s.next = f.ring.prev, &f.ring
	s.prev.next, s.next.prev = s, s
	if len(s.at) < f.most {
		s.at = append(s.at, now)
		return
	}
	s.at[s.first] = now
	s.first = (s.first + 1) % f.most
}

// Len is how many addresses are kept.
func (f *AuthFailures) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.slots)
}

// drop drops addresses whose last failure lies before the window, two at most for each that comes.
func (f *AuthFailures) drop(now time.Duration) {
	for range 2 {
		s := f.ring.next
		if s == &f.ring || s.latest()+f.window > now {
			return
		}
		f.remove(s)
	}
}

func (f *AuthFailures) remove(s *slot) {
	s.prev.next, s.next.prev = s.next, s.prev
	delete(f.slots, s.addr)
}

func (s *slot) latest() time.Duration {
	return s.at[(s.first+len(s.at)-1)%len(s.at)]
}

// network is what an address stands for: itself, or its /64.
func network(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return p.Masked().Addr()
}
