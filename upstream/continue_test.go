package upstream_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/upstream"
	"fairlead/upstream/health"
)

// A whole answer, the place where it breaks off, and another one.
const (
	story   = "The fairlead guides a line round an obstacle so that it neither chafes nor slips."
	broken  = 50
	another = "Something else altogether is told here and nothing that was said before comes again."
)

func says(text string) string { return chunk(fmt.Sprintf(`{"content":%q}`, text), "null") }

const done = "data: [DONE]\n\n"

// legs are behaviours of providers that go on with the story, or fail to.
var legs = map[string]http.HandlerFunc{
	"dies":      stream(chunk(`{"role":"assistant"}`, "null"), says(story[:broken])),
	"fails":     stream(says(story[:broken]), "data: {\"error\":{\"message\":\"died\"}}\n\n"),
	"garbles":   stream(says(story[:broken]), "data: {\"choices\":[\n\n"),
	"goes":      stream(says(story[broken:]), chunk(`{}`, `"stop"`), usageFrame, done),
	"bits":      stream(says(story[broken:51]), ": comment\n\n", says(story[51:60]), says(story[60:]), chunk(`{}`, `"stop"`), usageFrame, done),
	"repeats":   stream(says(story[:20]), says(story[20:]), chunk(`{}`, `"stop"`), usageFrame, done),
	"starts":    stream(says(story[:20]), says(story[20:broken])),
	"quotes":    stream(says(story[10:30]), says(story[30:]), chunk(`{}`, `"stop"`), usageFrame, done),
	"adds":      stream(says(story[broken : broken+10])),
	"ends":      stream(says(story[broken+10:]), chunk(`{}`, `"stop"`), usageFrame, done),
	"dead":      stream(chunk(`{"role":"assistant"}`, "null")),
	"blank":     stream(chunk(`{"role":"assistant"}`, "null"), chunk(`{}`, `"stop"`), done),
	"filtered":  stream(chunk(`{"role":"assistant"}`, "null"), chunk(`{}`, `"content_filter"`), done),
	"other":     stream(says(another), chunk(`{}`, `"stop"`), done),
	"calls":     stream(chunk(`{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}`, "null"), chunk(`{}`, `"tool_calls"`), done),
	"outgrown":  status(400, `{"error":{"message":"This model's maximum context length is 10 tokens","code":"context_length_exceeded","type":"invalid_request_error"}}`),
	"forbids":   status(400, `{"error":{"message":"Prefill is not supported","type":"invalid_request_error"}}`),
	"hangs":     func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
	"reasons":   stream(chunk(`{"reasoning_content":"hm, "}`, "null"), chunk(`{"reasoning_content":"so"}`, "null")),
	"rereasons": stream(chunk(`{"reasoning_content":"well"}`, "null"), says(story), chunk(`{}`, `"stop"`), done),
	"finishes":  stream(says(story[:broken]), chunk(`{}`, `"stop"`), "data: {\"error\":{\"message\":\"died\"}}\n\n"),
	"nofinish":  stream(says(story), done),
}

// journey is a plan of legs whose endpoints take prefill.
func (w *world) journey(names string) upstream.Journey {
	w.t.Helper()
	own := maps.Clone(legs)
	maps.Copy(own, w.own)
	w.own = own
	plan := w.plan(strings.Fields(names)...)
	for i := range plan.Steps {
		plan.Steps[i].Endpoint.Supports = fairlead.NewSupports(fairlead.Chat | fairlead.Prefill)
	}
	return upstream.Journey{
		Ask: w.ask(true), Plan: plan, Most: 3, Start: time.Now(), Continue: true, Encode: dialect.EncodeOptions{RequestID: "req_1"},
	}
}

