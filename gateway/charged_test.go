package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/internal/jsonscan"
	"fairlead/test/harness"
)

// priced is a configuration in which every kind of token has its own price; %s is the fake's address. Its tokens have 2 bytes.
const priced = `version: 1
providers:
  first: {dialect: openai, base_url: "http://%[1]s/v1"}
  second: {dialect: anthropic, base_url: "http://%[1]s"}
models:
  openai/*:
    bytes_per_token: "2"
    endpoints: [{provider: first, price: {input: "1", output: "100", cache_read: "0.5", reasoning: "10000", image: "1000000", request: "7000000"}}]
    route: {continue: off}
  claude/*:
    bytes_per_token: "2"
    max_output: 4096
    endpoints: [{provider: second, price: {input: "1", output: "100", cache_read: "0.5", reasoning: "10000", image: "1000000", request: "7000000"}}]
    route: {continue: off}
  two/*:
    endpoints: [{provider: first, name: a, model: "bad/*", price: {input: "1000000", output: "1000000", request: "1000000"}}]
    route: {fallbacks: [openai/echo]}
  author/mended:
    bytes_per_token: "2"
    endpoints:
      - {provider: first, name: a, weight: 1000000000, model: "die:seed=1,tokens=20,usage=none,then=abort,at=4"}
      - {provider: first, name: b, weight: 1, model: "go:seed=1,tokens=20,usage=none"}
  unknown/*: {endpoints: [{provider: first}]}
settings: {attempts: 2}
`

func newPriced(t *testing.T) *rig {
	r := newRig(t, "attempts: 1")
	r.swap(2, fmt.Sprintf(priced, strings.TrimPrefix(r.fakeURL, "http://")))
	return r
}

// costOf is what the prices of priced make of a usage, in nano-dollars.
func costOf(u fairlead.Usage) fairlead.USD {
	const dollar = 1_000_000_000_000 // in pico-dollars
	pico := u.Input*1e6 + u.CacheRead*5e5 + (u.Output-u.Reasoning)*1e8 + u.Reasoning*1e10 + u.Images*dollar + 7*dollar
	return fairlead.USD((pico + 500) / 1000)
}

// charged holds what a record charges: a usage of its own kind, its price, and the estimate beside it.
func charged(t *testing.T, name string, rec *fairlead.Record, want fairlead.Usage) {
	t.Helper()
	if rec.Usage != want {
		t.Errorf("%s: charged %+v, want %+v", name, rec.Usage, want)
	}
	if rec.Cost == nil || *rec.Cost != costOf(want) {
		t.Errorf("%s: costs %v, want %v", name, rec.Cost, costOf(want))
	}
}

var texts = regexp.MustCompile(`"(?:content|reasoning_content|text|thinking)":("(?:[^"\\]|\\.)*")`)

// heardBytes counts the text and reasoning that a caller has read.
func heardBytes(answer string) (n int64) {
	for _, m := range texts.FindAllStringSubmatch(answer, -1) {
		n += int64(jsonscan.Value(m[1]).StringBytes())
	}
	return n
}

// TestReportedUsageIsCharged holds that what a provider reports at the end is charged as it is, with its parts, and the estimate
// by bytes stands beside it.
func TestReportedUsageIsCharged(t *testing.T) {
	r := newPriced(t)
	for _, caller := range callers {
		for _, place := range []string{"openai", "claude"} {
			for _, stream := range []bool{false, true} {
				for _, more := range []string{"tokens=9", "tokens=9,cached=3", "tokens=9,think=4", "tokens=9,usage=split", "tokens=1,size=100"} {
					name := fmt.Sprintf("%s at %s, streamed %v, %s", caller.dialect, place, stream, more)
					resp := r.post(t.Context(), caller.path, asking(place+"/m:"+more, stream))
					answer := text(t, resp)
					rec := r.records.of(t, resp)
					u := rec.Usage
					if u.Estimated || u.Output == 0 || u.Prompt() == 0 || (u.CacheRead > 0) != strings.Contains(more, "cached") {
						t.Errorf("%s: charged %+v", name, u)
					}
					charged(t, name, &rec, u)
					if want := (fairlead.Normal{Prompt: (rec.BytesIn + 1) / 2, Output: (heardBytes(answer) + 1) / 2}); rec.Normal != want {
						t.Errorf("%s: by bytes %+v, want %+v", name, rec.Normal, want)
					}
					if cost := resp.Header.Get("X-Fairlead-Cost"); !stream && cost != rec.Cost.String() {
						t.Errorf("%s: the header says %q, the record %s", name, cost, rec.Cost)
					}
				}
			}
		}
	}
}

