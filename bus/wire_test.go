package bus

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/internal/pki"
)

var frameTime = time.Date(2026, 11, 21, 8, 0, 0, 123_456_000, time.UTC)

func sampleChange(content string) fairlead.Change {
	return fairlead.Change{Number: 7, Kind: "revision", At: frameTime, By: "ädmin", Content: []byte(content), Hash: sha256.Sum256([]byte("h"))}
}

func TestFramesRoundTrip(t *testing.T) {
	small, large := sampleChange(`{"a":"<&>"}`), sampleChange(string(bytes.Repeat([]byte("x"), wholeLimit+1)))
	h, err := decodeChange(encodeChange(&small))
	if err != nil || h.large || !reflect.DeepEqual(h.Change, small) {
		t.Errorf("a small change: %+v, %v", h, err)
	}
	h, err = decodeChange(encodeChange(&large))
	if err != nil || !h.large || h.Content != nil || h.Hash != large.Hash || h.Number != 7 {
		t.Errorf("a large change: %+v, %v", h, err)
	}
	p := page{Head: fairlead.Position{Log: "l", Number: 9, Hash: small.Hash}, OnChain: true, Changes: []heard{{Change: small}, {Change: small}}}
	if got, err := decodePage(p.encode()); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("a page: %+v, %v", got, err)
	}
	k := keyPage{Log: "l", Last: true, Keys: []fairlead.Key{
		{ID: "key_1", Name: "n", Hash: fairlead.HashKey("a"), Hint: "sk…x", Created: frameTime},
		{ID: "key_2", Hash: fairlead.HashKey("b"), Created: frameTime, Revoked: frameTime},
	}}
	plain := len(k.encode())
	k.Keys = append(k.Keys, fairlead.Key{ID: "key_3", Hash: fairlead.HashKey("c"), Created: frameTime, KeyTerms: fairlead.KeyTerms{
		Account: "acc_1", Models: []string{"a/*"}, Expires: frameTime, Metadata: map[string]string{"a": "b"}, Old: fairlead.HashKey("d"),
	}})
	if got, err := decodeKeys(k.encode()); err != nil || !reflect.DeepEqual(got, k) {
		t.Errorf("keys with terms: %+v, %v", got, err)
	}
	cut := k.encode()
	if _, err := decodeKeys(cut[:len(cut)-1]); err == nil {
		t.Error("terms that are cut off are taken")
	}
	k.Keys = k.Keys[:2]
	if n := len(k.encode()); n != plain {
		t.Errorf("keys without terms take %d bytes, then %d", plain, n)
	}
	if got, err := decodeKeys(k.encode()); err != nil || !reflect.DeepEqual(got, k) {
		t.Errorf("keys: %+v, %v", got, err)
	}
	b := piece{Size: 10, Offset: 3, Part: []byte("abc")}
	if got, err := decodePiece(b.encode()); err != nil || !reflect.DeepEqual(got, b) {
		t.Errorf("a piece: %+v, %v", got, err)
	}
}

// TestPagesFit holds that the largest page is a message that a NATS server takes by default.
func TestPagesFit(t *testing.T) {
	for _, size := range []int{0, 1, 100, 300, wholeLimit, wholeLimit + 1} {
		c := sampleChange(string(bytes.Repeat([]byte("x"), size)))
		list := pageOf(bytesOf(c, pageChanges))
		p := page{Changes: list}
		if n := len(p.encode()); n > 1<<20-1024 || len(list) == 0 {
			t.Errorf("changes of %d bytes: a page of %d has %d bytes", size, len(list), n)
		}
	}
	long := keyPage{Keys: make([]fairlead.Key, keysPage)}
	for i := range long.Keys {
		long.Keys[i] = fairlead.Key{ID: "key_abcdefghijklmnop", Name: string(bytes.Repeat([]byte("n"), 100)), Hint: "sk-fl-abc…xyz", Created: frameTime, Revoked: frameTime}
	}
	if n := len(long.encode()); n > 1<<20-1024 {
		t.Errorf("a page of keys has %d bytes", n)
	}
	if long.fit(); len(long.Keys) != keysPage {
		t.Errorf("a page of keys without terms has %d", len(long.Keys))
	}
	long.Last = true
	for i := range long.Keys {
		long.Keys[i].Metadata = map[string]string{}
		for n := range 32 {
			long.Keys[i].Metadata[strings.Repeat("k", 60)+strconv.Itoa(n)] = strings.Repeat("<", 512)
		}
	}
	long.fit()
	if n := len(long.encode()); n > 1<<20-1024 || len(long.Keys) < 2 || long.Last {
		t.Errorf("a page of %d keys with terms has %d bytes, and is the last: %v", len(long.Keys), n, long.Last)
	}
}

