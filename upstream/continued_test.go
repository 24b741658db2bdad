package upstream_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead"
	"fairlead/upstream"
)

// TestLegsGiveTheirConnectionBack holds that the connection of an attempt that went on with an answer serves
// the next exchange.
func TestLegsGiveTheirConnectionBack(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(legs["goes"])
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	w := newWorld(t)
	j := w.journey("dies goes")
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := &fairlead.Snapshot{}
	for i := range j.Plan.Steps {
		snapshot.Providers = append(snapshot.Providers, j.Plan.Steps[i].Endpoint.Provider)
	}
	snapshot.Providers[1].BaseURL = base
	if err := w.up.Prepare(snapshot); err != nil {
		t.Fatal(err)
	}
	var walk upstream.Walk
	for range 3 {
		if told, _, err := w.follow(t.Context(), &walk, j, ignored); err != nil || told != "interrupted* ok* -> whole" {
			t.Fatalf("%q, %v", told, err)
		}
		w.up.Forget()
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for three exchanges", n)
	}
}

// TestToldTextStaysWithItsExchange holds that a walk whose memory serves one exchange after another shows none
// the text of another, and that nothing of an answer goes on in one that told nothing.
func TestToldTextStaysWithItsExchange(t *testing.T) {
	w := newWorld(t)
	var bodies sync.Map
	w.own = map[string]http.HandlerFunc{"goes": func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies.Store(string(body), true)
		legs["goes"](rw, r)
	}}
	var walk upstream.Walk
	for i, c := range []struct{ plan, want string }{
		{"dies goes", "interrupted* ok* -> whole"},
		{"ok", "ok -> whole"},
		{"503 dead goes", "server_error malformed ok -> whole"},
		{"reasons rereasons", "interrupted* ok* -> whole"},
		{"dies goes", "interrupted* ok* -> whole"},
	} {
		w.text = fmt.Sprintf("exchange %d", i)
		j := w.journey(c.plan)
		told, all, err := w.follow(t.Context(), &walk, j, ignored)
		w.up.Forget() // that some fail
		if told != c.want || err != nil {
			t.Errorf("exchange %d: %q, %q, %v", i, told, content(all), err)
		}
		if got := content(all); strings.HasPrefix(c.plan, "dies") && got != story || c.plan == "ok" && got != "good" {
			t.Errorf("exchange %d: %q", i, got)
		}
	}
	bodies.Range(func(body, _ any) bool {
		if strings.Contains(body.(string), "exchange 2") && strings.Contains(body.(string), "fairlead guides") {
			t.Errorf("another's text is in %s", body)
		}
		return true
	})
}

