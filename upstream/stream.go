package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
	"fairlead/upstream/health"
	"fairlead/upstream/transport"
)

const (
	firstBuffer = 1 << 10  // of a stream: most frames are a few hundred bytes, and there can be 10,000 streams
	maxFrame    = 8 << 20  // the longest frame that is taken
	maxHeld     = 64 << 10 // held back before the commit
	afterEnd    = 50 * time.Millisecond
)

// errTruncated is the end of a stream before its dialect's proper end.
var errTruncated = errors.New("the stream ended before its proper end")

// errMissing is one that ended before all the answers that were asked for had begun. It is no proof against
// the endpoint: there are servers that give one, whatever is asked for.
var errMissing = fmt.Errorf("%w: an answer is missing", errTruncated)

// errStalled is a committed stream without a byte for too long, and, as errEmptied, one that is kept alive
// but says nothing.
var (
	errStalled = errors.New("the stream stalled")
	errEmptied = fmt.Errorf("%w: it was kept alive, and no more", errStalled)
)

// errFrameTooLong is a frame of more than maxFrame bytes.
var errFrameTooLong = errors.New("a frame of the stream is too long")

// errHeldTooMuch is a stream whose translation would have to hold back more than can be held.
var errHeldTooMuch = errors.New("too much of the stream has to wait for its order")

// Stream is a committed stream in the caller's dialect. It belongs to one goroutine, which pulls it.
type Stream struct {
	reply    transport.Reply
	buf      []byte
	r, w     int
	split    sse.Splitter
	eof      bool
	terminal bool  // the dialect's last frame was seen
	broken   error // what Next gives once all before it was given

	frames    frames
	pass      passage  // frames, where they pass
	last      []byte   // the last frame, where it lacked its blank line
	leg       *resumed // frames, where it goes on with an answer; else nil
	said      []byte   // the frame that says an error
	spoke     bool     // something of an answer was given
	out       []byte   // held back before the commit, then given first
	Delivered int64    // bytes of text, reasoning and tool input given so far
	Waited    time.Duration

	limit     time.Time // the attempt's end before the commit, the exchange's after it
	total     time.Time
	until     time.Time // the end of the span of silence that Next waits in; zero = it does not
	clock     clock
	deadlines *health.Deadlines
}

// frames takes the frames of a provider's stream, one after another. take says whether the frame's
// own bytes go to the caller unchanged (pass), or appends what goes instead to dst.
type frames interface {
	take(dst []byte, f sse.Frame) (out []byte, seen dialect.Sight, pass bool, err error)
	complete() bool
	end(dst []byte) []byte // at a proper end of file
	usage() (fairlead.Usage, bool)
}

func newStream(a *attempt) *Stream {
	s := &Stream{
		reply: a.reply, buf: make([]byte, firstBuffer), limit: a.until, total: a.total,
		clock: clock{idle: a.step.Endpoint.Provider.Timeouts.Idle, at: a.start}, deadlines: a.lane.Deadlines(),
	}
	w, ask := a.walk, a.walk.Ask
	if w.legs != nil {
		s.leg = newResumed(w.legs, a.to.NewDecoder())
		s.frames = s.leg
		return s
	}
	var told *dialect.Told
	if w.continues() {
		told = &a.mem.told
		told.Begin()
	}
	if a.translated() {
		s.frames = newTranslation(a.to.NewDecoder(), ask.Caller.NewEncoder(w.Encode), told)
	} else {
		s.pass = newPassage(a.to.NewWatcher(ask.Op), !ask.Facts.StreamUsage, told)
		s.pass.expect(ask.Facts.Choices)
		s.frames = &s.pass
	}
	return s
}

// Usage is the last usage that the provider reported.
func (s *Stream) Usage() (fairlead.Usage, bool) { return s.frames.usage() }

// commit reads until a meaningful frame is there, holding back what comes before it. Comments before
// the commit are dropped: they keep only the provider's own connection alive. Errors are ErrSilent, a
// *dialect.Fault, or what broke the stream.
func (s *Stream) commit(silence time.Time) error {
	for {
		for {
			f, ok := s.frame()
			if !ok {
				break
			}
			if f.Comment() {
				continue
			}
			seen, err := s.hold(f)
			if err != nil {
				return err
			}
			s.wait()
			if seen.Meaningful || seen.Terminal || len(s.out) > maxHeld {
				s.committed()
				return nil
			}
		}
		if s.eof {
			return errTruncated
		}
		if err := s.late(silence); err != nil {
			return err
		}
		if err := s.fill(time.Now(), silence, s.limit); err != nil {
			return err
		}
	}
}

// wait lets an attempt go on that repeats what was said: it may take as long as its text keeps coming.
func (s *Stream) wait() {
	if s.leg == nil || !s.leg.moved {
		return
	}
	s.leg.moved = false
	now, idle := time.Now(), s.clock.idle
	if idle == time.Duration(fairlead.Auto) {
		idle = s.deadlines.Bytes(s.clock.phase, now)
	}
	s.limit = earliest(s.total, after(now, idle))
	s.reply.SetDeadline(s.limit)
}

func (s *Stream) committed() {
	s.limit = s.total
	s.reply.SetDeadline(s.total)
	s.clock.start(time.Now())
}

