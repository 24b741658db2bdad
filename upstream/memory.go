package upstream

import (
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/provider"
)

// largeScratch is how many members scratch memory may have to be kept for another walk.
const largeScratch = 256

// memory is what an attempt writes its call to and reads a whole answer into. It serves one attempt after
// another, and never two at once.
type memory struct {
	call    provider.Call
	scratch jsonscan.Object // for scanning whole answers
	room    []byte          // for reading them
	told    dialect.Told    // by a stream
}

// reset forgets what it held, and keeps no large memory.
func (m *memory) reset() {
	m.scratch.Reset()
	if cap(m.scratch.Members) > largeScratch {
		m.scratch = jsonscan.Object{}
	}
	m.call.Reset()
	if cap(m.room) > firstRead {
		m.room = nil
	}
	if t := &m.told; cap(t.Text)+cap(t.ID)+cap(t.Model) > firstRead {
		*t = dialect.Told{}
	}
	m.told.Begin()
}

// lean drops what a stream, which can last long, has no use for.
func (m *memory) lean() {
	m.call.Drop()
	m.room = nil
}
