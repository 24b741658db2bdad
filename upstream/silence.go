package upstream

import (
	"errors"
	"os"
	"time"

	"fairlead/dialect"
	"fairlead/internal/sse"
	"fairlead/upstream/failure"
	"fairlead/upstream/health"
)

// slowCaller is how long a caller has taken to read, all in all, who may be why a provider gave up.
const slowCaller = time.Second

// late ends a wait for the commit in which bytes come all the time, and nothing that commits: what is there
// is read without a look at the time, so that it would have no other end.
func (s *Stream) late(silence time.Time) error {
	switch now := s.clock.at; {
	case passed(s.limit, now):
		return os.ErrDeadlineExceeded
	case passed(silence, now):
		return ErrSilent
	}
	return nil
}

// more reads more of a committed stream, from begin, which is now, until the caller is to hear something,
// or until one of the stream's clocks has run out.
func (s *Stream) more(begin, until time.Time) error {
	s.clock.wait(begin)
	for {
		if v := s.verdict(); v != nil {
			s.broken = v
			return v
		}
		switch now := s.clock.at; {
		case passed(s.total, now): // a stream that is never silent may have no end
			s.broken = os.ErrDeadlineExceeded
			return s.broken
		case !now.Before(until):
			return ErrSilent
		}
		err := s.fill(s.clock.at, earliest(until, s.clock.due()), s.total)
		if err == ErrSilent {
			continue
		}
		if err != nil {
			s.broken = err
		}
		return err
	}
}

// verdict looks at the clocks; nil while the stream lives.
func (s *Stream) verdict() error {
	c := &s.clock
	v := c.verdict()
	if v != lively {
		c.know(s.deadlines.Bytes(c.phase, c.at), s.deadlines.Gap(c.phase, c.at))
		v = c.verdict()
	}
	if v == lively {
		return nil
	}
	if gap, ok := c.cut(); ok {
		s.deadlines.LearnGap(c.phase, gap, true, c.at)
	}
	if v == emptied {
		return errEmptied
	}
	return errStalled
}

// noted tells the clocks what a frame is, and the endpoint's deadlines what they say of it.
func (s *Stream) noted(f *sse.Frame, seen *dialect.Sight) {
	c := &s.clock
	switch {
	case seen.Meaningful:
		if gap, ok := c.meaningful(); ok && seen.Phase != dialect.PhaseSame {
			s.deadlines.LearnGap(c.phase, gap, false, c.at)
		}
	case f.Comment() || string(f.Event) == "ping":
		if interval, ok := c.alive(); ok {
			s.deadlines.LearnKeepAlive(interval, c.at)
		}
	default:
		c.other()
	}
	c.enter(seen.Phase)
}

// blame is what the break of a committed stream, of which v is the verdict, says against its endpoint. A stall
// proves little: its bound may have been too short for this answer. The end of the time there was proves
// nothing while deltas came, and neither does a connection that was lost while the caller was slow to read: a
// provider that cannot send gives up.
func (s *Stream) blame(v failure.Verdict) health.Evidence {
	c := &s.clock
	_, fault := asFault(s.broken)
	switch {
	case errors.Is(s.broken, errStalled):
		return health.Evidence{Kind: health.Soft}
	case isTimeout(s.broken) && c.ran.waited-c.delta.waited >= health.LeastSilence:
		return health.Evidence{Kind: health.Soft}
	case isTimeout(s.broken), s.broken == errMissing:
		return health.Evidence{}
	case !fault && c.ran.away >= slowCaller && c.ran.away >= c.ran.waited:
		return health.Evidence{}
	}
	return evidence(v)
}
