package harness

import (
	"bytes"
	"encoding/json"
	"sync"
)

// tail keeps the end of a long log.
func tail(s string) string {
	const most = 16 << 10
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// Output collects what a process writes while others read it.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes more.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String gives all so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// banner reads what `serve -o json` prints first: where it serves. A child's writes come from one
// goroutine.
type banner struct {
	text bytes.Buffer
	said chan served
	done bool
}

type served struct{ Data, Control string }

func newBanner() *banner { return &banner{said: make(chan served, 1)} }

// Write takes more, until the document is whole.
func (b *banner) Write(p []byte) (int, error) {
	if b.done {
		return len(p), nil
	}
	b.text.Write(p)
	var where served
	if err := json.Unmarshal(b.text.Bytes(), &where); err == nil {
		b.said <- where
		b.done = true
	}
	return len(p), nil
}