// TestUnreportedUsageIsEstimated holds that what no provider reports is estimated by the model's own measure and marked.
func TestUnreportedUsageIsEstimated(t *testing.T) {
	r := newPriced(t)
	for _, caller := range callers {
		for _, place := range []string{"openai", "claude"} {
			for _, stream := range []bool{false, true} {
				resp := r.post(t.Context(), caller.path, asking(place+"/m:tokens=9,usage=none", stream))
				answer := text(t, resp)
				rec := r.records.of(t, resp)
				name := fmt.Sprintf("%s at %s, streamed %v", caller.dialect, place, stream)
				charged(t, name, &rec, fairlead.Usage{Input: (rec.BytesIn + 1) / 2, Output: (heardBytes(answer) + 1) / 2, Estimated: true})
				if rec.Prompt != rec.Usage.Input {
					t.Errorf("%s: planned for %d tokens", name, rec.Prompt)
				}
			}
		}
	}
}

// TestImagesAreCharged holds that each image of a prompt has its price, whether tokens are reported or not, and that none is
// asked for counting tokens.
func TestImagesAreCharged(t *testing.T) {
	r := newPriced(t)
	image := `{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}}`
	for _, model := range []string{"openai/m:tokens=3", "openai/m:tokens=3,usage=none", "claude/m:tokens=3"} {
		body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":[{"type":"text","text":"look"},%s,%s]}]}`, model, image, image)
		resp := r.post(t.Context(), "/v1/chat/completions", body)
		answer := text(t, resp)
		rec := r.records.of(t, resp)
		if rec.Usage.Images != 2 {
			t.Fatalf("%s: %d images: %s", model, rec.Usage.Images, answer)
		}
		charged(t, model, &rec, rec.Usage)
	}
	body := `{"model":"claude/m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}}]}]}`
	resp := r.post(t.Context(), "/v1/messages/count_tokens", body)
	answer := text(t, resp)
	if rec := r.records.of(t, resp); rec.Status != http.StatusOK || rec.Usage != (fairlead.Usage{}) {
		t.Errorf("counting tokens: %d %s: %+v", rec.Status, answer, rec.Usage)
	}
}

// TestFailuresAndSilenceCostNothing holds that neither a failed attempt nor an answer that says nothing is charged.
func TestFailuresAndSilenceCostNothing(t *testing.T) {
	r := newPriced(t)
	for _, caller := range callers {
		for _, stream := range []bool{false, true} {
			for _, place := range []string{"openai", "claude"} {
				name := fmt.Sprintf("%s at %s, streamed %v", caller.dialect, place, stream)
				for _, silent := range []string{"fail=empty", "fail=empty,finish=content_filter", "fail=empty,finish=stop,usage=none"} {
					resp := r.post(t.Context(), caller.path, asking(place+"/m:"+silent, stream))
					answer := text(t, resp)
					rec := r.records.of(t, resp)
					if rec.Status != http.StatusOK || rec.Usage != (fairlead.Usage{}) || rec.Normal != (fairlead.Normal{}) || rec.Cost == nil || *rec.Cost != 0 {
						t.Errorf("%s, %s: %d, %+v, %+v, cost %v: %s", name, silent, rec.Status, rec.Usage, rec.Normal, rec.Cost, answer)
					}
					if cost := resp.Header.Get("X-Fairlead-Cost"); !stream && cost != "0" {
						t.Errorf("%s, %s: the header says %q", name, silent, cost)
					}
				}
				resp := r.post(t.Context(), caller.path, asking(place+"/m:fail=empty,finish=length", stream))
				text(t, resp)
				if rec := r.records.of(t, resp); rec.Usage.Prompt() == 0 || rec.Cost == nil || *rec.Cost != costOf(rec.Usage) {
					t.Errorf("%s: an answer that its bound ended costs %v, %+v", name, rec.Cost, rec.Usage)
				}
				resp = r.post(t.Context(), caller.path, asking(place+"/m:fail=server_error", stream))
				text(t, resp)
				if rec := r.records.of(t, resp); rec.Code == "" || rec.Usage != (fairlead.Usage{}) || rec.Normal != (fairlead.Normal{}) || rec.Cost != nil {
					t.Errorf("%s: a failure costs %v, %+v, %+v", name, rec.Cost, rec.Usage, rec.Normal)
				}
			}
			resp := r.post(t.Context(), caller.path, asking("two/m:fail=server_error", stream))
			text(t, resp)
			rec := r.records.of(t, resp)
			if len(rec.Attempts) != 2 || rec.Usage.Estimated {
				t.Fatalf("attempts %+v, usage %+v", rec.Attempts, rec.Usage)
			}
			charged(t, "behind a failed attempt", &rec, rec.Usage)
		}
	}
}

