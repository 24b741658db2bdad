// Package fakellm is a provider without a model: it speaks the wires of OpenAI and of Anthropic,
// and the model's name says how it behaves, healthy or ill. Users test their clients against it;
// our tests and benches talk to it.
//
// It is an independent reading of those wires: it imports nothing of this module, so that a mistake
// in a dialect cannot hide behind the same mistake here. It refuses what the providers refuse.
//
// The way of a request: ServeHTTP finds the operation, plan reads and checks the body and composes
// the script of the answer (pure), play performs the script on the connection (thin).
package fakellm

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Options of a fake provider. The zero value takes any credential and keeps a log of 1000 attempts.
type Options struct {
	Keys       []string      // the credentials it takes; none = any, and also no credential
	Seed       uint64        // of all text: same seed and same model name give the same text
	Logger     *slog.Logger  // one line an attempt at level debug; nil = none
	MaxLog     int           // attempts kept in the log; 0 = 1000, negative = none
	KeepBodies bool          // keep the bodies of requests in the log (up to 1 MiB each)
	Grace      time.Duration // how long Run lets open answers go on when it stops
	TLS        *tls.Config   // serve TLS, with HTTP/2; nil = plaintext
}

// Server is one fake provider. It is an http.Handler; Run serves it on a listener, which the
// settings that act on connections (close=silent, close=idle, an outage that refuses) need.
type Server struct {
	opts    Options
	created int64  // the `created` of every answer, so that equal requests get equal bytes
	nonce   uint64 // what sets the takes of this server apart from those of any other
	takes   atomic.Uint64
	log     journal
	rules   rules
	memo    memo
	outage  atomic.Pointer[outage]
	gates   gates
}

const (
	maxBody     = 64 << 20
	defaultLog  = 1000
	maxKeptBody = 1 << 20
)

// New makes a fake provider.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxLog == 0 {
		o.MaxLog = defaultLog
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails: crypto/rand ends the program instead
	return &Server{
		opts:    o,
		created: time.Now().Unix(),
		nonce:   binary.LittleEndian.Uint64(seed[:]),
		log:     journal{max: max(o.MaxLog, 0)},
	}
}

// ServeHTTP answers one request: the control interface under /fake, else as a provider would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if path == "/fake" || path == "/" || strings.HasPrefix(path, "/fake/") {
		s.control(w, r)
		return
	}
	n := s.begin(r)
	if s.answerDown(w, r, n) {
		return
	}
	if path == "/health" {
		s.play(w, r, healthScript, n)
		return
	}
	if sc := s.models(r); sc != nil {
		s.play(w, r, sc, n)
		return
	}
	s.generate(w, r, n)
}

// generate is the story of a request with a body: find the operation, check the headers, read,
// plan, play.
func (s *Server) generate(w http.ResponseWriter, r *http.Request, n *note) {
	op, p := findOperation(r)
	if p == nil {
		p = s.checkHeaders(r, op)
	}
	var body []byte
	if p == nil {
		var err error
		if body, p, err = readBody(r); err != nil {
			n.end(0, "invalid", 0, true)
			return
		}
	}
	if p != nil {
		n.refused(p.message)
		s.play(w, r, problemScript(op.shape, p), n)
		return
	}
	pl := s.plan(op, body)
	t := s.rules.count(pl, r)
	n.body(pl, body, t.try)
	s.play(w, r, s.choose(pl, t), n)
}

// readBody gives the whole body, or the refusal of one that is too large, or the error of a client
// that left while it sent.
func readBody(r *http.Request) ([]byte, *problem, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge, nil
	}
	if r.ContentLength > 0 && r.ContentLength <= maxKeptBody {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		return nil, tooLarge, nil
	}
	return body, nil, err
}

var tooLarge = &problem{
	status: http.StatusRequestEntityTooLarge, kind: "invalid_request_error", alt: "request_too_large",
	message: "Request exceeds the maximum size",
}