// TestLegsAcrossDialects holds that a leg may speak another dialect than the one before it, that a large request
// is asked again whole, and what the caller is charged.
func TestLegsAcrossDialects(t *testing.T) {
	event := func(typ, rest string) string {
		return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}\n\n", typ, typ, rest)
	}
	claude := func(text string, ends bool) http.HandlerFunc {
		frames := []string{
			event("message_start", `,"message":{"id":"msg_1","model":"c","usage":{"input_tokens":5,"output_tokens":1}}`),
			event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`),
			event("content_block_delta", fmt.Sprintf(`,"index":0,"delta":{"type":"text_delta","text":%q}`, text)),
		}
		if ends {
			frames = append(frames, event("content_block_stop", `,"index":0`),
				event("message_delta", `,"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":8}`), event("message_stop", ""))
		}
		return stream(frames...)
	}
	for _, c := range []struct {
		plan   string
		claude http.HandlerFunc
		text   int // bytes of the prompt
		id     string
		usage  fairlead.Usage
	}{
		{"dies claude", claude(story[broken:], true), 10, "1", fairlead.Usage{Input: 3, Output: 13 + 8}},
		{"claude goes", claude(story[:broken], false), 10, "msg_1", fairlead.Usage{Input: 5, Output: 13 + 2}},
		{"dies claude", claude(story[broken:], true), 300 << 10, "1", fairlead.Usage{Input: 300 << 10 / 4, Output: 13 + 8}},
		{"claude goes", claude(story[:broken], false), 300 << 10, "msg_1", fairlead.Usage{Input: 5, Output: 13 + 2}},
	} {
		w := newWorld(t)
		var bodies []string
		noted := func(h http.HandlerFunc) http.HandlerFunc {
			return func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies = append(bodies, string(body))
				h(rw, r)
			}
		}
		w.text = strings.Repeat("x", c.text)
		w.own = map[string]http.HandlerFunc{"claude": noted(c.claude), "dies": noted(legs["dies"]), "goes": noted(legs["goes"])}
		j := w.journey(c.plan)
		var walk upstream.Walk
		told, all, err := w.follow(t.Context(), &walk, j, ignored)
		if told != "interrupted* ok* -> whole" || content(all) != story || err != nil {
			t.Errorf("%s, %d: %q, %q, %v", c.plan, c.text, told, content(all), err)
		}
		if n := strings.Count(all, "data: {"); strings.Count(all, `"id":"`+c.id+`"`) != n && n != 0 {
			t.Errorf("%s, %d: other ids: %s", c.plan, c.text, all)
		}
		if len(bodies) != 2 || !strings.Contains(bodies[1], w.text) || !strings.Contains(bodies[1], story[:broken]) {
			t.Fatalf("%s, %d: %d requests", c.plan, c.text, len(bodies))
		}
		c.usage.Estimated = true
		if u, ok := walk.Usage(); !ok || u != c.usage {
			t.Errorf("%s, %d: usage %+v, want %+v", c.plan, c.text, u, c.usage)
		}
	}
}

// TestLegsWithoutUsage holds what the caller is told where the last attempt reports no usage: what was delivered,
// and nothing that another one said.
func TestLegsWithoutUsage(t *testing.T) {
	counting := func(text string) string {
		return strings.Replace(says(text), `"choices"`, `"usage":{"prompt_tokens":999,"completion_tokens":999},"choices"`, 1)
	}
	for _, c := range []struct {
		name, plan string
		want       fairlead.Usage
		frame      string
	}{
		{"nobody reports any", "dies silent", fairlead.Usage{Input: 40, Output: 21}, `"prompt_tokens":40,"completion_tokens":21,"total_tokens":61`},
		{"the second does, and breaks off", "dies counts silent", fairlead.Usage{Input: 40, Output: 21}, `"prompt_tokens":40,"completion_tokens":21,"total_tokens":61`},
		{"the first does", "counted silent", fairlead.Usage{Input: 999, Output: 21}, `"prompt_tokens":999,"completion_tokens":21,"total_tokens":1020`},
		{"nobody goes on", "dies", fairlead.Usage{Input: 40, Output: 13}, ""},
	} {
		w := newWorld(t)
		w.extra = `"seed":1,"stream_options":{"include_usage":true},`
		w.own = map[string]http.HandlerFunc{
			"counted": stream(counting(story[:broken])),
			"counts":  stream(counting(story[:broken])),
			"silent":  stream(says(story), chunk(`{}`, `"stop"`), done),
		}
		j := w.journey(c.plan)
		j.Prompt, j.Encode.Usage = 40, true
		for i := range j.Plan.Steps {
			j.Plan.Steps[i].Endpoint.Supports = fairlead.Supports{}
		}
		var walk upstream.Walk
		told, all, _ := w.follow(t.Context(), &walk, j, ignored)
		c.want.Estimated = true
		if u, ok := walk.Usage(); !ok || u != c.want {
			t.Errorf("%s: %s: usage %+v, want %+v", c.name, told, u, c.want)
		}
		if c.frame != "" && (strings.Count(all, `"choices":[],"usage":{`) != 1 || !strings.Contains(all, c.frame)) {
			t.Errorf("%s: %s", c.name, all)
		}
	}
}

// TestLegsElsewhere holds where an answer is gone on with: not where the request cannot be said, which is no attempt;
// and by a fallback model only after its own, marked, and never by asking for the end.
func TestLegsElsewhere(t *testing.T) {
	const brk = "interrupted* "
	for _, c := range []struct {
		name, plan, extra string
		prefill, fallback bool // the endpoints take prefill; all but the first are a fallback model's
		most              int
		want, marks       string
	}{
		{"one that cannot be asked", "dies claude goes", `"logit_bias":{"1":1},`, true, false, 2, brk + "not_sent* ok* -> whole", `[{"endpoint":"a/m@goes","method":"prefill"}]`},
		{"a fallback by prefill", "dies goes", ``, true, true, 3, brk + "malformed* ok* -> whole", `[{"endpoint":"a/m@goes","method":"prefill","fallback":true}]`},
		{"a fallback that says the same", "dies repeats", `"seed":1,`, false, true, 3, brk + "malformed* ok* -> whole", `[{"endpoint":"a/m@repeats","method":"regenerate","fallback":true}]`},
		{"a fallback is not asked for the end", "dies quotes", ``, false, true, 3, brk + "malformed* -> broken", ``},
		{"two of them", "dies adds ends", ``, true, false, 3, brk + brk + "ok* -> whole", `[{"endpoint":"a/m@adds","method":"prefill"},{"endpoint":"a/m@ends","method":"prefill"}]`},
	} {
		w := newWorld(t)
		w.extra = c.extra
		j := w.journey(c.plan)
		j.Most = c.most
		for i := range j.Plan.Steps {
			s := &j.Plan.Steps[i]
			if !c.prefill {
				s.Endpoint.Supports = fairlead.Supports{}
			}
			if c.fallback && i > 0 {
				s.Fallback, s.Asked = true, "b/m"
			}
		}
		var walk upstream.Walk
		told, all, err := w.follow(t.Context(), &walk, j, ignored)
		if told != c.want || c.marks != "" && !strings.Contains(all, `"fairlead":{"continued":`+c.marks+`}`) {
			t.Errorf("%s: %q, %v\n%s", c.name, told, err, all)
		}
		if list := walk.Continued(); len(list) != strings.Count(c.marks, "endpoint") {
			t.Errorf("%s: continued by %q", c.name, list)
		}
	}
}
