package bus_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"fairlead/bus"
)

// heardWords are words in the order in which they came.
type heardWords struct {
	mu   sync.Mutex
	list []string
}

func (h *heardWords) add(word string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, word)
}

func (h *heardWords) has(word string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.list, word)
}

func (h *heardWords) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

// TestWords holds that what control tells comes to every node, and what a node says to every control node in its own
// name: over links between the nodes, and in one process.
func TestWords(t *testing.T) {
	f := newFleet(t)
	one := f.control("one", bus.Options{})
	paris, rome := f.edge(f.join("paris", one.Address())), f.edge(f.join("rome", one.Address()))
	var down, up heardWords
	for name, b := range map[string]*bus.Bus{"one": one, "paris": paris, "rome": rome} {
		running(t, "told", func(ctx context.Context) error {
			return b.Told(ctx, "watch", func(body []byte) { down.add(name + " " + string(body)) })
		})
	}
	running(t, "said", func(ctx context.Context) error {
		return one.Said(ctx, "evidence", func(node string, body []byte) { up.add(node + " " + string(body)) })
	})
	for _, name := range []string{"one", "paris", "rome"} {
		eventually(t, "the word at "+name, func() bool {
			one.Tell("watch", []byte("a"))
			one.Tell("other", []byte("b"))
			return down.has(name + " a")
		})
	}
	eventually(t, "all words of nodes", func() bool {
		for name, b := range map[string]*bus.Bus{"one": one, "paris": paris, "rome": rome} {
			b.Say("evidence", []byte("of "+name))
			b.Say("other", []byte("b"))
			b.Tell("watch", []byte("from "+name)) // an edge may not
		}
		return up.has("one of one") && up.has("paris of paris") && up.has("rome of rome") && down.has("paris from one")
	})
	for _, word := range slices.Concat(down.all(), up.all()) {
		switch word {
		case "one a", "paris a", "rome a", "one of one", "paris of paris", "rome of rome", "one from one", "paris from one", "rome from one":
		default:
			t.Errorf("came %q", word)
		}
	}
}

// lockedText is text that many write.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestLargeWord holds that a word that is too large is lost with a warning, and nothing else with it.
func TestLargeWord(t *testing.T) {
	said := &lockedText{}
	b := startBus(t, bus.Options{Log: slog.New(slog.NewTextHandler(said, nil))})
	var up heardWords
	running(t, "said", func(ctx context.Context) error {
		return b.Said(ctx, "evidence", func(_ string, body []byte) { up.add(string(body[:1])) })
	})
	eventually(t, "the next word", func() bool {
		b.Say("evidence", bytes.Repeat([]byte("l"), 2<<20))
		b.Say("evidence", []byte("s"))
		return up.has("s")
	})
	if up.has("l") || !strings.Contains(said.String(), "too large") {
		t.Errorf("came %v, the log says %q", up.all(), said.String())
	}
}
