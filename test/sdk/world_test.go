// Package sdk_test proves that the vendors' own Go SDKs, unmodified, do their job through fairlead: the
// real program as a process, in front of a fake provider of each wire.
package sdk_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"

	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// families are the wildcards of the standard configuration: openai/* is served by a provider that
// speaks OpenAI's wire, claude/* by one that speaks Anthropic's.
var families = []string{"openai", "claude"}

// endpointOf is the family's provider in the standard configuration.
var endpointOf = map[string]string{"openai": "openai/*@first", "claude": "claude/*@second"}

// world is a node in front of a fake provider for each family, and a client of each SDK.
type world struct {
	*harness.Node
	t      *testing.T
	key    string
	fakes  map[string]*fakellm.Server
	urls   map[string]string // of the fakes
	openai openai.Client
	claude anthropic.Client
	http   *http.Client
}

// newWorld starts all of it. change may edit the standard configuration.
func newWorld(t *testing.T, change ...func(config string) string) *world {
	t.Helper()
	w := &world{t: t, fakes: map[string]*fakellm.Server{}, urls: map[string]string{}}
	for _, f := range families {
		w.fakes[f], w.urls[f] = harness.Fake(t, fakellm.Options{Keys: []string{harness.Credential}, KeepBodies: true})
	}
	// Each endpoint is asked once: what is asked again, and when, is test/failover's.
	config := strings.Replace(harness.Config(w.urls["openai"], w.urls["claude"]), "settings:\n", "settings:\n  retry_budget: 0\n", 1)
	for _, c := range change {
		config = c(config)
	}
	w.Node = harness.Start(t, harness.Options{Config: config, Args: []string{"--log-format", "json"}})
	_, w.key = w.Key("sdk")
	w.connect(&http.Transport{})
	return w
}

// connect makes the clients speak over a transport.
func (w *world) connect(tr *http.Transport) {
	w.t.Cleanup(tr.CloseIdleConnections)
	w.http = &http.Client{Transport: &forgetting{tr, w}}
	w.openai = openai.NewClient(openaioption.WithBaseURL(w.URL+"/v1"), openaioption.WithAPIKey(w.key),
		openaioption.WithMaxRetries(0), openaioption.WithHTTPClient(w.http))
	w.claude = anthropic.NewClient(anthropicoption.WithBaseURL(w.URL), anthropicoption.WithAPIKey(w.key),
		anthropicoption.WithMaxRetries(0), anthropicoption.WithHTTPClient(w.http))
}

// forgetting sends each request while nothing is held against any endpoint: these tests are about what one
// exchange sees, and break providers all the time.
type forgetting struct {
	http.RoundTripper
	w *world
}

// RoundTrip is http.RoundTripper's.
func (f *forgetting) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := f.w.Forget(); err != nil {
		return nil, err
	}
	return f.RoundTripper.RoundTrip(r)
}

// eachFamily runs a test against both providers.
func eachFamily(t *testing.T, w *world, f func(t *testing.T, family string)) {
	t.Helper()
	for _, family := range families {
		t.Run(family, func(t *testing.T) { f(t, family) })
	}
}

// last is the latest attempt that a family's fake saw.
func (w *world) last(t *testing.T, family string) fakellm.Attempt {
	t.Helper()
	log := w.fakes[family].Log()
	if len(log) == 0 {
		t.Fatalf("the %s fake saw nothing", family)
	}
	return log[len(log)-1]
}

// sent is the body of the latest request that a family's fake saw.
func (w *world) sent(t *testing.T, family string) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(w.last(t, family).Body), &body); err != nil {
		t.Fatalf("the body sent upstream is no JSON: %v", err)
	}
	return body
}

// seen counts the attempts that both fakes saw.
func (w *world) seen() int {
	n := 0
	for _, f := range w.fakes {
		n += len(f.Log())
	}
	return n
}

// answer is a raw answer, read whole.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// post sends a body to a path of the data plane with the world's key, unless header names another.
func (w *world) post(t *testing.T, path, body string, header ...string) answer {
	t.Helper()
	return send(t, w.http, http.MethodPost, w.URL+path, body, append([]string{"Authorization", "Bearer " + w.key}, header...)...)
}

// send makes one request; header holds names and values by turns.
func send(t *testing.T, c *http.Client, method, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all bytes.Buffer
	_, err = io.Copy(&all, resp.Body)
	return answer{resp.StatusCode, resp.Header, all.String(), err}
}

// usd is what tokens cost at the prices of the standard configuration: an arithmetic of its own.
func usd(input, cacheRead, output int64) *big.Rat {
	total := new(big.Rat)
	for _, line := range []struct {
		tokens int64
		price  string
	}{{input, harness.PriceInput}, {cacheRead, harness.PriceCacheRead}, {output, harness.PriceOutput}} {
		price, _ := new(big.Rat).SetString(line.price)
		total.Add(total, price.Mul(price, big.NewRat(line.tokens, 1_000_000)))
	}
	return total
}

// checkCost compares a cost as fairlead states it.
func checkCost(t *testing.T, stated string, want *big.Rat) {
	t.Helper()
	if got, ok := new(big.Rat).SetString(stated); !ok || got.Cmp(want) != 0 {
		t.Errorf("the cost is %q, want %s", stated, want.FloatString(9))
	}
}

// checkHeaders holds what every answer of an exchange carries.
func checkHeaders(t *testing.T, h http.Header, endpoint string, attempts string) {
	t.Helper()
	if id := h.Get("X-Request-Id"); !strings.HasPrefix(id, "req_") {
		t.Errorf("x-request-id is %q", id)
	}
	for name, want := range map[string]string{"X-Fairlead-Endpoint": endpoint, "X-Fairlead-Attempts": attempts, "X-Fairlead-Revision": "1"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// line is the log line of an exchange, once it is written.
func (w *world) line(t *testing.T, id string) (line map[string]any) {
	t.Helper()
	harness.Until(t, "the exchange "+id+" is in the log", func() bool {
		for text := range strings.Lines(w.Log()) {
			if strings.Contains(text, `"id":"`+id+`"`) {
				line = map[string]any{}
				return json.Unmarshal([]byte(text), &line) == nil
			}
		}
		return false
	})
	return line
}
