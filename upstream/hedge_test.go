package upstream_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
	"fairlead/provider"
	"fairlead/upstream"
	"fairlead/upstream/health"
)

// told is an answer in the form that a request asks for.
func told(w http.ResponseWriter, r *http.Request, body, text string) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/embeddings"):
		reply(w, 200, "application/json", `{"object":"list","model":"u","data":[{"object":"embedding","index":0,"embedding":[1]}],"usage":{"prompt_tokens":1,"total_tokens":1}}`)
	case strings.Contains(body, `"stream":true`):
		stream(chunk(`{"role":"assistant"}`, "null"), chunk(`{"content":"`+text+`"}`, "null"), chunk(`{}`, `"stop"`), "data: [DONE]\n\n")(w, r)
	default:
		reply(w, 200, "application/json", `{"id":"1","object":"chat.completion","created":1,"model":"u","choices":[{"index":0,"message":{"role":"assistant","content":"`+text+`"},"finish_reason":"stop"}]}`)
	}
}

// slow answers after a time, or never where it is negative.
func slow(after time.Duration, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if after < 0 {
			<-r.Context().Done()
			return
		}
		select {
		case <-r.Context().Done():
		case <-time.After(after):
			told(w, r, string(body), text)
		}
	}
}

func scanned(t *testing.T, op fairlead.Operation, body string) *provider.Ask {
	t.Helper()
	a := &provider.Ask{Op: op, Caller: openai.New(), Body: []byte(body), Top: new(jsonscan.Object)}
	err := a.Top.Scan(a.Body)
	if err == nil {
		a.Facts, err = a.Caller.Facts(op, a.Top)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// hedgeCase is an exchange that may be sent to a second endpoint, or not.
type hedgeCase struct {
	name   string
	op     fairlead.Operation
	body   string
	prompt int
	not    string // what stands against it; "" = nothing but what the body says
	want   bool
}

// TestWhoIsHedged tables which exchanges are sent to a second endpoint where the first is slow: none, unless
// the route says so, what is asked for is only text, and it costs little.
func TestWhoIsHedged(t *testing.T) {
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	const image = `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b"}}]}]`
	for _, c := range []hedgeCase{
		{"a whole answer", fairlead.OpChat, hi, 10, "", true},
		{"a stream", fairlead.OpChat, `"stream":true,` + hi, 10, "", true},
		{"functions", fairlead.OpChat, `"tools":[{"type":"function","function":{"name":"f"}}],` + hi, 10, "", true},
		{"one that may think", fairlead.OpChat, `"reasoning_effort":"high",` + hi, 0, "", true},
		{"as long as may be", fairlead.OpChat, hi, 3999, "", true},
		{"the route says no", fairlead.OpChat, hi, 10, "off", false},
		{"nothing is learned", fairlead.OpChat, hi, 10, "unlearned", false},
		{"too many hedges", fairlead.OpChat, hi, 10, "poor", false},
		{"hedges cost too much", fairlead.OpChat, hi, 10, "dear", false},
		{"the other has no retries left", fairlead.OpChat, hi, 10, "spent", false},
		{"the other is being tried again", fairlead.OpChat, hi, 10, "fallen", false},
		{"there is only another model", fairlead.OpChat, hi, 10, "fallback", false},
		{"one attempt is all", fairlead.OpChat, hi, 10, "one", false},
		{"a long prompt", fairlead.OpChat, hi, 4001, "", false},
		{"the provider stores it", fairlead.OpChat, `"store":true,` + hi, 10, "", false},
		{"the provider runs tools", fairlead.OpChat, `"tools":[{"type":"function","function":{"name":"f"}},{"type":"web_search"}],` + hi, 10, "", false},
		{"the provider searches", fairlead.OpChat, `"web_search_options":{},` + hi, 10, "", false},
		{"sound", fairlead.OpChat, `"modalities":["text","audio"],` + hi, 10, "", false},
		{"an image in the prompt", fairlead.OpChat, image, 10, "", false},
		{"embeddings", fairlead.OpEmbeddings, `"input":"hi"`, 10, "", false},
	} {
		t.Run(c.name, c.hold)
	}
}

// plan is the case's endpoints, with what is known of them and what may be spent.
func (c *hedgeCase) plan(w *world) (plan fairlead.Plan, most int) {
	late := 80 * time.Millisecond
	if c.want {
		late = -1
	}
	w.own = map[string]http.HandlerFunc{"slow": slow(late, "slow"), "quick": slow(0, "quick")}
	plan, most = w.plan("slow", "quick"), 3
	cost := fairlead.USD(1_000_000)
	for i := range plan.Steps {
		plan.Steps[i].Endpoint.Price = &fairlead.Price{Input: 1_000_000}
	}
	if c.not != "unlearned" {
		upstream.Teach(w.up, plan.Steps, 2*time.Millisecond, health.Size{}, health.Size{Think: true}, health.Size{Prompt: 3999})
	}
	switch c.not {
	case "spent":
		upstream.Spend(w.up, plan.Steps[1])
	case "fallen":
		upstream.Fell(w.up, plan.Steps[1])
	case "fallback":
		plan.Steps[1].Asked, plan.Steps[1].Fallback = "a/other", true
	case "one":
		most = 1
	case "dear":
		cost = 1
	}
	if c.not != "poor" {
		upstream.Earn(w.up, 100, &cost)
	}
	return plan, most
}

func (c hedgeCase) hold(t *testing.T) {
	w := newWorld(t)
	plan, most := c.plan(w)
	ask := scanned(t, c.op, `{"model":"a/m",`+c.body+`}`)
	walk := new(upstream.Walk)
	w.up.Walk(t.Context(), walk, upstream.Journey{Ask: ask, Plan: plan, Most: most, Prompt: c.prompt, Start: time.Now(), Hedge: c.not != "off"})
	defer walk.Close()
	answer, err := walk.Commit(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	want := []fairlead.Attempt{{Endpoint: "a/m@slow", Outcome: fairlead.OutcomeOK, Why: "first"}}
	if c.want {
		want = []fairlead.Attempt{{Endpoint: "a/m@slow", Outcome: fairlead.OutcomeSuperseded, Why: "first"}, {Endpoint: "a/m@quick", Outcome: fairlead.OutcomeOK, Why: "hedge"}}
	}
	if len(walk.Attempts) != len(want) || walk.Made() != len(want) || answer.Step.Endpoint.ID != want[len(want)-1].Endpoint {
		t.Fatalf("the attempts are %+v, answered by %s", walk.Attempts, answer.Step.Endpoint.ID)
	}
	for i, a := range walk.Attempts {
		if a.Endpoint != want[i].Endpoint || a.Outcome != want[i].Outcome || a.Why != want[i].Why {
			t.Errorf("attempt %d is %+v, want %+v", i+1, a, want[i])
		}
	}
	if c.op == fairlead.OpChat {
		text, err := drink(answer)
		if _, by, _ := strings.Cut(answer.Step.Endpoint.ID, "@"); err != nil || text != by {
			t.Errorf("the answer is %q, %v", text, err)
		}
	}
}

// TestHedgeThatIsNotSent holds that one which is refused, or cannot be asked, costs nothing, and that the
// first attempt goes on.
func TestHedgeThatIsNotSent(t *testing.T) {
	for _, c := range []struct {
		name, second, want string
		earned             int
	}{
		{"none is left", "quick", "ok", 0},
		{"its dialect cannot say so", "claude", "not_sent ok", 3},
	} {
		w := newWorld(t)
		w.own = map[string]http.HandlerFunc{"slow": slow(60*time.Millisecond, "slow"), "quick": slow(0, "quick")}
		w.extra = `"n":2,`
		plan := w.plan("slow", c.second)
		upstream.Teach(w.up, plan.Steps, 2*time.Millisecond, health.Size{})
		upstream.Earn(w.up, c.earned, nil)
		before, _ := upstream.Left(w.up, plan.Steps[1])
		got, text, err := commit(t.Context(), w, plan, false)
		if got != c.want || text != "slow" || err != nil {
			t.Errorf("%s: %s, %q, %v; want %s", c.name, got, text, err, c.want)
		}
		if retries, hedges := upstream.Left(w.up, plan.Steps[1]); retries < before || hedges != c.earned {
			t.Errorf("%s: of %.0f retries and %d hedges %.0f and %d are left", c.name, before, c.earned, retries, hedges)
		}
	}
}

// TestHedgesAreEarned holds that an exchange pays in when it is over, where its route is hedged, and that
// fifty pay for one hedge.
func TestHedgesAreEarned(t *testing.T) {
	w := newWorld(t)
	var late atomic.Int64
	w.own = map[string]http.HandlerFunc{
		"slow":  func(w http.ResponseWriter, r *http.Request) { slow(time.Duration(late.Load()), "slow")(w, r) },
		"quick": slow(0, "quick"),
	}
	plan := w.plan("slow", "quick")
	upstream.Teach(w.up, plan.Steps, 2*time.Millisecond, health.Size{})
	walk := new(upstream.Walk)
	next := func(hedge bool) int {
		w.up.Walk(t.Context(), walk, upstream.Journey{Ask: w.ask(false), Plan: plan, Most: 3, Start: time.Now(), Hedge: hedge})
		answer, err := walk.Commit(time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		walk.Close()
		answer.Close()
		walk.Settled(nil)
		made := walk.Made()
		walk.Reset()
		return made
	}
	for i, c := range []struct {
		times  int
		hedged bool
		late   time.Duration
		want   int // attempts of each
	}{
		{60, false, 0, 1},
		{49, true, 0, 1},
		{1, true, 50 * time.Millisecond, 1},
		{1, true, -1, 2},
		{1, true, 50 * time.Millisecond, 1},
	} {
		late.Store(int64(c.late))
		for range c.times {
			if n := next(c.hedged); n != c.want {
				t.Fatalf("row %d: %d attempts, want %d", i+1, n, c.want)
			}
		}
	}
}
