package record

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"fairlead"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts exchanges for Prometheus. Labels hold configured names alone, never what a caller
// typed: their number is bounded by the configuration.
type Metrics struct {
	registry *prometheus.Registry

	inFlight prometheus.Gauge
	requests *prometheus.CounterVec
	attempts *prometheus.CounterVec
	ttft     *prometheus.HistogramVec
	perToken *prometheus.HistogramVec
	duration *prometheus.HistogramVec
	overhead prometheus.Histogram
	usage    *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	unpriced *prometheus.CounterVec

	known sync.Map // seriesKey -> *series
}

// seriesKey is what the label values of an exchange depend on.
type seriesKey struct {
	op       fairlead.Operation
	served   string
	endpoint string
	status   int
	code     fairlead.Code
}

// series is the metrics of a seriesKey, looked up once.
type series struct {
	requests                                    prometheus.Counter
	ok                                          prometheus.Counter
	ttft, perToken, duration                    prometheus.Observer
	promptUsage, outputUsage                    prometheus.Observer
	input, output, cacheRead, cacheWrite, think prometheus.Counter
	cost, unpriced                              prometheus.Counter
}

// genAILabels are the attributes of OpenTelemetry's semantic conventions for generative AI, spelt as
// Prometheus does, and the endpoint.
var genAILabels = []string{"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "endpoint"}

var tokenBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5}

var secondsBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640}

// NewMetrics makes the metrics with a registry of their own, with Go's and the process's.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "fairlead_in_flight", Help: "Exchanges under way."})
	m.requests = counter("fairlead_requests_total", "Exchanges that ended, by HTTP status and error code.", "operation", "model", "status", "code")
	m.attempts = counter("fairlead_attempts_total", "Attempts at endpoints, by outcome.", "endpoint", "outcome")
	m.ttft = histogram("gen_ai_server_time_to_first_token_seconds", "Entry of a streamed exchange to its commit.", secondsBuckets, genAILabels...)
	m.perToken = histogram("gen_ai_server_time_per_output_token_seconds", "Inter-token latency: commit to end of a stream, by output token after the first.", tokenBuckets, genAILabels...)
	m.duration = histogram("gen_ai_server_request_duration_seconds", "Entry to end of an exchange that committed.", secondsBuckets, genAILabels...)
	m.usage = histogram("gen_ai_client_token_usage", "Tokens of an exchange that committed, by type: input (the whole prompt) or output.",
		prometheus.ExponentialBuckets(1, 4, 13), append([]string{"gen_ai_token_type"}, genAILabels...)...)
	m.overhead = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "fairlead_overhead_seconds", Help: "An exchange's time less its waiting for caller and providers.",
		Buckets: []float64{2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 1},
	})
	m.tokens = counter("fairlead_tokens_total", "Tokens of exchanges that committed.", "model", "endpoint", "gen_ai_token_type")
	m.cost = counter("fairlead_cost_usd_total", "Cost at the endpoints' prices, in US dollars; for looking, not for billing.", "model", "endpoint")
	m.unpriced = counter("fairlead_unpriced_exchanges_total", "Exchanges at endpoints whose price is unknown.", "model", "endpoint")
	m.registry.MustRegister(m.inFlight, m.requests, m.attempts, m.ttft, m.perToken, m.duration, m.overhead, m.usage, m.tokens, m.cost, m.unpriced,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Count shows a number that only grows, and that another room counts.
func (m *Metrics) Count(name, help string, f func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, f))
}

// Gauge shows a number that another room knows.
func (m *Metrics) Gauge(name, help string, f func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Entered counts an exchange as under way.
func (m *Metrics) Entered(*fairlead.Record) { m.inFlight.Inc() }

// Left counts what an exchange did.
func (m *Metrics) Left(r *fairlead.Record) {
	m.inFlight.Dec()
	s := m.series(r)
	s.requests.Inc()
	m.overhead.Observe(r.Overhead.Seconds())
	for _, a := range r.Attempts {
		if a.Outcome == fairlead.OutcomeOK && a.Endpoint == r.Endpoint {
			s.ok.Inc()
			continue
		}
		m.attempts.WithLabelValues(a.Endpoint, string(a.Outcome)).Inc()
	}
	if r.Endpoint != "" {
		s.committed(r)
	}
}

// committed counts an exchange that an endpoint answered.
func (s *series) committed(r *fairlead.Record) {
	s.duration.Observe(r.Duration.Seconds())
	if r.Stream {
		s.ttft.Observe(r.TTFT.Seconds())
		if r.Usage.Output > 1 {
			s.perToken.Observe((r.Duration - r.TTFT).Seconds() / float64(r.Usage.Output-1))
		}
	}
	s.promptUsage.Observe(float64(r.Usage.Prompt()))
	s.outputUsage.Observe(float64(r.Usage.Output))
	add(s.input, r.Usage.Input)
	add(s.output, r.Usage.Output)
	add(s.cacheRead, r.Usage.CacheRead)
	add(s.cacheWrite, r.Usage.CacheWrite)
	add(s.think, r.Usage.Reasoning)
	if r.Cost == nil {
		s.unpriced.Inc()
		return
	}
	s.cost.Add(float64(*r.Cost) / 1e9)
}

func add(c prometheus.Counter, n int64) {
	if n > 0 {
		c.Add(float64(n))
	}
}

// providerOf takes the provider's name from an endpoint's id, author/name@provider~NAME.
func providerOf(endpoint string) string {
	name := endpoint[strings.LastIndexByte(endpoint, '@')+1:]
	name, _, _ = strings.Cut(name, "~")
	return name
}

func (m *Metrics) series(r *fairlead.Record) *series {
	key := seriesKey{r.Operation, r.Served, r.Endpoint, r.Status, r.Code}
	if r.Code != "" && r.Code.Info().Code != r.Code {
		key.code = fairlead.CodeRefusedByProvider // a provider's own code: not a closed list
	}
	if s, ok := m.known.Load(key); ok {
		return s.(*series)
	}
	op := r.Operation.String()
	s := &series{
		requests: m.requests.WithLabelValues(op, r.Served, strconv.Itoa(r.Status), string(key.code)),
	}
	if r.Endpoint != "" {
		s.ok = m.attempts.WithLabelValues(r.Endpoint, string(fairlead.OutcomeOK))
		place := providerOf(r.Endpoint)
		s.ttft = m.ttft.WithLabelValues(op, place, r.Served, r.Endpoint)
		s.perToken = m.perToken.WithLabelValues(op, place, r.Served, r.Endpoint)
		s.duration = m.duration.WithLabelValues(op, place, r.Served, r.Endpoint)
		s.promptUsage = m.usage.WithLabelValues("input", op, place, r.Served, r.Endpoint)
		s.outputUsage = m.usage.WithLabelValues("output", op, place, r.Served, r.Endpoint)
		s.input = m.tokens.WithLabelValues(r.Served, r.Endpoint, "input")
		s.output = m.tokens.WithLabelValues(r.Served, r.Endpoint, "output")
		s.cacheRead = m.tokens.WithLabelValues(r.Served, r.Endpoint, "cache_read")
		s.cacheWrite = m.tokens.WithLabelValues(r.Served, r.Endpoint, "cache_write")
		s.think = m.tokens.WithLabelValues(r.Served, r.Endpoint, "reasoning")
		s.cost = m.cost.WithLabelValues(r.Served, r.Endpoint)
		s.unpriced = m.unpriced.WithLabelValues(r.Served, r.Endpoint)
	}
	actual, _ := m.known.LoadOrStore(key, s)
	return actual.(*series)
}
