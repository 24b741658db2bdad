package fakellm

import (
	"fmt"
	"strings"
)

// responsesVoice speaks OpenAI's responses: a text answer with its events in order.
type responsesVoice struct{}

// plain is the response object.
func (v responsesVoice) plain(r *answer) []byte {
	return []byte(r.response(r.status(), r.message("completed", strings.Join(r.text, ""))))
}

// flow is the answer as events; every one carries the next sequence number.
func (v responsesVoice) flow(r *answer) *flow {
	n := -1
	say := func(name, fields string) string {
		n++
		return event(name, fmt.Sprintf(`{"type":"%s","sequence_number":%d,%s}`, name, n, fields))
	}
	text := strings.Join(r.text, "")
	id := `"item_id":"msg_` + r.id + `","output_index":0,"content_index":0,`
	f := &flow{alive: ": keep-alive\n\n"}
	f.pre = say("response.created", `"response":`+r.response("in_progress", "")) +
		say("response.in_progress", `"response":`+r.response("in_progress", "")) +
		say("response.output_item.added", `"output_index":0,"item":`+r.message("in_progress", "")) +
		say("response.content_part.added", id+`"part":`+outputText(""))
	for _, t := range r.text {
		f.chunks = append(f.chunks, say("response.output_text.delta", id+`"delta":`+quote(t)+`,"logprobs":[]`))
	}
	f.tail = say("response.output_text.done", id+`"text":`+quote(text)+`,"logprobs":[]`) +
		say("response.content_part.done", id+`"part":`+outputText(text)) +
		say("response.output_item.done", `"output_index":0,"item":`+r.message("completed", text))
	status := r.status()
	before := n
	f.finish = say("response."+status, `"response":`+r.response(status, r.message("completed", text)))
	n = before
	f.odd = say("response.failed", `"response":`+r.response("failed", ""))
	n = len(r.text) + 3
	f.failure = say("error", `"code":"server_error","message":"The server had an error while processing your request.","param":null`)
	f.garbled = event("response.output_text.delta", `{"type":"response.output_text.delta","sequence_`)
	return f
}

// status is that of the response when it ended.
func (r *answer) status() string {
	if r.finish == "length" || r.finish == "filter" {
		return "incomplete"
	}
	return "completed"
}

func outputText(text string) string {
	return `{"type":"output_text","text":` + quote(text) + `,"annotations":[],"logprobs":[]}`
}

// message is the one item of the output; no text yet has no content.
func (r *answer) message(status, text string) string {
	content := ""
	if status != "in_progress" {
		content = outputText(text)
	}
	return `{"id":"msg_` + r.id + `","type":"message","status":"` + status + `","role":"assistant","content":[` + content + `]}`
}

// response is the object at some point of its life.
func (r *answer) response(status, output string) string {
	usage, failure, incomplete := "null", "null", "null"
	switch status {
	case "failed":
		failure = `{"code":"server_error","message":"The server had an error while processing your request."}`
	case "incomplete":
		incomplete = `{"reason":"max_output_tokens"}`
		if r.finish == "filter" {
			incomplete = `{"reason":"content_filter"}`
		}
	}
	if status == "completed" || status == "incomplete" {
		usage = fmt.Sprintf(`{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":%d},"total_tokens":%d}`,
			r.prompt, r.cached, r.completion, r.reasoning, r.prompt+r.completion)
		if r.usage == "none" {
			usage = "null"
		}
	}
	return `{"id":"resp_` + r.id + `","object":"response","created_at":` + r.time() + `,"status":"` + status + `","error":` + failure +
		`,"incomplete_details":` + incomplete + `,"instructions":null,"metadata":{},"model":` + quote(r.model) + `,"output":[` + output +
		`],"parallel_tool_calls":true,"temperature":1,"tool_choice":"auto","tools":[],"top_p":1,"usage":` + usage + `}`
}
