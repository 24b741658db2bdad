package failover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// credentials are what ${env:...} of a play's configuration stands for. Two share no end.
var credentials = map[string]string{"GOOD": "sk-upstream-good-0001", "BAD": "sk-upstream-wrong-0002"}

// stage is the whole program in front of fake providers.
type stage struct {
	t     testing.TB
	url   string // of the data plane
	fakes map[string]*fakellm.Server
	urls  map[string]string
	log   *harness.Output
	http  *http.Client
}

// newStage makes fakes of these names. keys are the credentials that each takes; none = any.
func newStage(t testing.TB, keys map[string][]string, o fakellm.Options, names ...string) *stage {
	t.Helper()
	s := &stage{t: t, fakes: map[string]*fakellm.Server{}, urls: map[string]string{}, log: &harness.Output{}}
	for _, name := range names {
		o.Keys = keys[name]
		s.fakes[name], s.urls[name] = fakellm.Start(t, o)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	s.http = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	for _, url := range s.urls { // a fake that does not run yet knows of no port to close
		resp, err := s.http.Get(url + "/health")
		check(t, err)
		check(t, resp.Body.Close())
	}
	return s
}

// start runs the program with a configuration until the test ends. What is still in flight then is broken off.
func (s *stage) start(config string) {
	s.t.Helper()
	dir := s.t.TempDir()
	file := filepath.Join(dir, "fairlead.yaml")
	check(s.t, os.WriteFile(file, []byte(config), 0o600))
	a, err := app.New(s.t.Context(), app.Options{
		Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Data: filepath.Join(dir, "data"), Config: file, NoAuth: true, Drain: 2 * time.Second,
		LookupEnv: func(name string) (string, bool) { v, ok := credentials[name]; return v, ok },
		Log:       slog.New(slog.NewJSONHandler(s.log, nil)),
	})
	if err != nil {
		s.t.Fatalf("start: %v\n%s", err, config)
	}
	s.url = a.DataURL()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("run: %v", err)
		}
	})
}

// config writes the configuration of a play.
func (p *play) config(urls map[string]string) string {
	var b strings.Builder
	b.WriteString("version: 1\nproviders:\n")
	for _, name := range p.providers {
		base := urls[name]
		if p.mode.provider() == fairlead.OpenAI {
			base += "/v1"
		}
		b.WriteString("  " + name + ": {" + join("dialect: "+string(p.mode.provider())+", base_url: \""+base+"\"", p.settings["provider "+name]) + "}\n")
	}
	b.WriteString("models:\n")
	for _, model := range p.models() {
		fmt.Fprintf(&b, "  play/%s: {%s, endpoints: [\n", model, join("max_output: 8192", p.settings["model "+model]))
		weight := 1_000_000
		for _, e := range p.endpoints {
			if e.model != model {
				continue
			}
			own := fmt.Sprintf("provider: %s, model: %q", e.provider, e.upstream())
			if e.name != "" {
				own += ", name: " + e.name
			}
			if !strings.Contains(e.config, "weight:") {
				own += fmt.Sprintf(", weight: %d", max(weight, 1))
			}
			b.WriteString("    {" + join(own, e.config) + "},\n")
			weight /= 1_000_000
		}
		b.WriteString("  ]}\n")
	}
	b.WriteString("settings: {" + p.settings[""] + "}\n")
	return b.String()
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + ", " + b
}

// models lists the play's models in the order of their endpoints.
func (p *play) models() (list []string) {
	for _, e := range p.endpoints {
		if !slices.Contains(list, e.model) {
			list = append(list, e.model)
		}
	}
	return list
}

// instruct tells the fakes what to do.
func (p *play) instruct(s *stage) {
	s.t.Helper()
	for _, provider := range p.providers {
		check(s.t, s.fakes[provider].Set("*", p.says))
	}
	for who, specs := range p.does {
		all := make([]string, len(specs))
		for i, spec := range specs {
			all[i] = strings.Trim(p.says+","+spec, ",")
		}
		provider, model, _ := strings.Cut(who, "/")
		check(s.t, s.fakes[provider].Set(model, strings.Join(all, ";")))
	}
}

// act makes one event happen.
func (p *play) act(s *stage, e event) error {
	provider, model, isModel := strings.Cut(e.who, "/")
	switch {
	case isModel:
		return s.fakes[provider].Set(model, strings.Trim(p.says+","+e.spec, ","))
	case e.mode == "up":
		s.fakes[provider].Up()
	default:
		s.fakes[provider].Down(e.down, e.mode)
	}
	return nil
}

// attempt is one that a provider saw.
type attempt struct {
	fakellm.Attempt
	who string // PROVIDER/MODEL, and :WAY where it asks to continue
}

// attempts lists what all providers saw of exchanges, in the order in which it reached them.
func (s *stage) attempts() (list []attempt) {
	for name, fake := range s.fakes {
		for _, a := range fake.Log() {
			if a.Path == "/health" || isProbe(a) {
				continue
			}
			who := name + "/" + a.Model
			if a.Continues != "" {
				who += ":" + a.Continues
			}
			list = append(list, attempt{a, who})
		}
	}
	slices.SortStableFunc(list, func(a, b attempt) int { return a.Time.Compare(b.Time) })
	return list
}

// isProbe reports whether a request is a probe by generation: it asks for one token, as no caller of a play does.
func isProbe(a fakellm.Attempt) bool {
	return strings.Contains(a.Body, `tokens":1}`) || strings.Contains(a.Body, `tokens":1,`)
}

// entry is the log line of an exchange, as far as it is looked at.
type entry struct {
	Message  string `json:"msg"`
	ID       string
	Status   int
	Endpoint string
	Code     string
	Attempts int
	tries    []try
}

type try struct{ Endpoint, Outcome string }

// records reads the log lines of all exchanges that are over.
func (s *stage) records() (list []entry, err error) {
	for text := range strings.Lines(s.log.String()) {
		if !strings.Contains(text, `"msg":"exchange"`) || !strings.HasSuffix(text, "\n") {
			continue
		}
		var e entry
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, fmt.Errorf("read log line: %w: %s", err, text)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			return nil, fmt.Errorf("read log line: %w: %s", err, text)
		}
		for n := 1; fields[fmt.Sprintf("attempt_%d", n)] != nil; n++ {
			var a try
			if err := json.Unmarshal(fields[fmt.Sprintf("attempt_%d", n)], &a); err != nil {
				return nil, fmt.Errorf("read attempt: %w: %s", err, text)
			}
			e.tries = append(e.tries, a)
		}
		if len(e.tries) == 0 && e.Endpoint != "" { // a line spares what went well at once
			e.tries = []try{{e.Endpoint, string(fairlead.OutcomeOK)}}
		}
		list = append(list, e)
	}
	return list, nil
}