// TestUnknownPrice holds that no price is none, also where nothing was said.
func TestUnknownPrice(t *testing.T) {
	r := newPriced(t)
	for _, behaviour := range []string{"tokens=3", "fail=empty"} {
		resp := r.post(t.Context(), "/v1/chat/completions", asking("unknown/m:"+behaviour, false))
		text(t, resp)
		rec := r.records.of(t, resp)
		if cost, told := resp.Header["X-Fairlead-Cost"]; rec.Cost != nil || told {
			t.Errorf("%s costs %v, %v", behaviour, rec.Cost, cost)
		}
	}
}

// TestBrokenAnswersAreChargedAsDelivered holds that of an answer that breaks off the caller pays what it has heard, by what a
// provider had reported of the prompt, and that it is marked.
func TestBrokenAnswersAreChargedAsDelivered(t *testing.T) {
	r := newPriced(t)
	for _, caller := range callers {
		for _, place := range []string{"openai", "claude"} {
			for _, usage := range []string{"none", "split"} {
				model := fmt.Sprintf("%s/m:tokens=40,then=abort,at=7,usage=%s", place, usage)
				resp := r.post(t.Context(), caller.path, asking(model, true))
				answer := text(t, resp)
				rec := r.records.of(t, resp)
				want := fairlead.Usage{Input: (rec.BytesIn + 1) / 2, Output: (heardBytes(answer) + 1) / 2, Estimated: true}
				if usage == "split" {
					want.Input = reportedPrompt(t, r, caller.path, place)
				}
				if want.Output == 0 || rec.Code != fairlead.CodeStreamInterrupted {
					t.Errorf("%s: %q, heard %q", model, rec.Code, answer)
				}
				charged(t, string(caller.dialect)+" at "+model, &rec, want)
			}
		}
	}
}

// TestMendedAnswersAreEstimated holds that of an answer that was put together of two attempts each byte counts once, by the model's
// own measure.
func TestMendedAnswersAreEstimated(t *testing.T) {
	r := newPriced(t)
	resp := r.post(t.Context(), "/v1/chat/completions", asking("author/mended", true))
	answer := text(t, resp)
	rec := r.records.of(t, resp)
	want := fairlead.Usage{Input: (rec.BytesIn + 1) / 2, Output: (heardBytes(answer) + 1) / 2, Estimated: true}
	if len(rec.Attempts) != 2 || rec.Code != "" || rec.Usage != want {
		t.Errorf("%q after %+v: %+v, want %+v", rec.Code, rec.Attempts, rec.Usage, want)
	}
}

// reportedPrompt is the prompt that a provider reports of an exchange like it.
func reportedPrompt(t *testing.T, r *rig, path, place string) int64 {
	t.Helper()
	resp := r.post(t.Context(), path, asking(place+"/m:tokens=40,usage=split", true))
	text(t, resp)
	rec := r.records.of(t, resp)
	return rec.Usage.Input
}