func bytesOf(c fairlead.Change, n int) []fairlead.Change {
	list := make([]fairlead.Change, n)
	for i := range list {
		list[i] = c
	}
	return list
}

// FuzzFrames: no bytes make a decoder fail otherwise than by an error, take memory beyond their own size, or come out
// as something that is written differently.
func FuzzFrames(f *testing.F) {
	c := sampleChange("{}")
	p := page{Head: fairlead.Position{Log: "l"}, Changes: []heard{{Change: c}, {Change: c, large: true}}}
	k := keyPage{Log: "l", Keys: []fairlead.Key{{ID: "key_1", Created: frameTime}}}
	b := piece{Size: 10, Part: []byte("abc")}
	l := lostChange{heard{Change: c}, c.Hash}
	for _, seed := range [][]byte{
		encodeChange(&c), p.encode(), k.encode(), b.encode(), encodeLost(whole(fairlead.Position{}, l)), encodeLargeLost(whole(fairlead.Position{}, l), &b),
		{},
		{framePage, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		answer(nil, fairlead.Errorf(fairlead.CodeConflict, "x")), answer([]byte("{}"), nil),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if h, err := decodeChange(frame); err == nil && !h.large {
			if again, err := decodeChange(append([]byte{frameWhole}, encodeChange(&h.Change)[1:]...)); len(h.Content) <= wholeLimit && (err != nil || !reflect.DeepEqual(again, h)) {
				t.Errorf("%+v is written as %+v, %v", h, again, err)
			}
		}
		if p, err := decodePage(frame); err == nil {
			if again, err := decodePage(p.encode()); err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("%+v is written as %+v, %v", p, again, err)
			}
		}
		if k, err := decodeKeys(frame); err == nil {
			if again, err := decodeKeys(k.encode()); err != nil || !reflect.DeepEqual(again, k) {
				t.Errorf("%+v is written as %+v, %v", k, again, err)
			}
		}
		if b, err := decodePiece(frame); err == nil {
			if again, err := decodePiece(b.encode()); err != nil || !reflect.DeepEqual(again, b) {
				t.Errorf("%+v is written as %+v, %v", b, again, err)
			}
		}
		if l, p, err := decodeLargeLost(frame); err == nil && l.changes[0].large {
			if l2, p2, err := decodeLargeLost(encodeLargeLost(l, &p)); err != nil || !reflect.DeepEqual(l, l2) || !reflect.DeepEqual(p, p2) {
				t.Errorf("%+v, %+v is written as %+v, %+v, %v", l, p, l2, p2, err)
			}
		}
		_, _ = decodeLost(frame)
		_, _ = readAnswer(frame)
	})
}

// FuzzToken: a token that is taken is one that can be written again.
func FuzzToken(f *testing.F) {
	f.Add(Token{Addresses: []string{"10.0.0.1:4222"}, Authority: fairlead.Hash{1}, Name: "paris", Secret: "s"}.Text())
	f.Add(JoinPrefix)
	f.Add("sk-fl-x")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err != nil {
			return
		}
		if again, err := ParseToken(token.Text()); err != nil || !reflect.DeepEqual(again, token) {
			t.Errorf("%+v is written as %+v, %v", token, again, err)
		}
	})
}

