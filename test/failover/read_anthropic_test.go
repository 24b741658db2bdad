package failover_test

import (
	"encoding/json"

	"fairlead"
)

type messageUsage struct {
	Input      *int64 `json:"input_tokens"`
	CacheRead  int64  `json:"cache_read_input_tokens"`
	CacheWrite int64  `json:"cache_creation_input_tokens"`
	Output     *int64 `json:"output_tokens"`
}

type contentBlock struct {
	Type, Text, Thinking, Name string
	Input                      json.RawMessage
}

type message struct {
	ID, Model  string
	StopReason *string `json:"stop_reason"`
	Content    []contentBlock
	Usage      *messageUsage
}

type messageEvent struct {
	Type    string
	Message *message
	Index   int
	Block   *contentBlock `json:"content_block"`
	Delta   struct {
		Type, Text, Thinking string
		PartialJSON          string  `json:"partial_json"`
		StopReason           *string `json:"stop_reason"`
	}
	Usage *messageUsage
}

// reasons are Anthropic's in OpenAI's words.
var reasons = map[string]string{
	"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter",
}

// anthropic takes an event of a message.
func (r *reader) anthropic(event, data string) {
	var e messageEvent
	if !r.frame(data, fairlead.Anthropic, &e) {
		return
	}
	if e.Type != event {
		r.strange("event %s says that it is %s", event, e.Type)
	}
	if r.begun == (e.Type == "message_start") && e.Type != "ping" {
		r.strange("%s while begun is %v", e.Type, r.begun)
	}
	switch e.Type {
	case "message_start":
		r.begun = true
		if e.Message == nil {
			r.strange("message_start without a message")
			return
		}
		r.id, r.model = e.Message.ID, e.Message.Model
		r.messageUsage(e.Message.Usage)
	case "content_block_start":
		r.openBlock(e)
	case "content_block_delta":
		r.blockDelta(e)
	case "content_block_stop":
		if r.block != e.Index+1 {
			r.strange("block %d is closed while %d is open", e.Index, r.block-1)
		}
		r.block = 0
	case "message_delta":
		if e.Delta.StopReason != nil {
			if r.finish != "" {
				r.strange("two reasons")
			}
			r.finish = finishOf(*e.Delta.StopReason)
		}
		r.messageUsage(e.Usage)
	case "message_stop":
		r.closed, r.end = true, "proper"
	}
}

func (r *reader) openBlock(e messageEvent) {
	if r.block != 0 || e.Index != r.blocks || e.Block == nil {
		r.strange("block %d opens behind %d blocks, open is %d", e.Index, r.blocks, r.block-1)
		return
	}
	r.blocks++
	r.block = r.blocks
	if e.Block.Type == "tool_use" {
		r.calls = append(r.calls, call{name: e.Block.Name})
	}
}

func (r *reader) blockDelta(e messageEvent) {
	if r.block != e.Index+1 {
		r.strange("a delta of block %d while %d is open", e.Index, r.block-1)
	}
	if r.finish != "" {
		r.strange("content behind the reason")
	}
	r.deltas++
	switch e.Delta.Type {
	case "text_delta":
		r.text += e.Delta.Text
	case "thinking_delta":
		r.reasoning += e.Delta.Thinking
	case "input_json_delta":
		if len(r.calls) == 0 {
			r.strange("input of no call")
			return
		}
		r.calls[len(r.calls)-1].input += e.Delta.PartialJSON
	case "signature_delta":
		r.deltas--
	}
}

func finishOf(reason string) string {
	if word, ok := reasons[reason]; ok {
		return word
	}
	return reason
}

func (a *answer) messageUsage(u *messageUsage) {
	if u == nil {
		return
	}
	a.hasUsage = true
	if u.Input != nil {
		a.in = *u.Input + u.CacheRead + u.CacheWrite
	}
	if u.Output != nil {
		a.out = *u.Output
	}
}

// wholeAnthropic reads a whole message.
func (a *answer) wholeAnthropic(raw []byte) {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil || m.Content == nil {
		a.strange("no whole answer: %.300s", raw)
		return
	}
	a.id, a.model = m.ID, m.Model
	for _, b := range m.Content {
		a.text += b.Text
		a.reasoning += b.Thinking
		if b.Type == "tool_use" {
			a.calls = append(a.calls, call{b.Name, string(b.Input)})
		}
	}
	a.end = "proper"
	if m.StopReason != nil {
		a.finish = finishOf(*m.StopReason)
	}
	a.messageUsage(m.Usage)
}
