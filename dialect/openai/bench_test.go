package openai_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// textChunk is a chunk of text as OpenAI sends it, about 250 bytes.
const textChunk = `data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1790000000,"model":"gpt-x-mini-2026-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" weather"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"

const responseChunk = `event: response.output_text.delta` + "\n" + `data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_0123456789abcdef","output_index":0,"content_index":0,"delta":" weather","logprobs":[],"obfuscation":"x8sd8f"}` + "\n\n"

const toolChunk = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]},"finish_reason":null}]}` + "\n\n"

// request1K is a plain request of about 1 KB.
var request1K = []byte(fmt.Sprintf(`{"model":"openai/gpt-x-mini","messages":[{"role":"system","content":"You are terse."},{"role":"user","content":%q}],`+
	`"temperature":0.7,"max_completion_tokens":256,"stream":true,"stream_options":{"include_usage":true},"user":"u-1"}`, strings.Repeat("some words of a prompt ", 34)))

func oneFrame(tb testing.TB, s string) sse.Frame {
	tb.Helper()
	f, n, ok := sse.Next([]byte(s))
	if !ok || n != len(s) {
		tb.Fatalf("not one frame: %q", s)
	}
	return f
}

// TestWatchAllocates holds that watching a stream that passes through costs no garbage.
func TestWatchAllocates(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		op          fairlead.Operation
	}{
		{"chat", textChunk, fairlead.OpChat},
		{"tool", toolChunk, fairlead.OpChat},
		{"responses", responseChunk, fairlead.OpResponses},
		{"comment", ": keep-alive\n\n", fairlead.OpChat},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, w := oneFrame(t, c.frame), openai.New().NewWatcher(c.op)
			n := testing.AllocsPerRun(100, func() {
				if _, err := w.Watch(f); err != nil {
					t.Fatal(err)
				}
			})
			if n > 0 {
				t.Errorf("%v allocations a frame, want none", n)
			}
		})
	}
}

// TestInspectAllocates holds that checking a whole answer costs no garbage once the scratch has grown.
func TestInspectAllocates(t *testing.T) {
	body := answer2K(accented)
	var o jsonscan.Object
	n := testing.AllocsPerRun(100, func() {
		if seen, err := openai.New().Inspect(fairlead.OpChat, body, &o); err != nil || seen.Bytes == 0 || seen.Usage.CacheRead != 1024 {
			t.Fatalf("got %+v, %v", seen, err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations an answer, want none", n)
	}
}

func BenchmarkWatch(b *testing.B) {
	for _, c := range []struct {
		name, frame string
		op          fairlead.Operation
	}{{"chat", textChunk, fairlead.OpChat}, {"tool", toolChunk, fairlead.OpChat}, {"responses", responseChunk, fairlead.OpResponses}} {
		b.Run(c.name, func(b *testing.B) {
			f, w := oneFrame(b, c.frame), openai.New().NewWatcher(c.op)
			b.SetBytes(int64(len(c.frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Watch(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// accented makes a text as many languages have it: some letters outside of ASCII, a few escapes.
const accented = `Déjà vu: naïve façades \"à la carte\", l’été passé.\nПрепятствие 障害物 `

// answer2K is a whole answer of about 1.7 KB as OpenAI sends it, its text repeated up to that size.
func answer2K(text string) []byte {
	return []byte(`{"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion","created":1790000000,"model":"gpt-x-mini-2026-07-18",` +
		`"choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat(text, 1000/len(text)) + `","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":1200,"completion_tokens":300,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":1024,"audio_tokens":0},` +
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},` +
		`"service_tier":"default","system_fingerprint":"fp_0123456789"}`)
}

// BenchmarkRequest is what one exchange does to read its request: the gateway's scan, then Facts.
func BenchmarkRequest(b *testing.B) {
	text := []byte(strings.Repeat("some words of a prompt ", 34))
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"1KB", request1K},
		{"1KB-accented", bytes.Replace(request1K, text, []byte(strings.Repeat(accented, len(text)/len(accented))), 1)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var o jsonscan.Object
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := o.Scan(c.body); err != nil {
					b.Fatal(err)
				}
				if _, err := openai.New().Facts(fairlead.OpChat, &o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFacts leaves out the scan of the body, which the gateway makes once for itself too.
func BenchmarkFacts(b *testing.B) {
	big := bytes.Replace(request1K, []byte("some words"), bytes.Repeat([]byte("and more words of a longer prompt, "), 3000), 1)
	for _, c := range []struct {
		name string
		body []byte
	}{{"1KB", request1K}, {"100KB", big}} {
		b.Run(c.name, func(b *testing.B) {
			var o jsonscan.Object
			if err := o.Scan(c.body); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := openai.New().Facts(fairlead.OpChat, &o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInspect is what one exchange does to check a whole answer before its first byte is sent.
func BenchmarkInspect(b *testing.B) {
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"1.7KB", answer2K(`A fairlead guides a line around an obstacle. It is \"fair\": smooth, round, and kind to ropes of any make or age.\n\n`)},
		{"1.7KB-unescaped", answer2K("The quick brown fox jumps over the lazy dog while seven wizards quietly mix a vexing potion. ")},
		{"1.7KB-accented", answer2K(accented)},
		{"1.7KB-escapes", answer2K(`if a == \"b\" {\n\treturn\n}\n`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var o jsonscan.Object
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				seen, err := openai.New().Inspect(fairlead.OpChat, c.body, &o)
				if err != nil || !seen.HasUsage || seen.Empty {
					b.Fatal(seen, err)
				}
			}
		})
	}
}

func BenchmarkTranslate(b *testing.B) {
	d := openai.New()
	b.Run("request", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := d.ReadRequest(request1K)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := d.WriteRequest(r, dialect.Target{Model: "m"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("chunk", func(b *testing.B) {
		f := oneFrame(b, textChunk)
		decoder, encoder := d.NewDecoder(), d.NewEncoder(dialect.EncodeOptions{Model: "m"})
		var events []dialect.Event
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if events, err = decoder.Decode(events[:0], f); err != nil {
				b.Fatal(err)
			}
			out = out[:0]
			for _, e := range events {
				out = encoder.Encode(out, e)
			}
		}
	})
}
