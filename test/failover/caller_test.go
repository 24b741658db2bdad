package failover_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"fairlead"
)

// said is what callers say; its tokens are what usage must tell of the prompt.
const said = "hello out there"

// answer is what a caller got, in neither dialect.
type answer struct {
	status    int
	header    http.Header
	trailer   http.Header
	id, model string
	text      string
	reasoning string
	calls     []call
	finish    string // in OpenAI's words
	in, out   int64
	hasUsage  bool
	end       string // proper, error, left, or none: it broke off without a word
	code      string
	message   string
	raw       string
	odd       []string // what no proper answer has, such as two ends
	deltas    int      // of content
	err       error    // of the connection
	ended     time.Time
}

type call struct{ name, input string }

func (a *answer) strange(format string, values ...any) {
	a.odd = append(a.odd, fmt.Sprintf(format, values...))
}

// body is the request of an ask in a mode.
func (a ask) body(m mode) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"model":"play/%s","stream":%v,"max_tokens":%d,"messages":[{"role":"user","content":%q}]`, a.model, m.stream, a.maxTokens, said)
	schema := `{"type":"object","properties":{"place":{"type":"string"},"day":{"type":"string"},"unit":{"type":"string"}},"required":["place","day","unit"]}`
	switch {
	case a.tools && m.caller == fairlead.OpenAI:
		b.WriteString(`,"tools":[{"type":"function","function":{"name":"weather","parameters":` + schema + `}}]`)
	case a.tools:
		b.WriteString(`,"tools":[{"name":"weather","input_schema":` + schema + `}]`)
	}
	switch {
	case a.think && m.caller == fairlead.OpenAI:
		b.WriteString(`,"reasoning_effort":"high"`)
	case a.think:
		b.WriteString(`,"thinking":{"type":"enabled","budget_tokens":1024}`)
	}
	if a.cold {
		b.WriteString(`,"temperature":0`)
	}
	if m.caller == fairlead.OpenAI {
		b.WriteString(a.extra)
		if m.stream {
			b.WriteString(`,"stream_options":{"include_usage":true}`)
		}
	}
	b.WriteString("}")
	return b.String()
}

// call makes one exchange and reads its answer to the end, or until the caller leaves.
func (s *stage) call(ctx context.Context, a ask, m mode) *answer {
	got := &answer{}
	defer func() { got.ended = time.Now() }()
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	if a.leave > 0 {
		go s.leaveAfter(ctx, leave, a.leave)
	}
	path := "/v1/chat/completions"
	if m.caller == fairlead.Anthropic {
		path = "/v1/messages"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(a.body(m)))
	if err != nil {
		got.err = err
		return got
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Anthropic-Version", "2023-06-01")
	resp, err := s.http.Do(req)
	if err != nil {
		got.fail(a, err)
		return got
	}
	defer resp.Body.Close()
	got.status, got.header = resp.StatusCode, resp.Header
	var body io.Reader = resp.Body
	if a.slow > 0 {
		body = &slowReader{body, a.slow}
	}
	if m.stream && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		got.stream(body, m.caller, a.leaveAt)
		if a.leaveAt > 0 && got.deltas >= a.leaveAt && got.end == "none" {
			got.end = "left"
		}
	} else {
		got.whole(body, m.caller)
	}
	got.trailer = resp.Trailer
	if got.err != nil {
		got.fail(a, got.err)
	}
	return got
}

// leaveAfter has a caller leave some time after an attempt has arrived at a provider: on a busy machine that
// can take longer than the time.
func (s *stage) leaveAfter(ctx context.Context, leave func(), d time.Duration) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(s.attempts()) == 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		leave()
	}
}

// fail says how an exchange ended whose connection broke.
func (a *answer) fail(by ask, err error) {
	a.err = err
	a.end = "none"
	if by.leave > 0 && errors.Is(err, context.Canceled) {
		a.end, a.err = "left", nil
	}
}

// whole reads an unstreamed answer or an error.
func (a *answer) whole(body io.Reader, d fairlead.Dialect) {
	raw, err := io.ReadAll(body)
	a.raw, a.err = string(raw), err
	a.end = "none"
	if err != nil {
		return
	}
	if a.status != http.StatusOK {
		a.refusal(raw, d)
		return
	}
	if d == fairlead.OpenAI {
		a.wholeOpenAI(raw)
	} else {
		a.wholeAnthropic(raw)
	}
}

// refusal reads an error in a dialect's envelope.
func (a *answer) refusal(raw []byte, d fairlead.Dialect) {
	var e struct {
		Type  string
		Error *struct{ Type, Message, Code string }
	}
	if err := json.Unmarshal(raw, &e); err != nil || e.Error == nil {
		a.strange("an error that is none: %.300q", raw)
		return
	}
	if (e.Type == "error") != (d == fairlead.Anthropic) || e.Error.Code == "" || e.Error.Type == "" || e.Error.Message == "" {
		a.strange("an error in no envelope of %s: %.300s", d, raw)
	}
	if a.end == "error" {
		a.strange("two errors")
	}
	a.end, a.code, a.message = "error", e.Error.Code, e.Error.Message
}

// slowReader waits before every read, and reads little.
type slowReader struct {
	io.Reader
	pause time.Duration
}

// Read takes at most 4 KiB.
func (r *slowReader) Read(p []byte) (int, error) {
	<-time.After(r.pause)
	return r.Reader.Read(p[:min(len(p), 4<<10)])
}
