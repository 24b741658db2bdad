package steer

// metric is what a guard can bound.
type metric struct {
	name string
	// rate is a share of the exchanges; else a quantile of times.
	rate  func(*Evidence) (k, n int64)
	times func(*Evidence) Histogram
	q     float64
}

// metrics are all there are, in the order in which an error lists them.
var metrics = []metric{
	{name: "error_rate", rate: func(e *Evidence) (k, n int64) { return e.Failed + e.Shut, e.Ended + e.Shut }},
	{name: "refusal_rate", rate: func(e *Evidence) (k, n int64) { return e.Refused, e.exchanges() }},
	{name: "ttft_p50", times: firstTokens, q: 0.50},
	{name: "ttft_p95", times: firstTokens, q: 0.95},
	{name: "ttft_p99", times: firstTokens, q: 0.99},
	{name: "tpot_p50", times: perTokens, q: 0.50},
	{name: "tpot_p95", times: perTokens, q: 0.95},
}

func firstTokens(e *Evidence) Histogram { return e.TTFT }
func perTokens(e *Evidence) Histogram   { return e.TPOT }

func metricNamed(name string) *metric {
	for i := range metrics {
		if metrics[i].name == name {
			return &metrics[i]
		}
	}
	return nil
}

func metricNames() (names []string) {
	for i := range metrics {
		names = append(names, metrics[i].name)
	}
	return names
}
