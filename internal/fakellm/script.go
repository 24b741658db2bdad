package fakellm

import (
	"strconv"
	"strings"
	"time"
)

// script is an answer as it is to be performed: a head, steps in time, an end. It is made once and
// never changed, so that many connections may perform one script at a time.
type script struct {
	act     act // instead of an HTTP answer
	status  int
	kind    []string    // the value of Content-Type
	header  [][2]string // beyond those that every answer has
	steps   []step
	chunked bool   // no Content-Length
	length  int    // the Content-Length that is told where it is not that of the steps; 0 = theirs
	repeat  []byte // sent over and over behind the steps
	bytes   int64  // of repeat at most
	end     end
	alive   step // sent over and over while the answer stalls; no wait = never
	noID    bool
	outcome string
	closing *Behaviour // split, hints and what becomes of the connection; nil = nothing special
}

// step is bytes that go out at once after a pause.
type step struct {
	wait   time.Duration
	data   []byte
	chunks int // content chunks in it
}

// act is something done to the connection instead of an answer.
type act uint8

const (
	actAnswer      act = iota
	actRefuse          // close it without a byte
	actReset           // RST
	actHang            // say nothing
	actSlowHeaders     // the head a byte at a time
	actHugeHeaders     // a head without an end
)

// end is how an answer ends.
type end uint8

const (
	endClean end = iota
	endAbort     // the connection closes inside the body's framing
	endReset     // RST
	endStall     // silence
)

var (
	eventStream = []string{"text/event-stream; charset=utf-8"}
	jsonType    = []string{"application/json"}
	htmlType    = []string{"text/html; charset=utf-8"}
	textType    = []string{"text/plain; charset=utf-8"}
)

// mostJoined bounds what steps without a pause are joined to, so that a stream at full speed still
// arrives in many reads.
const mostJoined = 16 << 10

// step adds bytes; what follows without a pause joins the step before it.
func (sc *script) step(wait time.Duration, data string, chunks int) {
	if n := len(sc.steps); n > 0 && wait == 0 && len(sc.steps[n-1].data)+len(data) <= mostJoined {
		sc.steps[n-1].data = append(sc.steps[n-1].data, data...)
		sc.steps[n-1].chunks += chunks
		return
	}
	sc.steps = append(sc.steps, step{wait: wait, data: []byte(data), chunks: chunks})
}

func (sc *script) size() int {
	n := 0
	for _, s := range sc.steps {
		n += len(s.data)
	}
	return n
}

// jsonScript answers 200 with a body, at once.
func jsonScript(body []byte) *script {
	return &script{status: 200, kind: jsonType, steps: []step{{data: body}}, outcome: "ok"}
}

var healthScript = jsonScript([]byte(`{"status":"ok"}`))

// problemScript tells an error before any answer.
func problemScript(sh shape, p *problem) *script { return errorScript(sh, p, newBehaviour()) }

// errorScript tells an error the way that a behaviour wants it told.
func errorScript(sh shape, p *problem, b *Behaviour) *script {
	sc := &script{status: p.status, kind: jsonType, noID: p.noID, outcome: "invalid", closing: b}
	pause, told := p.retryAfter, *p
	if b.retryAfter > 0 {
		// Clients read the time in the words too, so it is the one in the headers.
		pause = b.retryAfter
		told.message = strings.Replace(p.message, "try again in "+p.retryAfter.String(), "try again in "+pause.String(), 1)
	}
	sc.step(max(b.ttft, b.headers), told.body(sh, b.errorShape), 0)
	if p.limits {
		sc.header = append(sc.header, limitHeaders(sh, pause)...)
	}
	if pause > 0 {
		sc.header = append(sc.header, [2]string{"Retry-After", strconv.Itoa(int((pause + time.Second - 1) / time.Second))})
		if sh == openai {
			sc.header = append(sc.header, [2]string{"Retry-After-Ms", strconv.FormatInt(pause.Milliseconds(), 10)})
		}
	}
	return sc
}

// limitHeaders are those of an exhausted limit. OpenAI tells when it resets as a duration, Anthropic
// as a time; that time is fixed and past, because a script is made once.
func limitHeaders(sh shape, pause time.Duration) [][2]string {
	if sh == anthropic {
		return [][2]string{
			{"Anthropic-Ratelimit-Input-Tokens-Limit", "30000"},
			{"Anthropic-Ratelimit-Input-Tokens-Remaining", "0"},
			{"Anthropic-Ratelimit-Input-Tokens-Reset", "2026-01-01T00:00:00Z"},
		}
	}
	return [][2]string{
		{"X-Ratelimit-Limit-Tokens", "30000"},
		{"X-Ratelimit-Remaining-Tokens", "0"},
		{"X-Ratelimit-Reset-Tokens", pause.String()},
		{"X-Ratelimit-Limit-Requests", "500"},
		{"X-Ratelimit-Remaining-Requests", "499"},
		{"X-Ratelimit-Reset-Requests", "120ms"},
	}
}

// plainScript answers with one body: after the time that the tokens take, or broken as `then` says.
func plainScript(body string, chunks int, b *Behaviour, failure string, broken bool) *script {
	sc := &script{status: 200, kind: jsonType, outcome: "ok", closing: b}
	pause := max(b.ttft, b.headers) + b.pace*time.Duration(max(chunks-1, 0))
	if b.keepalive > 0 {
		sc.chunked = true
		sc.step(0, "\n", 0)
		for pause > b.keepalive {
			sc.step(b.keepalive, "\n", 0)
			pause -= b.keepalive
		}
	}
	if !broken || b.then == "" {
		sc.step(pause, body, chunks)
		return sc
	}
	sc.outcome = b.outcome()
	half := body[:len(body)/2]
	switch b.then {
	case "truncate", "bad_json":
		sc.step(pause, half, 0)
	case "abort", "reset", "stall":
		sc.end = map[string]end{"abort": endAbort, "reset": endReset, "stall": endStall}[b.then]
		sc.length = len(body)
		sc.step(pause, half, 0)
		if b.then == "stall" && b.keepalive > 0 {
			sc.alive = step{wait: b.keepalive, data: []byte("\n")}
		}
	case "no_done":
		sc.step(pause, body, chunks)
	case "no_finish", "finish_error":
		with := `"finish_reason":null`
		if b.then == "finish_error" {
			with = `"finish_reason":"error"`
		}
		body = finishField.ReplaceAllString(body, with)
		body = stopField.ReplaceAllString(body, strings.Replace(with, "finish", "stop", 1))
		sc.step(pause, body, 0)
	default:
		sc.step(pause, failure, 0)
	}
	return sc
}

// sentStatus is the status that went out; 0 where none does.
func (sc *script) sentStatus() int {
	if sc.act == actAnswer || sc.act == actSlowHeaders {
		return sc.status
	}
	return 0
}
