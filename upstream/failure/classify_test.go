package failure_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/upstream/failure"
)

// own are the outcomes that are the caller's doing, or nobody's: none may count against an endpoint.
var own = []fairlead.Outcome{
	fairlead.OutcomeCallerFault, fairlead.OutcomeContext, fairlead.OutcomeFilter, fairlead.OutcomeTooLarge,
	fairlead.OutcomeOverTier, fairlead.OutcomeGeneration, fairlead.OutcomeCallerGone,
}

// broken is the verdict that most broken connections get.
const broken = "connect EF yes"

func TestBreaks(t *testing.T) {
	for _, c := range []struct {
		name string
		e    failure.Evidence
		want string
	}{
		{"nothing is known", failure.Evidence{}, broken},
		{"refused", failure.Evidence{Err: syscall.ECONNREFUSED}, broken},
		{"reset before the headers", failure.Evidence{Err: fmt.Errorf("x: %w", syscall.ECONNRESET)}, broken},
		{"closed before the headers", failure.Evidence{Err: io.ErrUnexpectedEOF}, broken},
		{"a text that speaks of time is none", failure.Evidence{Err: errors.New("i/o timeout")}, broken},
		{"no connection, as a flag", failure.Evidence{Break: failure.BreakConnect}, broken},
		{"a kept connection was closed", failure.Evidence{Break: failure.BreakStale, Err: io.EOF}, "connect S no"},
		{"a deadline", failure.Evidence{Err: fmt.Errorf("x: %w", os.ErrDeadlineExceeded)}, "timeout EF yes"},
		{"a deadline of a context", failure.Evidence{Err: context.DeadlineExceeded}, "timeout EF yes"},
		{"a timeout of the network", failure.Evidence{Err: syscall.ETIMEDOUT}, "timeout EF yes"},
		{"a timeout, as a flag", failure.Evidence{Break: failure.BreakTimeout, Status: 200}, "timeout EF yes"},
		{"a deadline within a 200", failure.Evidence{Status: 200, InBand: true, Err: os.ErrDeadlineExceeded}, "timeout EF yes"},
		{"the caller left", failure.Evidence{Err: context.Canceled}, "caller_gone - no"},
		{"the caller left, as a flag", failure.Evidence{Break: failure.BreakLeft}, "caller_gone - no"},
		{"truncated", failure.Evidence{Status: 200, Err: io.ErrUnexpectedEOF}, "malformed SEF yes"},
		{"truncated, as a flag", failure.Evidence{Break: failure.BreakTruncated}, "malformed SEF yes"},
		{"not the dialect's form", failure.Evidence{Status: 200, Err: errors.New("x")}, "malformed SEF yes"},
		{"not the dialect's form, as a flag", failure.Evidence{Break: failure.BreakMalformed}, "malformed SEF yes"},
		{"an empty answer", failure.Evidence{Break: failure.BreakEmpty, Status: 200}, "malformed EF no"},
		{"a whole answer where a stream was asked for", failure.Evidence{Break: failure.BreakUnasked, Status: 200}, "malformed EF no"},
		{"a flag that there is not", failure.Evidence{Break: 200}, "caller_gone - no"},
		{"a broken error body has its status", failure.Evidence{Status: 429, Err: io.ErrUnexpectedEOF}, "rate_limited SEF cap"},
		{"an error body that came first", failure.Evidence{Status: 200, InBand: true, Body: []byte(`{"error":{"code":429}}`), Err: io.ErrUnexpectedEOF}, "rate_limited SEF cap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := failure.Classify(c.e)
			if got := short(&v, ""); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestEveryRow holds that each row decides a case, so that none is there without proof.
func TestEveryRow(t *testing.T) {
	decided := map[string]bool{}
	for _, c := range cases(t) {
		decided[failure.Classify(c.evidence).Row] = true
	}
	names := failure.Rules()
	for i, name := range names {
		if !decided[name] {
			t.Errorf("no case reaches the row %q", name)
		}
		if slices.Contains(names[:i], name) {
			t.Errorf("two rows are named %q", name)
		}
	}
}

// TestWordsAreLogged holds that a dialect names a fault by every word of the catalogue.
func TestWordsAreLogged(t *testing.T) {
	for _, word := range failure.Words() {
		word = strings.TrimPrefix(word, "end=")
		if got := (&dialect.Fault{Type: word}).Error(); got != "provider error "+word {
			t.Errorf("%q is named %q", word, got)
		}
	}
}

// TestQuoted holds for every text of the catalogue that it proves nothing where a caller had it quoted: in
// a plain 400 and in a server's error, behind any words, with a code that says something else and without.
func TestQuoted(t *testing.T) {
	seen := 0
	for _, c := range cases(t) {
		text := failure.Classify(c.evidence).Fault.Message
		if len(text) < 10 {
			continue
		}
		seen++
		for _, quote := range []string{"Invalid value: ", "'", "messages.0.content: ", "\n", "bad request\n"} {
			for _, code := range []string{"null", `"invalid_value"`, "400"} {
				body := `{"error":{"type":"invalid_request_error","code":` + code + `,"message":` + quoted(quote+text) + `}}`
				v := failure.Classify(failure.Evidence{Place: "openai", Status: 400, Body: []byte(body), Now: now})
				if got := short(&v, ""); got != "caller_fault - no" {
					t.Errorf("%s: row %q makes %s of %s", c.at, v.Row, got, body)
				}
				body = strings.Replace(body, "invalid_request_error", "server_error", 1)
				v = failure.Classify(failure.Evidence{Status: 500, Body: []byte(body), Now: now})
				if got := short(&v, ""); got != "server_error SEF yes" {
					t.Errorf("%s: row %q makes %s of %s", c.at, v.Row, got, body)
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d texts were tried", seen)
	}
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string always can be written
	return string(text)
}

// TestMembersOfAPrompt holds that members of what a provider quotes never become those of the error.
func TestMembersOfAPrompt(t *testing.T) {
	for _, member := range []string{"input", "ctx", "failed_generation", "flagged_input", "content", "messages", "prompt", "raw", "loc"} {
		body := `{"error":{"message":"m","type":"invalid_request_error","` + member + `":{"error":{"code":"insufficient_quota","message":"x"},"code":"insufficient_quota","type":"overloaded_error","details":[{"reason":"API_KEY_INVALID"}]}}}`
		v := failure.Classify(failure.Evidence{Status: 400, Body: []byte(body), Now: now})
		if got := short(&v, ""); got != "caller_fault - no" || v.Fault.Message != "m" {
			t.Errorf("%s: row %q makes %s", member, v.Row, got)
		}
	}
}

// check holds what is true of every verdict.
func check(t *testing.T, e *failure.Evidence, v *failure.Verdict) {
	t.Helper()
	if v.Wait < 0 || v.Wait > maxWait {
		t.Errorf("waits %v", v.Wait)
	}
	if slices.Contains(own, v.Outcome) && v.Health != failure.Nothing {
		t.Errorf("%s counts as %s", v.Outcome, v.Health)
	}
	if v.Dimension != "" && !slices.Contains(failure.Dimensions, v.Dimension) {
		t.Errorf("dimension %q is not in the list", v.Dimension)
	}
	if !slices.Contains(outcomes, v.Outcome) {
		t.Errorf("outcome %q is not in the list", v.Outcome)
	}
	if !slices.Contains(rows, v.Row) {
		t.Errorf("row %q is not in the list", v.Row)
	}
	if v.Retry.Has(failure.Same) && strings.EqualFold(e.Header.Get("X-Should-Retry"), "false") {
		t.Error("is to be tried again where the provider forbids it")
	}
	if v.Outcome == fairlead.OutcomeContext && v.Retry != failure.LargerContext {
		t.Errorf("a context too small is tried %s", v.Retry)
	}
	f := v.Fault
	if len(f.Message) > 4096 || len(f.Type) > 256 || len(f.Code) > 256 || len(f.Param) > 256 {
		t.Errorf("keeps %d, %d, %d and %d bytes", len(f.Message), len(f.Type), len(f.Code), len(f.Param))
	}
}

// TestDialect holds that a place without a name is taken for what it speaks.
func TestDialect(t *testing.T) {
	for d, want := range map[fairlead.Dialect]string{fairlead.Anthropic: "server_error S no", fairlead.OpenAI: "server_error SE no"} {
		v := failure.Classify(failure.Evidence{Dialect: d, Status: 409})
		if got := short(&v, ""); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}

func TestStrings(t *testing.T) {
	for r, want := range map[failure.Retry]string{0: "nowhere", failure.Same | failure.Fallback: "same+fallback", failure.LargerContext: "larger_context"} {
		if r.String() != want {
			t.Errorf("got %s, want %s", r, want)
		}
	}
	if failure.Retry(0).Has(0) || !(failure.Same | failure.Elsewhere).Has(failure.Same) || failure.Same.Has(failure.Same|failure.Elsewhere) {
		t.Error("Has")
	}
	if failure.Configuration.String() != "configuration" || failure.MendCredential.String() != "credential" {
		t.Error("a name is out of place")
	}
}
