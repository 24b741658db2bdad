package fakellm

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

var (
	finishField = regexp.MustCompile(`"finish_reason":"[^"]*"`)
	stopField   = regexp.MustCompile(`"stop_reason":"[^"]*"`)
)

const page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"

// failing makes the script of `fail` or `status`; nil where the answer itself is what breaks.
func failing(op *operation, a *ask, b *Behaviour) *script {
	sh := op.shape
	in := classes["server_error"].problem(sh)
	sc := &script{status: 200, kind: jsonType, closing: b}
	lead := max(b.ttft, b.headers)
	switch b.fail {
	case "empty":
		return nil
	case "refused", "reset", "hang", "huge_headers":
		sc.act = map[string]act{"refused": actRefuse, "reset": actReset, "hang": actHang, "huge_headers": actHugeHeaders}[b.fail]
		sc.bytes = b.bytes
		sc.step(lead, "", 0)
	case "html", "wrong_type":
		sc.kind = htmlType
		if b.fail == "html" {
			sc.status = http.StatusBadGateway
		}
		sc.step(lead, page, 0)
	case "malformed":
		sc.step(lead, `{"id":"fake","object":"chat.completion","choices":[{"index":0,"mess`, 0)
		if a.stream {
			sc.kind, sc.steps = eventStream, nil
			sc.step(lead, frame(`{"id":"fake","choices":[{"ind`), 0)
		}
	case "error_in_200":
		sc.step(lead, in.body(sh, b.errorShape), 0)
	case "error_first_frame":
		body := in.body(sh, b.errorShape)
		if a.stream {
			sc.kind = eventStream
			body = frame(body)
			if sh == anthropic {
				body = "event: error\n" + body
			}
		}
		sc.step(lead, body, 0)
	case "huge", "endless_line":
		sc.endless(op, a, b, lead)
	case "":
		if b.status == 0 {
			return nil
		}
		sc = errorScript(sh, ofStatus(b.status, sh), b)
	default:
		p := *classes[b.fail].problem(sh)
		if b.status != 0 {
			p.status = b.status
		}
		sc = errorScript(sh, &p, b)
	}
	if b.status != 0 {
		sc.status = b.status
	}
	sc.outcome = b.outcome()
	return sc
}

// endless makes an answer that goes on until the client leaves: content without end, or a line.
func (sc *script) endless(op *operation, a *ask, b *Behaviour, lead time.Duration) {
	sc.chunked, sc.bytes = true, b.bytes
	sc.repeat = []byte(strings.Repeat("fairlead ", 2000))
	if op.voice == nil || (!a.stream && b.fail == "huge") || b.fail == "endless_line" {
		start := `{"id":"fake","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"`
		if a.stream {
			sc.kind, start = eventStream, "data: "+start
		}
		sc.step(lead, start, 0)
		return
	}
	f := op.voice.flow(answerTo(a, &Behaviour{tokens: 2, chunk: 1, size: 9, thinkAs: "reasoning"}, 0, 0))
	sc.kind = eventStream
	sc.step(lead, f.pre+f.chunks[0], 1)
	sc.repeat = []byte(strings.Repeat(f.chunks[len(f.chunks)-1], mostJoined/len(f.chunks[len(f.chunks)-1])))
}