func TestTokenRefused(t *testing.T) {
	good := Token{Addresses: []string{"10.0.0.1:4222"}, Authority: fairlead.Hash{1}, Name: "paris", Secret: "s"}
	if got, err := ParseToken(" " + good.Text() + "\n"); err != nil || !reflect.DeepEqual(got, good) {
		t.Errorf("a good token: %+v, %v", got, err)
	}
	for name, bend := range map[string]func(*Token){
		"a name with a dot":      func(k *Token) { k.Name = "a.b" },
		"a wildcard":             func(k *Token) { k.Name = "*" },
		"no secret":              func(k *Token) { k.Secret = "" },
		"no authority":           func(k *Token) { k.Authority = fairlead.Hash{} },
		"credentials in a place": func(k *Token) { k.Addresses = []string{"user:pass@host:1"} },
		"two in one":             func(k *Token) { k.Addresses = []string{"a:1,b:2"} },
		"no port":                func(k *Token) { k.Addresses = []string{"host"} },
	} {
		k := good
		bend(&k)
		if _, err := ParseToken(k.Text()); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestValues(t *testing.T) {
	v := newValues()
	hash := func(i int) fairlead.Hash { return sha256.Sum256(fmt.Append(nil, i)) }
	for i := range valuesCount + 4 {
		v.put(hash(i), make([]byte, 10))
		v.get(hash(0)) // stays, for it is used
	}
	_, first := v.get(hash(0))
	_, second := v.get(hash(1))
	if !first || second || len(v.held) != valuesCount || v.bytes != 10*valuesCount || len(v.order) != valuesCount {
		t.Errorf("held: %v, %v, %d values, %d bytes, %d in order", first, second, len(v.held), v.bytes, len(v.order))
	}
	v.put(hash(99), make([]byte, valuesBytes+1))
	if _, ok := v.get(hash(99)); !ok || len(v.held) != 1 {
		t.Errorf("a value beyond the bound: held %v, %d values", ok, len(v.held))
	}
}

// FuzzAnswers: what one that joins, or asks, reads of an answer.
func FuzzAnswers(f *testing.F) {
	sign, _ := json.Marshal(doorSign{[]byte("a"), []byte("b"), []byte("c")})
	f.Add(sign)
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := newKnocker(text, fairlead.Hash{1}); err == nil {
			t.Error("a sign of nobody is taken")
		}
	})
}

// TestDoor: what passes between one that joins and control, and what is refused of it.
func TestDoor(t *testing.T) {
	authority := func() *pki.Authority {
		a, err := pki.NewAuthority("test", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a, b := authority(), authority()
	ours, err := newDoor(a)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newDoor(b)
	if err != nil {
		t.Fatal(err)
	}
	bend := func(f func(s, other *doorSign)) []byte {
		var s, other doorSign
		_ = json.Unmarshal(ours.sign, &s)
		_ = json.Unmarshal(theirs.sign, &other)
		f(&s, &other)
		text, _ := json.Marshal(s)
		return text
	}
	for _, c := range []struct {
		name string
		sign []byte
		ok   bool
	}{
		{"ours", ours.sign, true},
		{"theirs", theirs.sign, false},
		{"their key below our certificate", bend(func(s, other *doorSign) { s.Public = other.Public }), false},
		{"their key and signature", bend(func(s, other *doorSign) { s.Public, s.Signature = other.Public, other.Signature }), false},
		{"no key", bend(func(s, _ *doorSign) { s.Public = nil }), false},
	} {
		if _, err := newKnocker(c.sign, a.Pin()); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	k, err := newKnocker(ours.sign, a.Pin())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.seal([]byte("question"))
	if err != nil || bytes.Contains(sealed, []byte("question")) {
		t.Fatalf("the question is not sealed: %v", err)
	}
	do := func(plain []byte) ([]byte, error) { return append([]byte("answer to "), plain...), nil }
	answered, err := ours.open(sealed, do)
	if err != nil || bytes.Contains(answered, []byte("answer")) {
		t.Fatalf("the answer is not sealed: %v", err)
	}
	if got, err := k.open(answered); err != nil || string(got) != "answer to question" {
		t.Errorf("it came as %q, %v", got, err)
	}
	for i := range answered {
		answered[i] ^= 1
		if _, err := k.open(answered); err == nil {
			t.Errorf("an answer with an altered byte %d is taken", i)
		}
		answered[i] ^= 1
	}
	for i := range sealed {
		sealed[i] ^= 1
		if _, err := ours.open(sealed, do); err == nil {
			t.Errorf("a question with an altered byte %d is taken", i)
		}
		sealed[i] ^= 1
	}
	if _, err := theirs.open(sealed, do); err == nil {
		t.Error("a question for another fleet is taken")
	}
}
