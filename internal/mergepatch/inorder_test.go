package mergepatch_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fairlead/internal/jsonscan"
	"fairlead/internal/mergepatch"
)

// member is a member of an object in the plain way to merge, which Document must agree with: one name of a patch after
// the other, each into its place.
type member struct {
	name  string
	value []byte // of an object: nil
	of    []member
}

func inOrder(t testing.TB, doc, patch []byte) []byte {
	t.Helper()
	canonical, err := mergepatch.Canonical(doc)
	if err != nil {
		t.Fatal(err)
	}
	return appendMembers(nil, mergeInOrder(membersIn(canonical), patch))
}

func membersIn(canonical []byte) (list []member) {
	for name, value := range jsonscan.Value(canonical).Members() {
		m := member{name: string(name), value: value}
		if value.Kind() == jsonscan.KindObject {
			m.value, m.of = nil, membersIn(value)
		}
		list = append(list, m)
	}
	return list
}

func mergeInOrder(list []member, patch jsonscan.Value) []member {
	for name, value := range patch.Members() {
		at, found := slices.BinarySearchFunc(list, string(name), func(m member, name string) int { return strings.Compare(m.name, name) })
		if value.IsNull() {
			if found {
				list = slices.Delete(list, at, at+1)
			}
			continue
		}
		if !found {
			list = slices.Insert(list, at, member{name: string(name)})
		}
		m := &list[at]
		if value.Kind() == jsonscan.KindObject {
			*m = member{name: m.name, of: mergeInOrder(m.of, value)}
			continue
		}
		// An object around makes a document of what may be a list or a number.
		text, _ := mergepatch.Canonical(slices.Concat([]byte(`{"a":`), value, []byte(`}`)))
		*m = member{name: m.name, value: text[len(`{"a":`) : len(text)-1]}
	}
	return list
}

func appendMembers(dst []byte, list []member) []byte {
	dst = append(dst, '{')
	for i, m := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, m.name), ':')
		if m.value == nil {
			dst = appendMembers(dst, m.of)
			continue
		}
		dst = append(dst, m.value...)
	}
	return append(dst, '}')
}

// TestMergeInOrder holds that patches of many members, in any order, make what they make one member after the other,
// also of a document that took patches before.
func TestMergeInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		doc := randomObject(r, 2, false)
		d := mergepatch.Open(slices.Clone(doc))
		for range 4 {
			patch := randomObject(r, 2, true)
			want := inOrder(t, doc, patch)
			if err := d.Merge(patch); err != nil {
				t.Fatal(err)
			}
			if got := d.Bytes(); !bytes.Equal(got, want) {
				t.Fatalf("%s\nwith %s\ngot  %s\nwant %s", doc, patch, got, want)
			}
			doc = want
		}
	}
}

// randomObject is an object of few names, so that documents and patches have many in common.
func randomObject(r *rand.Rand, deep int, patch bool) []byte {
	var members []string
	for i := range 30 {
		if r.IntN(3) > 0 {
			continue
		}
		value := []string{`1`, `"x"`, `[{"b":1}]`}[r.IntN(3)]
		switch {
		case patch && r.IntN(3) == 0:
			value = `null`
		case deep > 0 && r.IntN(2) == 0:
			value = string(randomObject(r, deep-1, patch))
		}
		members = append(members, fmt.Sprintf(`"%c%c":%s`, 'a'+i%5, 'a'+i/5, value))
	}
	if patch {
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	text := []byte("{" + strings.Join(members, ",") + "}")
	if !patch {
		text, _ = mergepatch.Canonical(text)
	}
	return text
}

// FuzzMergeInOrder is TestMergeInOrder for whatever text.
func FuzzMergeInOrder(f *testing.F) {
	f.Add([]byte(`{"a":{"b":1},"c":2}`), []byte(`{"d":1,"c":null,"b":{"x":null,"a":1},"a":{"c":{},"a":[null]}}`), []byte(`{"a":null,"A":{"b":1.0}}`))
	f.Fuzz(func(t *testing.T, doc, one, two []byte) {
		for _, text := range [][]byte{doc, one, two} {
			if _, err := mergepatch.Canonical(text); err != nil {
				return
			}
		}
		canonical, _ := mergepatch.Canonical(doc)
		d := mergepatch.Open(canonical)
		if d.Merge(one) != nil || d.Merge(two) != nil {
			t.Fatal("a patch was refused")
		}
		if got, want := d.Bytes(), inOrder(t, inOrder(t, doc, one), two); !bytes.Equal(got, want) {
			t.Fatalf("%q with %q and %q: got %q, want %q", doc, one, two, got, want)
		}
	})
}

// TestRenamed holds that the patch between two documents of nothing but models, with no name in common, can be applied.
func TestRenamed(t *testing.T) {
	const size = 8 << 20 // as compile takes
	from, to := models("a", size), models("b", size)
	patch := mergepatch.Between(from, to)
	got, err := mergepatch.Merge(from, patch)
	if err != nil || !bytes.Equal(got, to) {
		t.Fatalf("a patch of %d bytes: %v, and a document of %d bytes, want one of %d", len(patch), err, len(got), len(to))
	}
}

// models is a document of so many bytes about, with as many models as go in.
func models(author string, size int) []byte {
	b := []byte(`{"models":{`)
	for i := 0; len(b) < size; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"%s/%06d":{"endpoints":[{"provider":"p"}]}`, author, i)
	}
	return append(b, `},"providers":{"p":{"base_url":"http://h","dialect":"openai"}},"version":1}`...)
}

// BenchmarkManyMembers applies a patch that puts new members before the old ones, takes the old ones out, or both.
func BenchmarkManyMembers(b *testing.B) {
	for _, n := range []int{10_000, 40_000} {
		old, both := make([]string, n), make([]string, 2*n)
		for i := range old {
			old[i] = fmt.Sprintf(`"z/%06d":{"endpoints":[{"provider":"p"}]}`, i)
			both[i], both[n+i] = fmt.Sprintf(`"a/%06d":{"endpoints":[{"provider":"p"}]}`, i), old[i]
		}
		few := []byte(`{"models":{` + strings.Join(old, ",") + `}}`)
		all := []byte(`{"models":{` + strings.Join(both, ",") + `}}`)
		other := []byte(`{"models":{` + strings.Join(both[:n], ",") + `}}`)
		for name, c := range map[string][2][]byte{"insert": {few, all}, "delete": {all, few}, "rename": {few, other}} {
			patch := mergepatch.Between(c[0], c[1])
			b.Run(fmt.Sprintf("%s=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := mergepatch.Open(c[0]).Merge(patch); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
