package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What is exchanged: a request of about 1 KB, an answer of about 1.7 KB, and chunks of a stream as
// OpenAI's API sends them. The bytes are fixed, so that the load generator can compare whole answers.

// filler is plain text of n bytes.
func filler(n int) string {
	const words = "The quick brown fox jumps over the lazy dog while seven wizards quietly mix a vexing potion. "
	return strings.Repeat(words, n/len(words)+1)[:n]
}

// chatBody is a caller's request. script tells our upstream how to stream; "" asks for a whole answer.
func chatBody(model, script string) string {
	stream := ""
	if script != "" {
		stream = `"stream":true,`
	}
	return `{"model":"` + model + `",` + stream + `"temperature":0.2,"max_tokens":512,"messages":[` +
		`{"role":"system","content":"You answer briefly and with care."},` +
		`{"role":"user","content":"` + script + filler(860) + `"}]}`
}

// streamBody is a caller's request for a stream of a provider that knows no scripts.
func streamBody(model string) string {
	return `{"model":"` + model + `","stream":true,"max_tokens":512,"messages":[{"role":"user","content":"` + filler(860) + `"}]}`
}

// script is how a request asks our upstream for a stream: so many chunks, one each pace.
type script struct {
	chunks int
	pace   time.Duration
}

const scriptMark = "bench-script "

func (s script) String() string {
	return fmt.Sprintf("%s%d %d; ", scriptMark, s.chunks, s.pace.Microseconds())
}

// parseScript finds a script in a request's body.
func parseScript(body []byte) (s script, ok bool) {
	_, rest, ok := bytes.Cut(body, []byte(scriptMark))
	if !ok {
		return s, false
	}
	rest, _, _ = bytes.Cut(rest, []byte(";"))
	chunks, micros, _ := bytes.Cut(rest, []byte(" "))
	n, err := strconv.Atoi(string(chunks))
	us, err2 := strconv.Atoi(string(micros))
	if err != nil || err2 != nil || n < 1 || n > 1<<20 || us < 1 || us > 60_000_000 {
		return s, false
	}
	return script{n, time.Duration(us) * time.Microsecond}, true
}

// chatAnswer is an unstreamed answer of the openai dialect.
var chatAnswer = `{"id":"chatcmpl-bench0000000000000000","object":"chat.completion","created":1760000000,"model":"bench-model",` +
	`"choices":[{"index":0,"message":{"role":"assistant","content":"` + filler(1330) + `","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":210,"completion_tokens":330,"total_tokens":540,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_bench"}`

// messageAnswer is an unstreamed answer of the anthropic dialect.
var messageAnswer = `{"id":"msg_bench0000000000000000","type":"message","role":"assistant","model":"bench-model",` +
	`"content":[{"type":"text","text":"` + filler(1430) + `"}],"stop_reason":"end_turn","stop_sequence":null,` +
	`"usage":{"input_tokens":210,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":330}}`

// A chunk carries the time at which it was sent, in nanoseconds since 1970, as its text. Sender and
// reader stand on one machine, so that its clock serves both.
const (
	stampMark = `"content":"@`
	stampLen  = 19
	chunkHead = `data: {"id":"chatcmpl-bench0000000000000000","object":"chat.completion.chunk","created":1760000000,"model":"bench-model",` +
		`"system_fingerprint":"fp_bench","choices":[{"index":0,"delta":{` + stampMark
	chunkTail  = ` lazy dogs"},"logprobs":null,"finish_reason":null}]}` + "\n\n"
	roleChunk  = `data: {"id":"chatcmpl-bench0000000000000000","object":"chat.completion.chunk","created":1760000000,"model":"bench-model","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}` + "\n\n"
	stopChunk  = `data: {"id":"chatcmpl-bench0000000000000000","object":"chat.completion.chunk","created":1760000000,"model":"bench-model","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}` + "\n\n"
	usageChunk = `data: {"id":"chatcmpl-bench0000000000000000","object":"chat.completion.chunk","created":1760000000,"model":"bench-model","choices":[],"usage":{"prompt_tokens":210,"completion_tokens":330,"total_tokens":540}}` + "\n\n"
	doneChunk  = "data: [DONE]\n\n"
)

// appendChunk appends a content chunk stamped with t.
func appendChunk(b []byte, t time.Time) []byte {
	b = append(b, chunkHead...)
	b = strconv.AppendInt(b, t.UnixNano(), 10)
	return append(b, chunkTail...)
}
