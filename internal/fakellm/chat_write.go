package fakellm

import (
	"fmt"
	"strconv"
	"strings"
)

// chatVoice speaks OpenAI's chat completions.
type chatVoice struct{}

// plain is the whole answer as one object.
func (v chatVoice) plain(r *answer) []byte {
	var b strings.Builder
	b.WriteString(`{"id":"chatcmpl-` + r.id + `","object":"chat.completion","created":` + r.time() + `,"model":` + quote(r.model) + `,"choices":[`)
	for i := range r.ask.n {
		b.WriteString(comma(i) + `{"index":` + strconv.Itoa(i) + `,"message":{"role":"assistant","content":`)
		if len(r.calls) > 0 && len(r.text) == 0 {
			b.WriteString("null")
		} else {
			b.WriteString(quote(strings.Join(r.text, "")))
		}
		b.WriteString(`,"refusal":null,"annotations":[]`)
		if len(r.thinking) > 0 {
			b.WriteString(`,` + quote(r.thinkAs) + `:` + quote(strings.Join(r.thinking, "")))
		}
		if len(r.calls) > 0 {
			b.WriteString(`,"tool_calls":[`)
			for k, c := range r.calls {
				b.WriteString(comma(k) + `{"id":"call_` + c.id + `","type":"function","function":{"name":` + quote(c.name) + `,"arguments":` + quote(c.args) + `}}`)
			}
			b.WriteString(`]`)
		}
		b.WriteString(`},"logprobs":null,"finish_reason":` + quote(r.reason(openai)) + `}`)
	}
	b.WriteString(`]`)
	if r.usage != "none" {
		b.WriteString(`,"usage":` + r.openaiUsage())
	}
	b.WriteString(`,"service_tier":"default","system_fingerprint":"fp_fake"}`)
	return []byte(b.String())
}

// flow is the answer as chunks. Calls that are made in parallel come interleaved, by turns.
func (v chatVoice) flow(r *answer) *flow {
	c := chatChunks(r, "chat.completion.chunk", "chatcmpl-")
	f := &flow{pre: c.each(`"delta":{"role":"assistant","content":"","refusal":null}`), alive: ": keep-alive\n\n"}
	for _, t := range r.thinking {
		f.chunks = append(f.chunks, c.each(`"delta":{`+quote(r.thinkAs)+`:`+quote(t)+`}`))
	}
	for _, t := range r.text {
		f.chunks = append(f.chunks, c.each(`"delta":{"content":`+quote(t)+`}`))
	}
	for i, k := range r.calls {
		f.chunks = append(f.chunks, c.each(fmt.Sprintf(`"delta":{"tool_calls":[{"index":%d,"id":"call_%s","type":"function","function":{"name":%s,"arguments":""}}]}`, i, k.id, quote(k.name))))
	}
	for _, p := range interleave(r.calls) {
		f.chunks = append(f.chunks, c.each(fmt.Sprintf(`"delta":{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}`, p.call, quote(p.text))))
	}
	c.close(f, `"delta":{}`)
	return f
}

// part is a fragment of a call's arguments.
type part struct {
	call int
	text string
}

// interleave cuts the arguments of calls to fragments of eight bytes, dealt round.
func interleave(calls []call) []part {
	var list []part
	for at, more := 0, true; more; at += 8 {
		more = false
		for i, c := range calls {
			if at < len(c.args) {
				list = append(list, part{i, fragment(c.args, at)})
				more = true
			}
		}
	}
	return list
}

// fragment gives eight bytes from a place on, moved so that no character is cut.
func fragment(s string, at int) string {
	return s[boundary(s, at):boundary(s, min(at+8, len(s)))]
}

func boundary(s string, at int) int {
	for at < len(s) && s[at]&0xC0 == 0x80 {
		at++
	}
	return at
}

// textVoice speaks OpenAI's text completions.
type textVoice struct{}

func (v textVoice) plain(r *answer) []byte {
	var b strings.Builder
	b.WriteString(`{"id":"cmpl-` + r.id + `","object":"text_completion","created":` + r.time() + `,"model":` + quote(r.model) + `,"choices":[`)
	for i := range r.ask.n {
		b.WriteString(comma(i) + `{"text":` + quote(strings.Join(r.text, "")) + `,"index":` + strconv.Itoa(i) + `,"logprobs":null,"finish_reason":` + quote(r.reason(openai)) + `}`)
	}
	b.WriteString(`]`)
	if r.usage != "none" {
		b.WriteString(`,"usage":` + r.openaiUsage())
	}
	b.WriteString(`}`)
	return []byte(b.String())
}

func (v textVoice) flow(r *answer) *flow {
	c := chatChunks(r, "text_completion", "cmpl-")
	f := &flow{alive: ": keep-alive\n\n"}
	for _, t := range r.text {
		f.chunks = append(f.chunks, c.each(`"text":`+quote(t)))
	}
	c.close(f, `"text":""`)
	return f
}

// chunker writes the chunks of one stream.
type chunker struct {
	answer *answer
	head   string // up to the choices
	said   bool   // a chunk with the prompt's usage was written (usage=split)
}

func chatChunks(r *answer, object, prefix string) *chunker {
	return &chunker{answer: r, head: `{"id":"` + prefix + r.id + `","object":"` + object + `","created":` + r.time() + `,"model":` + quote(r.model) + `,"service_tier":"default","system_fingerprint":"fp_fake","choices":[`}
}

// each writes one chunk for every choice.
func (c *chunker) each(delta string) string { return c.chunks(delta, "null", c.between()) }

func (c *chunker) chunks(delta, finish, usage string) string {
	var b strings.Builder
	for i := range c.answer.ask.n {
		b.WriteString(frame(c.head + `{"index":` + strconv.Itoa(i) + `,` + delta + `,"logprobs":null,"finish_reason":` + finish + `}]` + usage + `}`))
	}
	return b.String()
}

// asked reports whether the stream tells usage.
func (c *chunker) asked() bool {
	return c.answer.usage == "always" || (c.answer.ask.includeUsage && c.answer.usage != "none")
}

// between is what a chunk of content says of usage: null where it was asked for; with usage=split
// the first chunk tells the prompt's.
func (c *chunker) between() string {
	switch {
	case !c.asked():
		return ""
	case c.answer.usage == "split" && !c.said:
		c.said = true
		n := strconv.Itoa(c.answer.prompt)
		return `,"usage":{"prompt_tokens":` + n + `,"completion_tokens":0,"total_tokens":` + n + `}`
	default:
		return `,"usage":null`
	}
}

// close writes what ends the stream, whole and broken.
func (c *chunker) close(f *flow, nothing string) {
	usage := c.between()
	if c.asked() {
		if c.answer.usage == "split" {
			usage = `,"usage":` + c.answer.openaiUsage()
		} else {
			f.usage = frame(c.head + `],"usage":` + c.answer.openaiUsage() + `}`)
		}
	}
	f.finish = c.chunks(nothing, quote(c.answer.reason(openai)), usage)
	f.odd = c.chunks(nothing, `"error"`, usage)
	f.done = frame("[DONE]")
	f.failure = frame(`{"error":` + classes["server_error"].problem(openai).inner(openai) + `}`)
	f.garbled = frame(c.head + `{"index":0,"del`)
}

func (r *answer) time() string { return strconv.FormatInt(r.created, 10) }

func (r *answer) openaiUsage() string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":%d,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`,
		r.prompt, r.completion, r.prompt+r.completion, r.cached, r.reasoning)
}
