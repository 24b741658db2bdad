package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fairlead/internal/seal"
)

func TestSeal(t *testing.T) {
	k, raw := seal.NewKey()
	same, err := seal.KeyOf(raw)
	check(t, err)
	other, _ := seal.NewKey()
	for _, plain := range [][]byte{nil, []byte("a"), bytes.Repeat([]byte("secret "), 1000)} {
		sealed := k.Seal(plain, "here")
		if len(plain) > 1 && bytes.Contains(sealed, plain[:6]) {
			t.Error("the value stands in what is sealed")
		}
		if got, err := same.Open(sealed, "here"); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %q, %v", len(plain), got, err)
		}
		if bytes.Equal(sealed, k.Seal(plain, "here")) {
			t.Error("sealed twice it is the same")
		}
		refuses(t, "another key", other, sealed, "here")
		refuses(t, "another context", k, sealed, "there")
		refuses(t, "no key", seal.Key{}, sealed, "here")
		for i := range min(len(sealed), 40) {
			altered := bytes.Clone(sealed)
			altered[i] ^= 1
			refuses(t, fmt.Sprint("altered at ", i), k, altered, "here")
			refuses(t, fmt.Sprint("cut at ", i), k, sealed[:i], "here")
		}
	}
	if _, err := seal.KeyOf(raw[1:]); err == nil {
		t.Error("a key of 31 bytes is taken")
	}
}

func refuses(t *testing.T, how string, k seal.Key, sealed []byte, context string) {
	t.Helper()
	if plain, err := k.Open(sealed, context); !errors.Is(err, seal.ErrSealed) || plain != nil {
		t.Errorf("%s: opened as %q, %v", how, plain, err)
	}
}

func TestBox(t *testing.T) {
	p, err := seal.NewPair()
	check(t, err)
	same, err := seal.PairOf(p.Bytes())
	check(t, err)
	other, err := seal.NewPair()
	check(t, err)
	box, err := seal.To(p.Public(), []byte("the fleet's key"), "edge-1")
	check(t, err)
	if got, err := same.Open(box, "edge-1"); err != nil || string(got) != "the fleet's key" {
		t.Errorf("opened as %q, %v", got, err)
	}
	for how, open := range map[string]func() ([]byte, error){
		"another pair":    func() ([]byte, error) { return other.Open(box, "edge-1") },
		"another context": func() ([]byte, error) { return p.Open(box, "edge-2") },
		"no pair":         func() ([]byte, error) { return seal.Pair{}.Open(box, "edge-1") },
		"cut":             func() ([]byte, error) { return p.Open(box[:20], "edge-1") },
		"a low point":     func() ([]byte, error) { return p.Open(append([]byte{1}, make([]byte, 80)...), "edge-1") },
	} {
		if got, err := open(); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("%s: opened as %q, %v", how, got, err)
		}
	}
	for i := range box {
		altered := bytes.Clone(box)
		altered[i] ^= 0x40
		if got, err := p.Open(altered, "edge-1"); err == nil {
			t.Errorf("altered at %d it opens as %q", i, got)
		}
	}
	if _, err := seal.To(make([]byte, 32), nil, ""); err == nil {
		t.Error("sealed to a point that everybody can open")
	}
}

func TestFromText(t *testing.T) {
	text := seal.NewText()
	for _, c := range []struct {
		text, purpose string
		same          bool // as the key of text for the vault
	}{
		{text, "vault", true},
		{text, "other", false},
		{seal.NewText(), "vault", false},
		{"a pass phrase that somebody chose", "vault", false},
	} {
		a, err := seal.FromText(text, "vault")
		check(t, err)
		b, err := seal.FromText(c.text, c.purpose)
		check(t, err)
		if _, err := b.Open(a.Seal([]byte("x"), ""), ""); (err == nil) != c.same {
			t.Errorf("%s for %s: %v", c.text, c.purpose, err)
		}
	}
	for _, bad := range []string{"", "short", "fl-seal-", "fl-seal-" + strings.Repeat("l", 52), text[:len(text)-1], text + "a"} {
		if _, err := seal.FromText(bad, "vault"); err == nil || (len(bad) > 8 && strings.Contains(err.Error(), bad[8:])) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestHidden holds that no way of printing shows a key.
func TestHidden(t *testing.T) {
	k, _ := seal.NewKey()
	p, err := seal.NewPair()
	check(t, err)
	for _, v := range []any{k, p} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(verb, v); len(got) > 6 {
				t.Errorf("%s gives %s", verb, got)
			}
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