// follow goes the whole way of a journey, as the gateway does, and tells it: outcomes, text and end.
func (w *world) follow(ctx context.Context, walk *upstream.Walk, j upstream.Journey, seen func(piece []byte)) (told, all string, err error) {
	w.t.Helper()
	w.up.Walk(ctx, walk, j)
	answer, err := walk.Commit(time.Time{})
	for err == nil {
		var piece []byte
		if piece, err = walk.Next(20 * time.Millisecond); err == upstream.ErrSilent {
			piece, err = []byte("silence"), nil
		} else {
			all += string(piece)
		}
		seen(piece)
	}
	end := "broken"
	switch {
	case err == io.EOF:
		end, err = "whole", nil
	case ctx.Err() != nil:
		end = "left"
		walk.Interrupted(fairlead.OutcomeCallerGone, "")
	default:
		walk.Interrupted(fairlead.OutcomeInterrupted, upstream.Detail(err))
	}
	walk.Close()
	if answer != nil {
		answer.Close()
	}
	for _, a := range walk.Attempts {
		told += string(a.Outcome)
		if a.After {
			told += "*" // after the commit
		}
		told += " "
	}
	return told + "-> " + end, all, err
}

func ignored([]byte) {}

// held sends frames, says so, and waits until the caller leaves.
func held(at chan<- struct{}, frames ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller left
		if len(frames) > 0 {
			stream(frames...)(w, r)
		}
		at <- struct{}{}
		<-r.Context().Done()
	}
}

// TestLegs holds what becomes of an answer that breaks off in the middle, by what the others do then. An
// attempt is marked with * where it failed, or was made, after the commit.
func TestLegs(t *testing.T) {
	const brk = "interrupted* "
	for _, c := range []struct {
		plan, want, why string // why: of the attempts, without continue_
		text            string
	}{
		{"dies goes", brk + "ok* -> whole", "first prefill", story},
		{"fails goes", brk + "ok* -> whole", "first prefill", story},
		{"garbles goes", brk + "ok* -> whole", "first prefill", story},
		{"dies bits", brk + "ok* -> whole", "first prefill", story},
		{"dies repeats", brk + "ok* -> whole", "first prefill", story},
		{"503 dies goes", "server_error " + brk + "ok* -> whole", "first elsewhere prefill", story},
		{"dies 503 goes", brk + "server_error* ok* -> whole", "first prefill prefill", story},
		{"dies refused goes", brk + "connect* ok* -> whole", "first prefill prefill", story},
		{"dies reset goes", brk + "connect* ok* -> whole", "first prefill prefill", story},
		{"dies 429 goes", brk + "rate_limited* ok* -> whole", "first prefill prefill", story},
		{"dies 401 goes", brk + "credential* ok* -> whole", "first prefill prefill", story},
		{"dies outgrown goes", brk + "context_length* ok* -> whole", "first prefill prefill", story},
		{"dies errfirst goes", brk + "server_error* ok* -> whole", "first prefill prefill", story},
		{"dies html goes", brk + "malformed* ok* -> whole", "first prefill prefill", story},
		{"dies garbage goes", brk + "malformed* ok* -> whole", "first prefill prefill", story},
		{"dies dead goes", brk + "malformed* ok* -> whole", "first prefill prefill", story},
		{"dies hangs goes", brk + "timeout* ok* -> whole", "first prefill prefill", story},
		{"dies starts goes", brk + "malformed* ok* -> whole", "first prefill prefill", story},
		{"dies calls goes", brk + "no_seam* ok* -> whole", "first prefill prefill", story},
		{"dies forbids goes", brk + "caller_fault* ok* -> whole", "first prefill prefill", story},
		{"dies blank goes", brk + "no_seam* ok* -> whole", "first prefill prefill", story},
		{"dies filtered goes", brk + "no_seam* ok* -> whole", "first prefill prefill", story},
		{"dies filtered", brk + "no_seam* no_seam* -> broken", "first prefill anchor", story[:broken]},
		{"dies adds ends", brk + brk + "ok* -> whole", "first prefill prefill", story},
		{"dies 503 503", brk + "server_error* server_error* -> broken", "first prefill prefill", story[:broken]},
		{"finishes goes", brk + "-> broken", "first", story[:broken]},
		{"reasons rereasons", brk + "ok* -> whole", "first regenerate", story},
		{"reasons blank", brk + "no_seam* malformed* -> broken", "first regenerate regenerate", ""},
		{"dies", brk + "malformed* -> broken", "first prefill", story[:broken]},
		{"nofinish blank blank", brk + "no_seam* ok* -> whole", "first prefill prefill", story},
		{"nofinish blank", brk + "no_seam* no_seam* -> broken", "first prefill anchor", story},
	} {
		w := newWorld(t)
		j := w.journey(c.plan)
		for i := range j.Plan.Steps {
			if strings.HasSuffix(j.Plan.Steps[i].Endpoint.ID, "@hangs") {
				j.Plan.Steps[i].Endpoint.Provider.Timeouts.FirstToken = 40 * time.Millisecond
			}
		}
		var walk upstream.Walk
		told, all, err := w.follow(t.Context(), &walk, j, ignored)
		var why []string
		for _, a := range walk.Attempts {
			why = append(why, strings.TrimPrefix(a.Why, "continue_"))
		}
		if told != c.want || content(all) != c.text || strings.Join(why, " ") != c.why {
			t.Errorf("%s: %q for %q, %q, %v; want %q for %q", c.plan, told, why, content(all), err, c.want, c.why)
		}
		if whole := strings.HasSuffix(told, "whole"); whole != (err == nil) || strings.Count(all, done) != strings.Count(told, "whole") || strings.Contains(all, `"error"`) {
			t.Errorf("%s: ended with %v\n%s", c.plan, err, all)
		}
	}
}

