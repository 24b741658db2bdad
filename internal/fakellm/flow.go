package fakellm

import "time"

// flow is a streamed answer in its wire, cut where streams break.
type flow struct {
	pre     string   // what comes before any content: the role, message_start
	chunks  []string // content, each with what must stand before it
	tail    string   // what closes the content
	finish  string   // the frame with the reason
	usage   string   // OpenAI's frame of usage alone
	done    string   // [DONE], message_stop
	odd     string   // the finish frame with a reason that says error
	failure string   // an in-band error
	garbled string   // a frame that is no JSON
	alive   string   // what is sent while the model is silent
}

// frame is OpenAI's: data alone.
func frame(data string) string { return "data: " + data + "\n\n" }

// event is Anthropic's, and that of OpenAI's responses: named, then the data.
func event(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }

// breaks are the ways in which an answer ends badly, for the setting `then`.
var breaks = []string{
	"truncate", "abort", "reset", "stall", "error_frame", "error_done", "llama_error", "no_finish", "no_done", "bad_json", "finish_error",
}

const llamaError = `error: {"code":500,"message":"the model crashed","type":"server_error"}` + "\n\n"

// streamScript puts a flow in time, whole or broken.
func streamScript(f *flow, b *Behaviour, broken bool) *script {
	sc := &script{status: 200, kind: eventStream, chunked: true, outcome: "ok", closing: b}
	first := max(b.ttft-b.headers, 0)
	switch {
	case b.keepalive > 0:
		sc.step(b.headers, f.alive, 0)
		for first > b.keepalive {
			sc.step(b.keepalive, f.alive, 0)
			first -= b.keepalive
		}
		sc.step(first, f.pre, 0)
		first = 0
	default:
		sc.step(b.headers, f.pre, 0)
	}
	stopAt := len(f.chunks)
	if broken && b.then != "" {
		sc.outcome = b.outcome()
		stopAt = min(b.at, len(f.chunks))
	}
	for i, c := range f.chunks[:stopAt] {
		sc.step(wait(i, first, b.pace), c, 1)
	}
	if stopAt == 0 {
		sc.step(first, "", 0)
	}
	if !broken || b.then == "" {
		sc.finish(f, b.usage)
		return sc
	}
	sc.breakOff(f, b, stopAt, first)
	return sc
}

func (sc *script) finish(f *flow, usage string) {
	if usage == "early" {
		sc.step(0, f.tail+f.usage+f.finish+f.done, 0)
		return
	}
	sc.step(0, f.tail+f.finish+f.usage+f.done, 0)
}

// breakOff ends a stream the way that `then` says.
func (sc *script) breakOff(f *flow, b *Behaviour, at int, first time.Duration) {
	switch b.then {
	case "truncate":
	case "abort":
		sc.end = endAbort
	case "reset":
		sc.end = endReset
	case "stall":
		sc.end = endStall
		if b.keepalive > 0 {
			sc.alive = step{wait: b.keepalive, data: []byte(f.alive)}
		}
	case "error_frame":
		sc.step(b.pace, f.failure, 0)
	case "error_done":
		sc.step(b.pace, f.failure+f.done, 0)
	case "llama_error":
		sc.step(b.pace, llamaError+f.done, 0)
	case "no_finish":
		sc.step(0, f.tail+f.done, 0)
	case "no_done":
		sc.step(0, f.tail+f.finish+f.usage, 0)
	case "finish_error":
		sc.step(0, f.tail+f.odd+f.done, 0)
	case "bad_json":
		sc.step(b.pace, f.garbled, 0)
		for i, c := range f.chunks[at:] {
			sc.step(wait(at+i, first, b.pace), c, 1)
		}
		sc.finish(f, b.usage)
	}
}

// wait is the pause before the i-th chunk.
func wait(i int, first, pace time.Duration) time.Duration {
	if i == 0 {
		return first
	}
	return pace
}
