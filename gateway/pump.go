package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"fairlead"
	"fairlead/internal/jsonscan"
	"fairlead/meter"
	"fairlead/upstream"
)

const (
	commentEvery = 10 * time.Second // to a caller who hears nothing
	writeTime    = time.Minute      // for a caller to take what was written
	restPiece    = 32 << 10
	tailKept     = 4 << 10 // of an answer's end, in which its usage may stand
)

// keepAlive is a comment: no client sees it, and it keeps what stands between open.
var keepAlive = []byte(": fairlead\n\n")

// pump carries the answer to the caller.
func (x *exchange) pump() error {
	if x.answer.Stream != nil {
		return x.pumpStream()
	}
	return x.pumpWhole()
}

// pumpWhole writes an unstreamed answer with its cost in the headers, for it is known by now.
func (x *exchange) pumpWhole() error {
	a := x.answer
	x.reading.Reported, x.reading.HasUsage, x.reading.Final = a.Seen.Usage, a.Seen.HasUsage, true
	x.reading.Delivered, x.reading.Silent = int64(a.Seen.Bytes), a.Seen.Silent
	if cost := meter.Cost(a.Step.Endpoint, x.reading.Silent, meter.Usage(x.reading)); cost != nil && a.Rest == nil {
		x.headers.set("X-Fairlead-Cost", cost.String())
	}
	x.commitHeaders("application/json", a.Length)
	if err := x.write(a.Body); err != nil || a.Rest == nil {
		return err
	}
	return x.pumpRest(a.Rest)
}

// pumpRest passes on what follows of an answer too large to hold. Its usage is read from its end; where
// there is none, what a chat delivers is estimated from all bytes of the answer. Where it breaks off, the caller's
// connection does too: its length or framing then shows that the answer is not whole.
func (x *exchange) pumpRest(rest io.Reader) error {
	piece, tail := make([]byte, restPiece), make([]byte, 0, 2*tailKept)
	for {
		begin := time.Now()
		n, err := rest.Read(piece)
		x.waited += time.Since(begin)
		if n > 0 {
			if err := x.write(piece[:n]); err != nil {
				return err
			}
			tail = append(tail[max(0, len(tail)-tailKept):], piece[max(0, n-tailKept):n]...)
		}
		if x.rec.Operation == fairlead.OpChat {
			x.reading.Delivered = x.rec.BytesOut
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			x.answer.SeeTail(tail)
			x.reading.Reported, x.reading.HasUsage = x.answer.Seen.Usage, x.answer.Seen.HasUsage
			return x.flush()
		}
		if err != nil {
			return x.interrupted(err)
		}
	}
}

// pumpStream passes a stream on as it comes, each piece flushed at once.
func (x *exchange) pumpStream() error {
	if !x.sent {
		x.commitHeaders("text/event-stream", -1)
	}
	x.top = jsonscan.Object{} // a stream can last long, and there can be many
	heard := int64(0)
	for {
		piece, err := x.walk.Next(commentEvery)
		switch {
		case errors.Is(err, upstream.ErrSilent):
			piece = keepAlive
		case errors.Is(err, io.EOF):
			x.trail()
			return nil
		case err != nil:
			x.trail()
			return x.interrupted(err)
		}
		if err := x.write(piece); err != nil {
			x.unheard = x.walk.Delivered() - heard
			return err
		}
		heard = x.walk.Delivered()
	}
}

// trail says behind a stream which endpoints went on with it.
func (x *exchange) trail() {
	if list := x.walk.Continued(); len(list) > 0 {
		x.headers.set(http.TrailerPrefix+"X-Fairlead-Continued", strings.Join(list, ", "))
	}
}

// write gives the caller bytes of the answer, of a stream at once. Its error says that the caller left.
func (x *exchange) write(p []byte) error {
	begin := time.Now()
	err := x.boundWrite(begin)
	if err == nil {
		var n int
		n, err = x.w.Write(p)
		x.rec.BytesOut += int64(n)
	}
	if err == nil && x.rec.Stream {
		err = x.control.Flush()
	}
	x.waited += time.Since(begin)
	if err != nil {
		return callerGone(err)
	}
	return nil
}

// flush has the caller take what was written. Its error says that the caller left.
func (x *exchange) flush() error {
	err := x.boundWrite(time.Now())
	if err == nil {
		err = x.control.Flush()
	}
	if err != nil {
		return callerGone(err)
	}
	return nil
}

// boundWrite gives the caller a while to take what is written next, so that one who stops reading does
// not keep the exchange for ever.
func (x *exchange) boundWrite(now time.Time) error {
	if x.writeUntil.Sub(now) >= x.g.patience.write*7/8 {
		return nil
	}
	x.writeUntil = now.Add(x.g.patience.write)
	return x.control.SetWriteDeadline(x.writeUntil)
}

// interrupted says what it means that a committed answer broke off.
func (x *exchange) interrupted(err error) error {
	if x.r.Context().Err() != nil {
		return callerGone(err)
	}
	x.walk.Interrupted(fairlead.OutcomeInterrupted, upstream.Detail(err))
	return &fairlead.Error{
		Code:    fairlead.CodeStreamInterrupted,
		Message: "the provider's stream broke off before its end; what was sent so far is not the whole answer",
		Err:     err,
	}
}

func callerGone(err error) error {
	return &fairlead.Error{Code: fairlead.CodeCallerGone, Message: "the caller left", Err: err}
}

// comment tells a waiting caller's connection that it is alive, with the headers known by now.
func (x *exchange) comment() {
	if !x.sent {
		x.commitHeaders("text/event-stream", -1)
	}
	_ = x.write(keepAlive) // the context of a caller who left ends the walk
}