// TestLegMethods holds by which way an answer is gone on with, and which are not.
func TestLegMethods(t *testing.T) {
	const tools = `"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],`
	for _, c := range []struct {
		name, supports string // abilities; "" = no list
		extra          string
		plan, want     string
		why            string // of the second attempt
	}{
		{"nothing declared", "", ``, "dies quotes", "whole", "anchor"},
		{"nothing declared, and it begins anew", "", ``, "dies repeats", "whole", "anchor"},
		{"nothing declared, and it says something else", "", ``, "dies other", "broken", "anchor"},
		{"prefill not declared", "chat", ``, "dies quotes", "whole", "anchor"},
		{"prefill", "prefill", ``, "dies goes", "whole", "prefill"},
		{"final", "continue_final_message", ``, "dies goes", "whole", "final"},
		{"final before prefill", "prefill continue_final_message", ``, "dies goes", "whole", "final"},
		{"a seed", "", `"seed":1,`, "dies repeats", "whole", "regenerate"},
		{"no temperature", "", `"temperature":0.0,`, "dies repeats", "whole", "regenerate"},
		{"some temperature", "", `"temperature":0.1,`, "dies repeats", "whole", "anchor"},
		{"a seed, and another text", "", `"seed":1,`, "dies other", "broken", "regenerate"},
		{"prefill before a seed", "prefill", `"seed":1,`, "dies goes", "whole", "prefill"},
		{"tools declared", "prefill", tools, "dies goes", "whole", "prefill"},
		{"text demanded", "prefill", `"response_format":{"type":"text"},`, "dies goes", "whole", "prefill"},
		{"another stop sequence", "prefill", `"stop":["chafes"],`, "dies goes", "whole", "prefill"},
		{"half a stop sequence", "prefill", `"stop":["the end"],`, "dies goes", "broken", ""},
		{"half a stop sequence of several", "prefill", `"stop":["x","so that"," thx"],`, "dies goes", "broken", ""},
		{"JSON", "prefill", `"response_format":{"type":"json_object"},`, "dies goes", "broken", ""},
		{"a schema", "prefill", `"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}},`, "dies goes", "broken", ""},
		{"a grammar of vLLM", "prefill", `"guided_regex":"a*",`, "dies goes", "broken", ""},
		{"a grammar of llama.cpp", "prefill", `"grammar":"root ::= x",`, "dies goes", "broken", ""},
		{"logprobs", "prefill", `"logprobs":true,`, "dies goes", "broken", ""},
		{"several answers", "prefill", `"n":2,`, "dies goes", "broken", ""},
		{"a stored answer", "prefill", `"store":true,`, "dies goes", "broken", ""},
		{"a prefill of the caller's", "prefill", "", "dies goes", "broken", ""},
		{"one attempt", "prefill", "", "dies goes", "broken", ""},
		{"not to be continued", "prefill", "", "dies goes", "broken", ""},
	} {
		w := newWorld(t)
		w.extra = c.extra
		if c.name == "a prefill of the caller's" {
			w.text = `hi"},{"role":"assistant","content":"The`
		}
		j := w.journey(c.plan)
		for i := range j.Plan.Steps {
			j.Plan.Steps[i].Endpoint.Supports = fairlead.Supports{}
			if c.supports != "" {
				var set fairlead.Abilities
				for _, name := range strings.Fields(c.supports) {
					one, ok := fairlead.ParseAbility(name)
					if !ok {
						t.Fatalf("no ability %q", name)
					}
					set |= one
				}
				j.Plan.Steps[i].Endpoint.Supports = fairlead.NewSupports(set)
			}
		}
		switch c.name {
		case "one attempt":
			j.Most = 1
		case "not to be continued":
			j.Continue = false
		}
		var walk upstream.Walk
		told, all, err := w.follow(t.Context(), &walk, j, ignored)
		why := ""
		if len(walk.Attempts) > 1 {
			why = strings.TrimPrefix(walk.Attempts[1].Why, "continue_")
		}
		text := story
		if c.want == "broken" {
			text = story[:broken]
		}
		if !strings.HasSuffix(told, c.want) || content(all) != text || why != c.why {
			t.Errorf("%s: %q by %q, %q, %v", c.name, told, why, content(all), err)
		}
	}
}

