package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"fairlead"
	"fairlead/test/harness"
)

// TestCallerLeaves holds that a caller who leaves cancels the provider's work at every stage, over
// HTTP/1.1 and HTTP/2, in the caller's dialect and translated, and that nobody is blamed for it.
func TestCallerLeaves(t *testing.T) {
	stages := []struct {
		name, behaviour string
		stream          bool
		until           string // what the caller reads before it leaves; "" = it has no answer yet
	}{
		{"before headers", "fail=hang", true, ""},
		{"before the commit", "then=stall,at=0", true, ""},
		{"before the first token", "keepalive=10ms,ttft=1h", true, ""},
		{"mid-stream", "tokens=9,pace=1h", true, "data:"},
		{"mid-stream, stalled", "tokens=9,then=stall,at=3", true, "data:"},
		{"unstreamed, before headers", "ttft=1h", false, ""},
		{"unstreamed, in the body", "then=stall,tokens=200", false, ""},
		{"in an error's body", "keepalive=10ms,ttft=1h", false, ""},
	}
	r := newRig(t, "attempts: 3")
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		client := clientOf(t, protocol)
		for _, caller := range callers {
			for _, provider := range []string{"openai", "claude"} {
				for i, s := range stages {
					name := fmt.Sprintf("%s, %s at %s, %s", protocol, caller.dialect, provider, s.name)
					model := fmt.Sprintf("%s/leave%d:%s", provider, i, s.behaviour)
					r.leave(t, client, name, caller.path, asking(model, s.stream), s.until)
				}
			}
		}
	}
	for _, rec := range r.records.all() {
		if rec.Status != 499 || rec.Code != fairlead.CodeCallerGone || len(rec.Attempts) != 1 || rec.Attempts[0].Outcome != fairlead.OutcomeCallerGone {
			t.Errorf("%s at %s: status %d, code %q, attempts %+v", rec.Dialect, rec.Model, rec.Status, rec.Code, rec.Attempts)
		}
	}
}

// leave asks, waits until the provider is at it and the caller has read what it wants to, and leaves.
func (r *rig) leave(t *testing.T, client *http.Client, name, path, body, readUntil string) {
	t.Helper()
	r.fake.ResetLog()
	before := len(r.records.all())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := make(chan struct{})
	go func() {
		defer close(began)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("X-Api-Key", r.key)
		resp, err := client.Do(req)
		if err != nil {
			return // it left before the answer began
		}
		defer resp.Body.Close()
		if readUntil != "" {
			var seen strings.Builder
			piece := make([]byte, 512)
			for !strings.Contains(seen.String(), readUntil) && err == nil {
				var n int
				n, err = resp.Body.Read(piece)
				seen.Write(piece[:n])
			}
			cancel()
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}()
	if readUntil == "" {
		harness.Until(t, name+": the provider works", func() bool { return r.last().BodyBytes > 0 })
		cancel()
	}
	<-began
	harness.Until(t, name+": the provider's work is cancelled", func() bool {
		log := r.fake.Log()
		return len(log) == 1 && log[0].Left
	})
	harness.Until(t, name+": the exchange ended", func() bool { return len(r.records.all()) == before+1 })
}

// clientOf gives a client that speaks one protocol in plaintext.
func clientOf(t *testing.T, protocol string) *http.Client {
	t.Helper()
	p := new(http.Protocols)
	p.SetHTTP1(protocol == "HTTP/1.1")
	p.SetUnencryptedHTTP2(protocol == "HTTP/2")
	transport := &http.Transport{Protocols: p, MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestLeaverHarmsNobody holds that callers who leave in the middle take nothing from those who share
// the provider's connections with them.
func TestLeaverHarmsNobody(t *testing.T) {
	r := newRig(t, "attempts: 1")
	stays := make(chan error, 40)
	for i := range 40 {
		go func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			word := fmt.Sprintf("word%dx", i)
			for range 10 {
				if i%2 == 0 {
					if resp, err := r.try(ctx, "/v1/chat/completions", asking("openai/long:tokens=500,pace=1ms", true)); err == nil {
						_, _ = io.ReadFull(resp.Body, make([]byte, 100))
						resp.Body.Close()
					}
					continue
				}
				if err := r.echo(ctx, word, i%4 == 1); err != nil {
					stays <- err
					return
				}
			}
			stays <- nil
		}()
	}
	for range 40 {
		if err := <-stays; err != nil {
			t.Error(err)
		}
	}
}

// echo asks the fake to say a word and holds that it is what comes back, whole and alone.
func (r *rig) echo(ctx context.Context, word string, stream bool) error {
	return r.echoAt(ctx, "openai/echo", word, stream)
}

func (r *rig) echoAt(ctx context.Context, model, word string, stream bool) error {
	body := fmt.Sprintf(`{"model":%q,"stream":%v,"messages":[{"role":"user","content":%q}]}`, model, stream, word)
	resp, err := r.try(ctx, "/v1/chat/completions", body)
	if err != nil {
		return fmt.Errorf("%s: %w", word, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", word, err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: status %d: %.300s", word, resp.StatusCode, got)
	case said(got) != word:
		return fmt.Errorf("%s: answered with %q", word, said(got))
	case stream && !strings.HasSuffix(string(got), "data: [DONE]\n\n"):
		return fmt.Errorf("%s: no proper end: %.300s", word, got)
	}
	return nil
}

var contents = regexp.MustCompile(`"content":"([^"]*)"`)

// said gives the text of a chat's answer, streamed or not.
func said(answer []byte) string {
	var all strings.Builder
	for _, m := range contents.FindAllSubmatch(answer, -1) {
		all.Write(m[1])
	}
	return all.String()
}

// TestHalfClosedCaller holds that a caller who ends its side and goes on reading is not given an empty
// answer for a success.
func TestHalfClosedCaller(t *testing.T) {
	r := newRig(t, "attempts: 1")
	body := asking("openai/x:fail=hang", false)
	header := []string{"X-Api-Key: " + r.key, fmt.Sprintf("Content-Length: %d", len(body))}
	if status, answer := r.wait(t, request("POST /v1/chat/completions", header, body), true); status != 0 || answer != "" {
		t.Errorf("status %d: %q", status, answer)
	}
}

// TestRecordQuotesNoBody holds that what is wrong with a body's framing is recorded without the body.
func TestRecordQuotesNoBody(t *testing.T) {
	r := newRig(t, "attempts: 1")
	raw := request("POST /v1/chat/completions", []string{"X-Api-Key: " + r.key, "Transfer-Encoding: chunked"}, "0\r\nmy secret prompt\r\n\r\n")
	if status, answer := r.wait(t, raw, false); status != 400 {
		t.Errorf("status %d: %s", status, answer)
	}
	harness.Until(t, "the exchange is recorded", func() bool { return len(r.records.all()) == 1 })
	if err := r.records.all()[0].Err; err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("recorded: %v", err)
	}
}
