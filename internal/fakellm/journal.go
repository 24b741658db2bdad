package fakellm

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Attempt is what the fake provider saw of one request.
type Attempt struct {
	N        int                 `json:"n"` // counts from 1 since the log was last emptied
	Time     time.Time           `json:"time"`
	Method   string              `json:"method"`
	Path     string              `json:"path"`
	Model    string              `json:"model,omitempty"`
	Stream   bool                `json:"stream"`
	Headers  map[string][]string `json:"headers"` // credentials as "…" and their last four characters
	Exchange string              `json:"exchange,omitempty"`
	Try      int                 `json:"try"` // which request for this model it is, counting from 1

	BodySHA256 string `json:"body_sha256,omitempty"`
	BodyBytes  int    `json:"body_bytes"`
	Body       string `json:"body,omitempty"` // with Options.KeepBodies only

	// Continues says how it asks for the rest of an interrupted answer: by "prefill", "final" or "anchor".
	Continues string `json:"continues,omitempty"`

	Status  int     `json:"status"`  // of the answer; 0 = none was sent
	Outcome string  `json:"outcome"` // open, ok, invalid, down, or the setting that broke it
	Message string  `json:"message,omitempty"`
	Chunks  int     `json:"chunks"`      // content chunks sent
	Left    bool    `json:"client_left"` // the client was gone before the end
	TookMS  float64 `json:"took_ms"`
}

// journal is the log of attempts: the latest of them, whole.
type journal struct {
	mu   sync.Mutex
	max  int
	n    int
	ring []*Attempt
}

func (j *journal) add(a *Attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.n++
	a.N = j.n
	if len(j.ring) < j.max {
		j.ring = append(j.ring, a)
		return
	}
	j.ring[(j.n-1)%j.max] = a
}

// Log gives the attempts that are still in the log, oldest first.
func (s *Server) Log() []Attempt {
	j := &s.log
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make([]Attempt, 0, len(j.ring))
	for i := range j.ring {
		at := i
		if len(j.ring) == j.max {
			at = (j.n + i) % j.max
		}
		a := *j.ring[at]
		a.Headers = redact(a.Headers)
		list = append(list, a)
	}
	return list
}

// ResetLog empties the log and the counts of Attempts; what `times` has counted stays.
func (s *Server) ResetLog() {
	s.log.mu.Lock()
	s.log.n, s.log.ring = 0, nil
	s.log.mu.Unlock()
	s.rules.forgetCounts()
}

// secretWords are in the names of headers that carry credentials.
var secretWords = []string{"authorization", "api-key", "token", "secret", "cookie", "password"}

// redact copies headers without credentials: it leaves which header carried one, and its end.
func redact(h map[string][]string) map[string][]string {
	shown := make(map[string][]string, len(h))
	for name, values := range h {
		lower := strings.ToLower(name)
		for _, w := range secretWords {
			if !strings.Contains(lower, w) {
				continue
			}
			hidden := make([]string, len(values))
			for i, v := range values {
				hidden[i] = "…"
				if len(v) >= 12 {
					hidden[i] += v[len(v)-4:]
				}
			}
			values = hidden
			break
		}
		shown[name] = values
	}
	return shown
}

// note is the entry of one attempt while it is under way. It has none where no log is kept.
type note struct {
	server *Server
	entry  *Attempt
	start  time.Time
}

// begin enters a request into the log as soon as it is seen.
func (s *Server) begin(r *http.Request) *note {
	n := &note{server: s}
	if s.log.max == 0 {
		return n
	}
	n.start = time.Now()
	n.entry = &Attempt{
		Time: n.start, Method: r.Method, Path: r.URL.Path, Headers: r.Header, Exchange: traceID(r.Header),
		Outcome: "open",
	}
	s.log.add(n.entry)
	return n
}

// body adds what the body said.
func (n *note) body(pl *plan, body []byte, try int) {
	if n.entry == nil {
		return
	}
	n.server.log.mu.Lock()
	defer n.server.log.mu.Unlock()
	e := n.entry
	e.Model, e.Stream, e.BodySHA256, e.BodyBytes, e.Try = pl.model, pl.stream, pl.sum, len(body), try
	e.Message = pl.refused
	if pl.ask != nil {
		e.Continues = pl.ask.continues()
	}
	if n.server.opts.KeepBodies {
		e.Body = string(body[:min(len(body), maxKeptBody)])
	}
}

// refused enters why a request was turned away.
func (n *note) refused(message string) {
	if n.entry == nil {
		return
	}
	n.server.log.mu.Lock()
	defer n.server.log.mu.Unlock()
	n.entry.Message = message
}

// done enters how the attempt ended. It is called before the last bytes go out, so that a client
// that has the whole answer finds it in the log.
func (n *note) done(sc *script, chunks int) {
	n.end(sc.sentStatus(), sc.outcome, chunks, false)
}

// left enters that the client was gone before the end.
func (n *note) left(sc *script, chunks int) {
	n.end(sc.sentStatus(), sc.outcome, chunks, true)
}

func (n *note) end(status int, outcome string, chunks int, left bool) {
	if n.entry == nil {
		return
	}
	n.server.log.mu.Lock()
	defer n.server.log.mu.Unlock()
	e := n.entry
	e.Status, e.Outcome, e.Chunks, e.Left = status, outcome, chunks, left
	e.TookMS = float64(time.Since(n.start).Microseconds()) / 1000
	n.server.opts.Logger.Debug("attempt", "path", e.Path, "model", e.Model, "status", status, "outcome", outcome, "chunks", chunks, "client_left", left)
}

// traceID is the exchange that a W3C traceparent names.
func traceID(h http.Header) string {
	if parts := strings.Split(h.Get("Traceparent"), "-"); len(parts) >= 4 {
		return parts[1]
	}
	return ""
}