// TestRemadeTextIsBudgeted holds that what an endpoint makes again is paid for by a share of what callers pay,
// and that to go on without making anything again is not.
func TestRemadeTextIsBudgeted(t *testing.T) {
	for _, c := range []struct {
		name, extra, plan, want string
		price                   *fairlead.Price
		prefill, spent          bool
	}{
		{"made again", `"seed":1,`, "dies repeats", "whole", &fairlead.Price{Output: 1000}, false, false},
		{"made again with nothing left", `"seed":1,`, "dies repeats", "broken", &fairlead.Price{Output: 1000}, false, true},
		{"repeated with nothing left", ``, "dies quotes", "broken", &fairlead.Price{Output: 1000}, false, true},
		{"made again where the price is not known", `"seed":1,`, "dies repeats", "whole", nil, false, true},
		{"prefilled with nothing left", ``, "dies goes", "whole", &fairlead.Price{Output: 1000}, true, true},
		{"too dear", `"seed":1,`, "dies repeats", "broken", &fairlead.Price{Output: 1e11}, false, false},
	} {
		w := newWorld(t)
		w.extra = c.extra
		j := w.journey(c.plan)
		for i := range j.Plan.Steps {
			j.Plan.Steps[i].Endpoint.Price = c.price
			if !c.prefill {
				j.Plan.Steps[i].Endpoint.Supports = fairlead.Supports{}
			}
		}
		if c.spent {
			upstream.SpendRemade(w.up)
		}
		var walk upstream.Walk
		if told, all, err := w.follow(t.Context(), &walk, j, ignored); !strings.HasSuffix(told, c.want) {
			t.Errorf("%s: %q, %q, %v", c.name, told, content(all), err)
		}
	}
}

