package bus

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fairlead/internal/pki"
)

// TestLearn holds that an edge learns of control nodes as long as it lives, forgets the one that was silent the longest, and tries
// those first that were heard lately.
func TestLearn(t *testing.T) {
	authority, err := pki.NewAuthority("fairlead fleet", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Server("paris", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	id := &Identity{Name: "paris", Addresses: []string{"door:1"}, path: filepath.Join(t.TempDir(), IdentityFile)}
	id.pair.Store(pair)
	now := time.Unix(1_800_000_000, 0)
	address := func(n int) string { return fmt.Sprintf("control-%d:1", n) }
	hear := func(n int) (news bool) {
		news, err := id.learn(fmt.Sprint("control-", n), address(n), now)
		if err != nil {
			t.Fatal(err)
		}
		return news
	}
	for n := range 3 * maxLearned {
		if now = now.Add(24 * time.Hour); !hear(n) {
			t.Errorf("control node %d is not news", n)
		}
		hear(0) // is always there
	}
	known := id.Known()
	if len(id.control) != maxLearned || len(known) != maxLearned+1 {
		t.Fatalf("%d are kept, %d known", len(id.control), len(known))
	}
	last := address(3*maxLearned - 1)
	if first := known[:2]; !slices.Contains(first, last) || !slices.Contains(first, address(0)) || known[2] != "door:1" {
		t.Errorf("tried first are %q", known[:3])
	}
	if slices.Contains(known, address(1)) || !slices.Contains(known, address(2*maxLearned+1)) {
		t.Error("the wrong ones are forgotten")
	}
	if hear(0) {
		t.Error("what is known is news")
	}

	var l learned
	if err := json.Unmarshal([]byte(`"old:1"`), &l); err != nil || l.Address != "old:1" {
		t.Errorf("an address alone is read as %+v, %v", l, err)
	}
	text, err := json.Marshal(id.control)
	if err != nil {
		t.Fatal(err)
	}
	var again map[string]learned
	if err := json.Unmarshal(text, &again); err != nil || !again["control-0"].Heard.Equal(now) {
		t.Errorf("read again: %+v, %v", again["control-0"], err)
	}
}
