package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead/internal/jsonscan"
)

// chat is a chat request of about size bytes.
func chat(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"model":"openai/gpt-4o-mini","stream":true,"temperature":0.7,"max_tokens":256,"messages":[{"role":"system","content":"You are a helpful assistant."}`)
	text := `Explain how a \"fairlead\" guides a line around an obstacle, and why that matters.\nThen give three examples from real ships; be brief, and say what each is made of.`
	for b.Len() < size-len(text) {
		fmt.Fprintf(&b, `,{"role":"user","content":%s}`, `"`+text+`"`)
	}
	b.WriteString(`],"user":"u-1234"}`)
	return b.Bytes()
}

// manyNames is an object of n names.
func manyNames(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(`,"k` + strconv.Itoa(1_000_000+i) + `":0`)
	}
	return append(append([]byte(`{"x":{`), b.Bytes()[1:]...), "}}"...)
}

// BenchmarkScan is beside what encoding/json and jsontext take to check the same text, no members found.
func BenchmarkScan(b *testing.B) {
	unicode := bytes.ReplaceAll(chat(100<<10), []byte("obstacle"), []byte("препятствие"))
	image := []byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` +
		strings.Repeat("iVBORw0KGgo+AAAA", 1<<16) + `"}}]}]}`)
	numbers := []byte(`{"input":[` + strings.Repeat("1234,", 20000) + `0]}`)
	for _, c := range []struct {
		name string
		src  []byte
	}{
		{"1KB", chat(1 << 10)},
		{"100KB", chat(100 << 10)},
		{"100KB-cyrillic", unicode},
		{"1MB-image", image},
		{"100KB-numbers", numbers},
		{"1000-names", manyNames(1000)},
		{"60000-names", manyNames(60000)},
	} {
		b.Run(c.name+"/jsonscan", func(b *testing.B) {
			var o jsonscan.Object
			b.SetBytes(int64(len(c.src)))
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Scan(c.src); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/jsontext", func(b *testing.B) {
			b.SetBytes(int64(len(c.src)))
			b.ReportAllocs()
			for b.Loop() {
				if !jsontext.Value(c.src).IsValid() {
					b.Fatal("invalid")
				}
			}
		})
		b.Run(c.name+"/encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(c.src)))
			b.ReportAllocs()
			for b.Loop() {
				if !json.Valid(c.src) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

// BenchmarkAttack is the worst that a body of 32 MiB can ask for: it ends at the bounds.
func BenchmarkAttack(b *testing.B) {
	for _, c := range []struct {
		name string
		src  []byte
	}{
		{"2000000-names", manyNames(2_000_000)},
		{"escaped-names", []byte(`{"x":[` + strings.Repeat(`{"\u0061":0},`, 1<<21) + `0]}`)},
		{"33-names", []byte(`{"x":[` + strings.Repeat(string(manyNames(33))+",", 1<<15) + `0]}`)},
		{"escapes", []byte(`{"x":"` + strings.Repeat(`\n`, 1<<24) + `"}`)},
		{"brackets", []byte(`{"x":[` + strings.Repeat(`[],`, 10<<20) + `0]}`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.src)))
			b.ReportAllocs()
			for b.Loop() {
				var o jsonscan.Object
				_ = o.Scan(c.src)
			}
		})
	}
}

// BenchmarkRewrite is what one exchange does to its body.
func BenchmarkRewrite(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			src := chat(size)
			var o jsonscan.Object
			dst := make([]byte, 0, 2*size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Scan(src); err != nil {
					b.Fatal(err)
				}
				dst = o.Rewrite(dst[:0], jsonscan.Change{Name: "model", Value: jsonscan.Value(`"gpt-4o-mini"`)})
			}
		})
	}
}

// BenchmarkGet reads the usage of a stream's last chunk.
func BenchmarkGet(b *testing.B) {
	chunk := jsonscan.Value(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1730000000,"model":"m","choices":[],` +
		`"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}`)
	b.ReportAllocs()
	for b.Loop() {
		usage, _ := chunk.Get("usage")
		tokens, _ := usage.Get("completion_tokens")
		if n, ok := tokens.Int(); !ok || n != 12 {
			b.Fatal(n)
		}
	}
}

// BenchmarkCaseVariant asks about the names that a gateway reads.
func BenchmarkCaseVariant(b *testing.B) {
	var o jsonscan.Object
	if err := o.Scan(chat(1 << 10)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if name, ok := o.CaseVariant("model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "messages"); ok {
			b.Fatal(name)
		}
	}
}