// TestLegsAndHealth holds what an exchange proves of its endpoints. Two failures running shut one; each leg that
// breaks off is one, and none is where the caller left or the text did not fit.
func TestLegsAndHealth(t *testing.T) {
	const open, well = health.Open, health.Closed
	for _, c := range []struct {
		name, plan, leave string // leave: when this was seen; "@" a leg that hangs; "" = never
		want              string
		states            []health.State
	}{
		{"goes on", "dies goes", "", "interrupted* ok* -> whole", []health.State{well, well}},
		{"the second breaks off too", "dies adds ends", "", "interrupted* interrupted* ok* -> whole", []health.State{well, well, well}},
		{"the same one fails again", "dies", "", "interrupted* malformed* -> broken", []health.State{open}},
		{"the same one breaks off again", "adds", "", "interrupted* interrupted* -> broken", []health.State{open}},
		{"does not fit", "dies other", "", "interrupted* ok* -> whole", []health.State{well, well}},
		{"left before the second says anything", "dies hangs", "@", "interrupted* caller_gone* -> left", []health.State{well, well}},
		{"left behind what the first said", "tarries goes", "chafes", "caller_gone* -> left", []health.State{well, well}},
		{"left behind what the second said", "dies tarries", "chafes", "interrupted* caller_gone* -> left", []health.State{well, well}},
		{"left while the same one is waited for", "dies", "silence", "interrupted* -> left", []health.State{well}},
	} {
		w := newWorld(t)
		hung := make(chan struct{}, 8)
		w.own = map[string]http.HandlerFunc{
			"hangs":   held(hung),
			"tarries": held(hung, says(story[broken:])),
		}
		j := w.journey(c.plan)
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		go func() {
			select {
			case <-hung:
				if c.leave == "@" {
					leave()
				}
			case <-ctx.Done():
			}
		}()
		var walk upstream.Walk
		told, all, err := w.follow(ctx, &walk, j, func(piece []byte) {
			if c.leave != "" && strings.Contains(string(piece), c.leave) {
				leave()
			}
		})
		var states []health.State
		for _, s := range j.Plan.Steps {
			states = append(states, upstream.State(w.up, s))
		}
		if !slices.Equal(states, c.states) || told != c.want {
			t.Errorf("%s: %v, want %v: %q, %q, %v", c.name, states, c.states, told, content(all), err)
		}
	}
}

// TestLegsInTime holds when a leg is given up: not as long as it repeats what was said, though it is slow; but
// where it stands still, or the exchange's time is over.
func TestLegsInTime(t *testing.T) {
	slowly := func(w http.ResponseWriter, r *http.Request) {
		for i := range 30 {
			stream(says(story[i:i+1]))(w, r)
			<-time.After(20 * time.Millisecond)
		}
		stream(says(story[30:]), chunk(`{}`, `"stop"`), done)(w, r)
	}
	const brk = "interrupted* "
	for _, c := range []struct {
		name, plan, want  string
		first, idle, stop time.Duration
	}{
		{"repeats slowly", "dies slowly repeats", brk + "ok* -> whole", 300 * time.Millisecond, time.Minute, 0},
		{"stands still in it", "dies stands repeats", brk + "timeout* ok* -> whole", time.Minute, 50 * time.Millisecond, 0},
		{"never begins", "dies hangs repeats", brk + "timeout* ok* -> whole", 50 * time.Millisecond, time.Minute, 0},
		{"never begins, and no other is there", "dies hangs", brk + "timeout* -> broken", 50 * time.Millisecond, time.Minute, 400 * time.Millisecond},
		{"stalls behind what it adds", "dies tarries repeats", brk + brk + "ok* -> whole", time.Minute, 50 * time.Millisecond, 0},
		{"the time is over in the second", "dies tarries repeats", brk + "interrupted* -> broken", time.Minute, time.Minute, 300 * time.Millisecond},
		{"the time is over before it is waited for", "limited", brk + "-> broken", time.Minute, time.Minute, 200 * time.Millisecond},
	} {
		w := newWorld(t)
		w.extra = `"seed":1,`
		never := make(chan struct{}, 8)
		w.own = map[string]http.HandlerFunc{
			"slowly": slowly, "hangs": held(never), "stands": held(never, says(story[:20])),
			"tarries": held(never, says(story[:broken]), says(story[broken:60])),
			"limited": stream(says(story[:broken]), "data: {\"error\":{\"message\":\"Rate limit reached. Please try again in 1s.\",\"code\":429}}\n\n"),
		}
		j := w.journey(c.plan)
		for i := range j.Plan.Steps {
			e := j.Plan.Steps[i].Endpoint
			e.Supports = fairlead.Supports{}
			if i > 0 || len(j.Plan.Steps) == 1 {
				e.Provider.Timeouts.FirstToken, e.Provider.Timeouts.Idle = c.first, c.idle
			}
		}
		if c.stop > 0 {
			j.Until = j.Start.Add(c.stop)
		}
		var walk upstream.Walk
		if told, all, err := w.follow(t.Context(), &walk, j, ignored); told != c.want || strings.HasSuffix(c.want, "whole") != (content(all) == story) {
			t.Errorf("%s: %q, want %q: %q, %v", c.name, told, c.want, content(all), err)
		}
	}
}