// TestLeaversPayWhatTheyHeard holds that a caller who leaves pays for what was delivered until then, and no more.
func TestLeaversPayWhatTheyHeard(t *testing.T) {
	r := newPriced(t)
	for _, caller := range callers {
		for _, place := range []string{"openai", "claude"} {
			ctx, cancel := context.WithCancel(t.Context())
			resp := r.post(ctx, caller.path, asking(place+"/m:tokens=40,pace=1h,size=9,usage=none", true))
			var heard strings.Builder
			for piece := make([]byte, 512); heardBytes(heard.String()) == 0; {
				n, err := resp.Body.Read(piece)
				check(t, err)
				heard.Write(piece[:n])
			}
			cancel()
			resp.Body.Close()
			rec := r.records.of(t, resp)
			if rec.Code != fairlead.CodeCallerGone {
				t.Errorf("%s at %s: %q", caller.dialect, place, rec.Code)
			}
			want := fairlead.Usage{Input: (rec.BytesIn + 1) / 2, Output: (heardBytes(heard.String()) + 1) / 2, Estimated: true}
			charged(t, string(caller.dialect)+" at "+place, &rec, want)
		}
	}
	harness.Until(t, "nothing is under way", func() bool { return len(r.records.all()) == 4 })
}

// leaver is the connection of a caller who takes so many bytes of text or JSON and then is gone.
type leaver struct {
	*httptest.ResponseRecorder
	takes int
}

var errLeft = errors.New("the caller is gone")

// Write takes all of a piece or nothing.
func (l *leaver) Write(p []byte) (int, error) {
	if l.takes -= len(p); l.takes < 0 {
		return 0, errLeft
	}
	return l.ResponseRecorder.Write(p)
}

func (l *leaver) SetWriteDeadline(time.Time) error { return nil }
func (l *leaver) SetReadDeadline(time.Time) error  { return nil }

// takeSome asks as a caller who takes no more than so many bytes of the answer.
func (r *rig) takeSome(t *testing.T, path, body string, takes int) (answer string, rec fairlead.Record) {
	t.Helper()
	w := &leaver{httptest.NewRecorder(), takes}
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("X-Api-Key", r.key)
	func() {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				t.Errorf("panic: %v", v)
			}
		}()
		r.gateway.ServeHTTP(w, req)
	}()
	return w.Body.String(), r.records.of(t, &http.Response{Header: w.Header()})
}

// TestUnwrittenPiecesAreNotCharged holds that what could not be written to a caller who left is none of what it heard, and that an
// answer which the provider had brought to its end has the provider's count.
func TestUnwrittenPiecesAreNotCharged(t *testing.T) {
	r := newPriced(t)
	for _, caller := range callers {
		for _, place := range []string{"openai", "claude"} {
			name := fmt.Sprintf("%s at %s", caller.dialect, place)
			answer, rec := r.takeSome(t, caller.path, asking(place+"/m:tokens=40,pace=1ms,size=9,usage=none", true), 2500)
			want := fairlead.Usage{Input: (rec.BytesIn + 1) / 2, Output: (heardBytes(answer) + 1) / 2, Estimated: true}
			if heard := heardBytes(answer); heard == 0 || heard > 350 || rec.Code != fairlead.CodeCallerGone {
				t.Errorf("%s: %q, heard %d bytes", name, rec.Code, heard)
			}
			charged(t, name, &rec, want)
			_, rec = r.takeSome(t, caller.path, asking(place+"/m:tokens=40,size=9", false), 10)
			if rec.Code != fairlead.CodeCallerGone || rec.Usage.Estimated || rec.Usage.Output != 40 {
				t.Errorf("%s, unstreamed: %q, %+v", name, rec.Code, rec.Usage)
			}
			charged(t, name+", unstreamed", &rec, rec.Usage)
		}
		_, rec := r.takeSome(t, caller.path, asking("openai/m:fail=empty,finish=length,usage=early", true), 0)
		if rec.Code != fairlead.CodeCallerGone || rec.Usage.Estimated || rec.Usage.Prompt() == 0 {
			t.Errorf("%s, ended by the provider before: %q, %+v", caller.dialect, rec.Code, rec.Usage)
		}
	}
}
