package fakellm

import (
	"fmt"
	"strings"
)

// messagesVoice speaks Anthropic's messages.
type messagesVoice struct{}

// plain is the whole answer as one object.
func (v messagesVoice) plain(r *answer) []byte {
	var blocks []string
	if text := strings.Join(r.thinking, ""); text != "" {
		blocks = append(blocks, `{"type":"thinking","thinking":`+quote(text)+`,"signature":`+quote(sign(text))+`}`)
	}
	if text := strings.Join(r.text, ""); text != "" {
		blocks = append(blocks, `{"type":"text","text":`+quote(text)+`}`)
	}
	for _, c := range r.calls {
		blocks = append(blocks, `{"type":"tool_use","id":"toolu_`+c.id+`","name":`+quote(c.name)+`,"input":`+c.args+`}`)
	}
	usage := ""
	if r.usage != "none" {
		usage = `,"usage":` + r.anthropicUsage(r.completion, true)
	}
	return []byte(`{"id":"msg_` + r.id + `","type":"message","role":"assistant","model":` + quote(r.model) +
		`,"content":[` + strings.Join(blocks, ",") + `],` + r.stopFields(r.reason(anthropic)) + usage + `}`)
}

// flow is the answer as events. Blocks never overlap, so that calls come one after the other.
func (v messagesVoice) flow(r *answer) *flow {
	ping := event("ping", `{"type":"ping"}`)
	f := &flow{pre: r.messageStart() + ping, alive: ping}
	s := &blockStream{flow: f}
	if len(r.thinking) > 0 {
		s.open(`{"type":"thinking","thinking":"","signature":""}`)
		for _, t := range r.thinking {
			s.delta(`{"type":"thinking_delta","thinking":` + quote(t) + `}`)
		}
		s.pending += s.event(`{"type":"signature_delta","signature":` + quote(sign(strings.Join(r.thinking, ""))) + `}`)
		s.close()
	}
	if len(r.text) > 0 {
		s.open(`{"type":"text","text":""}`)
		for _, t := range r.text {
			s.delta(`{"type":"text_delta","text":` + quote(t) + `}`)
		}
		s.close()
	}
	for _, c := range r.calls {
		s.open(`{"type":"tool_use","id":"toolu_` + c.id + `","name":` + quote(c.name) + `,"input":{}}`)
		s.pending += s.event(`{"type":"input_json_delta","partial_json":""}`) // Anthropic begins so
		for _, p := range interleave([]call{c}) {
			s.delta(`{"type":"input_json_delta","partial_json":` + quote(p.text) + `}`)
		}
		s.close()
	}
	f.tail = s.pending
	f.finish = r.messageDelta(r.reason(anthropic))
	f.odd = r.messageDelta("error")
	f.done = event("message_stop", `{"type":"message_stop"}`)
	f.failure = event("error", `{"type":"error","error":`+classes["overloaded"].problem(anthropic).inner(anthropic)+`,"request_id":"req_fake"}`)
	f.garbled = event("content_block_delta", `{"type":"content_block_delta","index":0,"del`)
	return f
}

// blockStream writes content blocks; what opens or closes one waits for the next delta.
type blockStream struct {
	flow    *flow
	pending string
	index   int
}

func (s *blockStream) open(block string) {
	s.pending += event("content_block_start", fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, s.index, block))
}

func (s *blockStream) event(delta string) string {
	return event("content_block_delta", fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":%s}`, s.index, delta))
}

func (s *blockStream) delta(delta string) {
	s.flow.chunks = append(s.flow.chunks, s.pending+s.event(delta))
	s.pending = ""
}

func (s *blockStream) close() {
	s.pending += event("content_block_stop", fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, s.index))
	s.index++
}

// messageStart tells the prompt's usage, unless it comes late or not at all.
func (r *answer) messageStart() string {
	usage := ""
	switch r.usage {
	case "none":
	case "late":
		usage = `,"usage":{"input_tokens":0,"output_tokens":0}`
	case "early":
		usage = `,"usage":` + r.anthropicUsage(r.completion, true)
	default:
		usage = `,"usage":` + r.anthropicUsage(min(1, r.completion), true)
	}
	return event("message_start", `{"type":"message_start","message":{"id":"msg_`+r.id+`","type":"message","role":"assistant","model":`+quote(r.model)+
		`,"content":[],"stop_reason":null,"stop_sequence":null`+usage+`}}`)
}

// messageDelta tells why the answer ended and its usage, which counts from the start of the answer.
func (r *answer) messageDelta(reason string) string {
	one := func(stop, usage string) string {
		return event("message_delta", `{"type":"message_delta","delta":{`+stop+`}`+usage+`}`)
	}
	stop := r.stopFields(reason)
	switch r.usage {
	case "none":
		return one(stop, "")
	case "late":
		return one(stop, `,"usage":`+r.anthropicUsage(r.completion, true))
	case "split":
		return one(`"stop_reason":null,"stop_sequence":null`, `,"usage":`+r.anthropicUsage(r.completion/2, false)) +
			one(stop, `,"usage":`+r.anthropicUsage(r.completion, false))
	default:
		return one(stop, `,"usage":`+r.anthropicUsage(r.completion, false))
	}
}

func (r *answer) stopFields(reason string) string {
	if r.stop != "" && reason == "stop_sequence" {
		return `"stop_reason":"stop_sequence","stop_sequence":` + quote(r.stop)
	}
	return `"stop_reason":` + quote(reason) + `,"stop_sequence":null`
}

// anthropicUsage leaves cached tokens out of input_tokens, as Anthropic does.
func (r *answer) anthropicUsage(output int, input bool) string {
	if !input {
		return fmt.Sprintf(`{"output_tokens":%d}`, output)
	}
	return fmt.Sprintf(`{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":%d,"output_tokens":%d,"service_tier":"standard"}`,
		r.prompt-r.cached, r.cached, output)
}
