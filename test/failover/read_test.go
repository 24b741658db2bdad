package failover_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"fairlead"
)

// stream reads events until the end, or until so many deltas of content have come. It is a reading of its
// own, so that a mistake of the program cannot hide behind the same mistake here.
func (a *answer) stream(body io.Reader, d fairlead.Dialect, most int) {
	var raw bytes.Buffer
	in := bufio.NewScanner(io.TeeReader(body, &raw))
	in.Buffer(nil, 1<<20)
	r := reader{answer: a}
	a.end = "none"
	var event, data string
	for in.Scan() {
		text := in.Text()
		switch {
		case text == "" && data != "":
			if d == fairlead.OpenAI {
				r.openai(data)
			} else {
				r.anthropic(event, data)
			}
			event, data = "", ""
		case strings.HasPrefix(text, "event: "):
			event = text[len("event: "):]
		case strings.HasPrefix(text, "data: "):
			data += text[len("data: "):]
		case text != "" && !strings.HasPrefix(text, ":"):
			a.strange("a line that is no field: %.100q", text)
		}
		if most > 0 && a.deltas >= most {
			break
		}
	}
	a.err = in.Err()
	a.raw = raw.String()
	r.close()
}

// reader is the state of a stream.
type reader struct {
	*answer
	closed  bool // the dialect's last frame came
	created int64
	block   int // Anthropic: the open block, counting from 1; 0 = none
	blocks  int
	begun   bool // message_start came
}

// close holds what can only be said at the end.
func (r *reader) close() {
	if r.end == "proper" && r.finish == "" {
		r.strange("a proper end without a reason")
	}
	if r.end == "proper" && r.block != 0 {
		r.strange("a block is still open at the end")
	}
}

// frame begins to read a frame; false where it is an error or no JSON.
func (r *reader) frame(data string, d fairlead.Dialect, into any) bool {
	if r.closed || r.end == "error" {
		r.strange("a frame behind the end: %.200s", data)
	}
	if err := json.Unmarshal([]byte(data), into); err != nil {
		r.strange("a frame that is no JSON: %.200q", data)
		return false
	}
	var e struct{ Error json.RawMessage }
	if json.Unmarshal([]byte(data), &e) == nil && len(e.Error) > 0 && string(e.Error) != "null" {
		r.refusal([]byte(data), d)
		return false
	}
	return true
}

type chatUsage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
}

type chatChunk struct {
	ID, Model string
	Created   int64
	Choices   []struct {
		Index        int
		Delta        chatMessage
		Message      chatMessage
		FinishReason *string `json:"finish_reason"`
	}
	Usage *chatUsage
}

type chatMessage struct {
	Content          string
	ReasoningContent string `json:"reasoning_content"`
	Reasoning        string
	ToolCalls        []struct {
		Index    int
		ID       string
		Function struct{ Name, Arguments string }
	} `json:"tool_calls"`
}

// openai takes a frame of a chat completion.
func (r *reader) openai(data string) {
	if data == "[DONE]" {
		if r.closed || r.end == "error" {
			r.strange("[DONE] behind the end")
		}
		r.closed, r.end = true, "proper"
		return
	}
	var c chatChunk
	if !r.frame(data, fairlead.OpenAI, &c) {
		return
	}
	if r.begun && (c.ID != r.id || c.Model != r.model || c.Created != r.created) {
		r.strange("id, model or created change: %q %q %d", c.ID, c.Model, c.Created)
	}
	r.begun, r.id, r.model, r.created = true, c.ID, c.Model, c.Created
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			r.strange("a choice %d", choice.Index)
		}
		r.chat(choice.Delta)
		if choice.FinishReason != nil {
			if r.finish != "" {
				r.strange("two reasons: %s, %s", r.finish, *choice.FinishReason)
			}
			r.finish = *choice.FinishReason
		}
	}
	r.chatUsage(c.Usage)
}

func (a *answer) chatUsage(u *chatUsage) {
	switch {
	case u == nil:
	case a.hasUsage && (u.Prompt < a.in || u.Completion < a.out):
		a.strange("usage shrinks")
	default:
		a.in, a.out, a.hasUsage = u.Prompt, u.Completion, true
	}
}

// chat adds what a delta or a message says.
func (a *answer) chat(m chatMessage) {
	a.text += m.Content
	a.reasoning += m.ReasoningContent + m.Reasoning
	if m.Content != "" || m.ReasoningContent != "" || m.Reasoning != "" || len(m.ToolCalls) > 0 {
		a.deltas++
		if a.finish != "" {
			a.strange("content behind the reason")
		}
	}
	for _, t := range m.ToolCalls {
		if t.Index > len(a.calls) {
			a.strange("a call %d behind %d calls", t.Index, len(a.calls))
			continue
		}
		if t.Function.Name != "" {
			a.calls = append(a.calls, call{name: t.Function.Name})
		}
		if t.Index < len(a.calls) {
			a.calls[t.Index].input += t.Function.Arguments
		}
	}
}

// wholeOpenAI reads a whole chat completion.
func (a *answer) wholeOpenAI(raw []byte) {
	var c chatChunk
	if err := json.Unmarshal(raw, &c); err != nil || len(c.Choices) != 1 {
		a.strange("no whole answer: %.300s", raw)
		return
	}
	a.id, a.model = c.ID, c.Model
	a.chat(c.Choices[0].Message)
	a.end = "proper"
	if reason := c.Choices[0].FinishReason; reason != nil {
		a.finish = *reason
	}
	a.chatUsage(c.Usage)
}

// continued gives what the last frames and the trailer say of who went on with the answer: the trailer's
// endpoints where the two agree.
func (a *answer) continued() string {
	var endpoints, methods []string
	for line := range strings.Lines(a.raw) {
		var frame struct {
			Fairlead *struct {
				Continued []struct {
					Endpoint, Method string
					Fallback         bool
				}
			}
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || json.Unmarshal([]byte(data), &frame) != nil || frame.Fairlead == nil {
			continue
		}
		endpoints, methods = nil, nil
		for _, c := range frame.Fairlead.Continued {
			endpoints = append(endpoints, c.Endpoint)
			method := strings.TrimPrefix(c.Endpoint, "play/") + ":" + c.Method
			if c.Fallback {
				method += ":fallback"
			}
			methods = append(methods, method)
		}
	}
	if told := a.trailer.Get("X-Fairlead-Continued"); a.end == "proper" && told != strings.Join(endpoints, ", ") {
		return "the trailer says " + told + ", the last frame " + strings.Join(endpoints, ", ")
	}
	if len(methods) == 0 {
		return "no"
	}
	return strings.Join(methods, ", ")
}
