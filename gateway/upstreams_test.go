package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead"
	"fairlead/test/harness"
)

// TestClosingUpstreams sends thousands of exchanges to providers that close kept connections in every
// way: no error reaches a caller, and every answer is the caller's own.
func TestClosingUpstreams(t *testing.T) {
	r := newRig(t, "attempts: 1")
	for _, closing := range []string{"close=silent", "close=idle:1ms", "close=header", "close=delimited", "close=silent,split=7,hints=2", "close=idle:200us"} {
		t.Run(closing, func(t *testing.T) {
			var n atomic.Int64
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for i := n.Add(1); i <= 500 && !t.Failed(); i = n.Add(1) {
						provider := []string{"openai", "claude"}[i/2%2]
						model := provider + "/m:echo," + closing
						if err := r.echoAt(t.Context(), model, fmt.Sprintf("word%dx", i), i%2 == 0); err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
		})
	}
	harness.Until(t, "every exchange is recorded", func() bool { return len(r.records.all()) == 6*500 })
	for _, rec := range r.records.all() {
		if rec.Status != 200 || rec.Code != "" || len(rec.Attempts) != 1 {
			t.Fatalf("status %d, code %q, attempts %+v", rec.Status, rec.Code, rec.Attempts)
		}
	}
}

// TestBadUpstreams asks providers that answer with what is no answer, in both dialects and translated:
// the caller gets one honest error, or the good answer of the next endpoint.
func TestBadUpstreams(t *testing.T) {
	r, again := newRig(t, "attempts: 1"), newRig(t, "attempts: 2")
	for _, c := range []struct {
		behaviour string
		stream    bool
		status    int
		code      fairlead.Code
		outcome   fairlead.Outcome
	}{
		{"fail=html", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeServerError},
		{"fail=html", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeServerError},
		{"fail=wrong_type", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"fail=wrong_type", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"fail=malformed", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"fail=malformed", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"fail=error_in_200", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeServerError},
		{"fail=error_in_200", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeServerError}, // of type JSON
		{"fail=error_first_frame", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeServerError},
		{"fail=refused", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeConnect},
		{"fail=reset", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeConnect},
		{"fail=huge_headers", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"fail=huge_headers", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"fail=endless_line", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"status=500", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeServerError},
		{"fail=rate_limited", false, 429, fairlead.CodeRateLimited, fairlead.OutcomeRateLimited},
		{"fail=invalid_key", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeCredential},
		{"fail=model_not_found", false, 404, fairlead.CodeModelNotFound, fairlead.OutcomeModel},
		{"then=truncate,at=0", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"then=abort,at=0", true, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"then=truncate", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
		{"then=abort", false, 502, fairlead.CodeUpstreamFailed, fairlead.OutcomeMalformed},
	} {
		for _, caller := range callers {
			for _, provider := range []string{"openai", "claude"} {
				name := fmt.Sprintf("%s stream=%v, %s at %s", c.behaviour, c.stream, caller.dialect, provider)
				resp := r.post(t.Context(), caller.path, asking(provider+"/x:"+c.behaviour, c.stream))
				body := text(t, resp)
				e, err := readRefusal(caller.dialect, []byte(body))
				if err != nil || resp.StatusCode != c.status || e.Error.Code != string(c.code) {
					t.Errorf("%s: %d, want %d %s (%v): %.300s", name, resp.StatusCode, c.status, c.code, err, body)
				}
				if strings.Contains(body, "<html>") || resp.Header.Get("X-Fairlead-Attempts") != "1" {
					t.Errorf("%s: headers %v: %.300s", name, resp.Header, body)
				}
				if got := r.records.of(t, resp).Attempts; len(got) != 1 || got[0].Outcome != c.outcome {
					t.Errorf("%s: attempts %+v, want outcome %s", name, got, c.outcome)
				}
			}
		}
		if c.code != fairlead.CodeUpstreamFailed || c.outcome == fairlead.OutcomeCredential {
			continue // the other endpoint is asked with the same credential
		}
		check(t, again.fake.Set("bad/x", c.behaviour))
		resp := again.post(t.Context(), "/v1/chat/completions", asking("two/x", c.stream))
		if body := text(t, resp); resp.StatusCode != 200 || resp.Header.Get("X-Fairlead-Attempts") != "2" || said([]byte(body)) != "hello" {
			t.Errorf("%s: with another endpoint: %d, %v: %.300s", c.behaviour, resp.StatusCode, resp.Header, body)
		}
	}
}

// TestEndlessAnswers takes a part of answers that do not end and leaves: the answer flows, the
// exchange is given up, and a line without an end is an error, not memory.
func TestEndlessAnswers(t *testing.T) {
	r := newRig(t, "attempts: 1")
	const most = 12 << 20 // more than is held of an answer, or of a frame
	for _, c := range []struct {
		behaviour string
		stream    bool
		flows     bool
	}{
		{"fail=huge,bytes=10GB", true, true},
		{"fail=huge,bytes=10GB", false, true},
		{"fail=endless_line,bytes=10GB", true, false},
	} {
		for _, caller := range callers {
			for _, provider := range []string{"openai", "claude"} {
				name := fmt.Sprintf("%s stream=%v, %s at %s", c.behaviour, c.stream, caller.dialect, provider)
				ctx, leave := context.WithCancel(t.Context())
				resp := r.post(ctx, caller.path, asking(provider+"/x:"+c.behaviour, c.stream))
				n, _ := io.CopyN(io.Discard, resp.Body, most)
				leave()
				resp.Body.Close()
				same := (caller.dialect == fairlead.Anthropic) == (provider == "claude")
				if flows := c.flows && (c.stream || same); flows != (n == most) || flows != (resp.StatusCode == 200) {
					t.Errorf("%s: %d bytes with status %d", name, n, resp.StatusCode)
				}
				harness.Until(t, name+": the provider is left alone", func() bool { return r.last().Outcome != "open" })
			}
		}
	}
}

// TestBrokenStreams holds that what breaks behind the commit is told in-band and never ends cleanly.
func TestBrokenStreams(t *testing.T) {
	r := newRig(t, "attempts: 3")
	for _, then := range []string{"truncate", "abort", "reset", "error_frame", "error_done", "no_finish", "bad_json", "finish_error"} {
		for _, caller := range callers {
			for _, provider := range []string{"openai", "claude"} {
				name := fmt.Sprintf("%s, %s at %s", then, caller.dialect, provider)
				at := ",at=2"
				if then == "no_finish" || then == "finish_error" {
					at = ""
				}
				resp := r.post(t.Context(), caller.path, asking(provider+"/x:then="+then+at, true))
				body := text(t, resp)
				if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Fairlead-Attempts") != "1" {
					t.Errorf("%s: status %d, %v", name, resp.StatusCode, resp.Header)
				}
				if strings.Contains(body, "[DONE]") || strings.Contains(body, "message_stop") || !strings.Contains(body, `"error"`) {
					t.Errorf("%s: ends with %q", name, body[max(0, len(body)-300):])
				}
				if got := r.records.of(t, resp); got.Code == "" || got.Attempts[0].Outcome != fairlead.OutcomeInterrupted {
					t.Errorf("%s: code %q, attempts %+v", name, got.Code, got.Attempts)
				}
			}
		}
	}
}