func (s *Stream) hold(f sse.Frame) (dialect.Sight, error) {
	seen, pass, err := s.take(f)
	if pass {
		s.out = append(s.out, f.Raw...)
	}
	return seen, err
}

// said is what a frame says: its data, or what stands in it instead.
func said(f sse.Frame) []byte {
	for _, b := range [][]byte{f.Error, f.Bare, f.Data} {
		if len(b) > 0 {
			return bytes.Clone(b)
		}
	}
	return nil
}

// take looks at a frame, or translates it to out. A last frame that comes before the dialect's proper
// end, such as [DONE] without a finish reason, is a truncation and is not given to the caller.
func (s *Stream) take(f sse.Frame) (seen dialect.Sight, pass bool, err error) {
	before := len(s.out)
	s.out, seen, pass, err = s.frames.take(s.out, f)
	if err == nil && seen.Terminal && !s.frames.complete() {
		err = errTruncated
	}
	if err != nil {
		s.said = said(f)
		s.out = s.out[:before]
		return seen, false, err
	}
	s.Delivered += int64(seen.Bytes)
	s.spoke = s.spoke || seen.Says()
	s.terminal = s.terminal || seen.Terminal
	s.noted(&f, &seen)
	return seen, pass, nil
}

// Next gives the next bytes for the caller, whole frames all of them, valid until the next call. After
// the proper end it gives io.EOF; ErrSilent where there was nothing to give for a span of silence; any other error
// means that the stream broke off and must not end cleanly.
func (s *Stream) Next(silence time.Duration) ([]byte, error) {
	s.until = time.Time{}
	for {
		if b := s.give(); len(b) > 0 {
			return b, nil
		}
		switch {
		case s.broken != nil:
			return nil, s.broken
		case s.terminal:
			s.finish()
			return nil, io.EOF
		case s.eof && s.frames.complete():
			s.terminal = true
			s.out = s.frames.end(s.out[:0])
			continue
		case s.eof:
			s.broken = errTruncated
			if s.pass.missing() {
				s.broken = errMissing
			}
			continue
		}
		begin := time.Now()
		if s.until.IsZero() {
			s.until = begin.Add(silence)
		}
		if err := s.more(begin, s.until); err != nil {
			return nil, err
		}
	}
}

// give takes the frames that are in the buffer. Those that pass are given as they lie in it, in one
// piece; a frame that is withheld ends the piece.
func (s *Stream) give() []byte {
	if len(s.out) > 0 {
		out := s.out
		s.out = nil
		return out
	}
	start, end := s.r, s.r
	for s.broken == nil && !s.terminal {
		before := s.r
		f, ok := s.frame()
		if !ok {
			break
		}
		_, pass, err := s.take(f)
		if err != nil {
			s.broken = err
			break
		}
		switch {
		case pass && s.last != nil:
			s.out = append(append(s.out, s.buf[start:end]...), s.last...)
			start, end = s.r, s.r
		case pass && end == start:
			start, end = before, s.r
		case pass:
			end = s.r
		case end > start:
			return s.buf[start:end]
		}
	}
	if end > start {
		return s.buf[start:end]
	}
	out := s.out
	s.out = s.out[:0]
	return out
}

// frame takes the next whole frame off the buffer; at the end of the stream also one that lacks its
// blank line.
func (s *Stream) frame() (sse.Frame, bool) {
	f, n, ok := s.split.Next(s.buf[s.r:s.w])
	if ok {
		s.r += n
		return f, true
	}
	if s.eof && s.r < s.w {
		f, ok = s.split.Last(s.buf[s.r:s.w])
		s.r = s.w
		// Whatever follows, an error of ours too, must not run into it.
		s.last = append(bytes.TrimRight(bytes.Clone(f.Raw), "\r\n"), "\n\n"...)
		f.Raw = s.last
	}
	return f, ok
}

// fill reads more into the buffer, from begin, which is now: ErrSilent where nothing came until silence,
// the timeout itself where limit has passed.
func (s *Stream) fill(begin, silence, limit time.Time) error {
	if err := s.room(); err != nil {
		return err
	}
	err := s.reply.Ready(earliest(silence, limit))
	var n int
	if err == nil {
		n, err = s.reply.Read(s.buf[s.w:])
	}
	now := time.Now()
	s.Waited += now.Sub(begin)
	s.clock.woke(now, n)
	s.w += n
	switch {
	case n > 0:
		s.eof = err == io.EOF
		return nil
	case err == io.EOF:
		s.eof = true
		return nil
	case err != nil && isTimeout(err) && !passed(limit, now):
		return ErrSilent
	}
	return err
}

// room makes space behind w: at the front where frames were taken, else by doubling.
func (s *Stream) room() error {
	if s.r > 0 {
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	}
	if s.w < len(s.buf) {
		return nil
	}
	if len(s.buf) >= maxFrame {
		return errFrameTooLong
	}
	grown := make([]byte, 2*len(s.buf))
	copy(grown, s.buf[:s.w])
	s.buf = grown
	return nil
}

// finish reads what follows the dialect's last frame, so that the connection can be used again; a
// provider that takes longer than a moment to end the body loses its connection.
func (s *Stream) finish() {
	s.reply.SetDeadline(time.Now().Add(afterEnd))
	for !s.eof {
		_, err := s.reply.Read(s.buf)
		s.eof = err != nil
	}
}
