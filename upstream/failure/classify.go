package failure

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"fairlead"
)

const (
	maxWait  = 24 * time.Hour
	longWait = 10 * time.Minute // a rate limit never asks for more: what does is a quota
)

// Classify says what the evidence means. It never fails: what cannot be read is judged by its status, and
// what has none by how it broke.
func Classify(e Evidence) Verdict {
	if b := e.brokenBy(); b != BreakUnknown || e.Status == 0 {
		return verdict(byBreak[b], "break")
	}
	s := see(&e)
	c, row := decide(&s)
	v := verdict(c, row)
	v.Fault = s.fault
	s.waits(&e, &v)
	s.again(&e, &v)
	return v
}

func verdict(c class, row string) Verdict {
	return Verdict{
		Outcome: c.outcome, Retry: c.retry, Health: c.health, Mend: c.mend,
		Long: c.long, AccountWide: c.account, Unsure: c.unsure, Dimension: c.dim, Row: row,
	}
}

// brokenBy tells how the connection broke; BreakUnknown where the answer has words to judge.
func (e *Evidence) brokenBy() Break {
	var timeout net.Error
	switch {
	case e.Break != BreakUnknown:
		return min(e.Break, BreakLeft)
	case e.Err == nil || len(e.Body) > 0 || (e.Status != 0 && e.Status != http.StatusOK):
		return BreakUnknown // a broken error body still has its status
	case errors.Is(e.Err, context.Canceled):
		return BreakLeft
	case errors.Is(e.Err, os.ErrDeadlineExceeded), errors.Is(e.Err, context.DeadlineExceeded),
		errors.As(e.Err, &timeout) && timeout.Timeout():
		return BreakTimeout
	case e.Status == 0:
		return BreakConnect
	case errors.Is(e.Err, io.ErrUnexpectedEOF), errors.Is(e.Err, io.EOF):
		return BreakTruncated
	}
	return BreakMalformed
}

// decide finds the row that the evidence matches.
func decide(s *seen) (class, string) {
	if s.html {
		return page(s), "page"
	}
	for _, table := range [][]rule{vendorRules, wordRules, textRules} {
		for i := range table {
			if r := &table[i]; r.matches(s) {
				return s.inside(r.means(s)), r.name
			}
		}
	}
	if s.inBand && s.status == 0 {
		return s.inside(serverSide), "in-band"
	}
	return s.inside(ofStatus(s.status)), "status"
}

// inside takes from what was said inside a success another try at the same endpoint: a provider that fails
// while it answers has begun to work on the request, and fails over better than it repeats.
func (s *seen) inside(c class) class {
	if s.inBand && (c.health == Failure || c.health == Light) {
		c.retry &^= Same
	}
	return c
}

// page says what a page of HTML means. A firewall's 403 may be about the address we call from, or about
// what one prompt looks like.
func page(s *seen) class {
	switch {
	case s.inBand:
		return malformed.at(Elsewhere | Fallback)
	case s.status == http.StatusForbidden:
		return abroad.once()
	}
	return ofStatus(s.status)
}

// waits fills in how long to wait and for which limit.
func (s *seen) waits(e *Evidence, v *Verdict) {
	limit := v.Health == Capacity || v.Outcome == fairlead.OutcomeQuota
	if limit && v.Dimension == "" {
		v.Dimension = s.dimension(e.Header)
	}
	v.Wait = s.wait(e, limit, v.Dimension)
	if !limit {
		return
	}
	if v.Wait > longWait {
		v.Long = true
		v.Retry &^= Same
		if v.Outcome == fairlead.OutcomeRateLimited {
			v.Outcome = fairlead.OutcomeQuota
		}
	}
	if s.wholeAccount(e) {
		v.AccountWide = true
	}
}

// again takes away what the provider forbids: a second try at this endpoint.
func (s *seen) again(e *Evidence, v *Verdict) {
	if strings.EqualFold(e.Header.Get("X-Should-Retry"), "false") || s.retryable == no {
		v.Retry &^= Same
	}
	if s.retryable == yes && v.Health == Configuration {
		v.Retry, v.Health, v.Unsure = v.Retry|anywhere, Nothing, false
	}
}
