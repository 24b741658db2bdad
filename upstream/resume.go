package upstream

import (
	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
)

// resumed takes the frames of an attempt that goes on with an answer: their text, fitted onto what was said,
// and what follows it. Where the stream begins again, reasons again, or repeats what was said, the caller
// sees nothing of it.
type resumed struct {
	legs    *legs
	decoder dialect.Decoder
	seam    *seam
	events  []dialect.Event
	last    fairlead.Usage
	known   bool
	ended   bool
	moved   bool // something came since this was last looked at
	gave    bool // the caller was given something of it
	given   int  // bytes of text, reasoning and tool input
	thought int  // bytes of reasoning that the caller was not given
}

func newResumed(l *legs, d dialect.Decoder) *resumed {
	return &resumed{legs: l, decoder: d, seam: newSeam(l.base, l.words, l.method)}
}

func (r *resumed) take(dst []byte, f sse.Frame) ([]byte, dialect.Sight, bool, error) {
	var seen dialect.Sight
	events, err := r.decoder.Decode(r.events[:0], f)
	r.events = events
	if err != nil { // the caller gets nothing of such a frame: nothing of it must count as told
		return dst, seen, false, err
	}
	for i := range events {
		var fail error
		if dst, fail = r.event(dst, &seen, &events[i]); fail != nil {
			return dst, seen, false, fail
		}
	}
	if h, ok := r.legs.encoder.(dialect.Holder); ok && h.Held() > maxFrame {
		err = errHeldTooMuch
	}
	return dst, seen, false, err
}

// event gives the caller's frames of one event.
func (r *resumed) event(dst []byte, seen *dialect.Sight, e *dialect.Event) ([]byte, error) {
	if p := e.Phase(); p != dialect.PhaseSame {
		seen.Phase = p
	}
	switch e.Kind {
	case dialect.EventStart, dialect.EventSignature, dialect.EventRedacted:
		return dst, nil
	case dialect.EventReasoning:
		r.moved = true
		r.thought += len(e.Text)
		return dst, nil
	case dialect.EventUsage:
		r.last, r.known = e.Usage, true
		return r.tally(dst), nil
	case dialect.EventText:
		r.moved = true
		text, err := r.seam.take(e.Text)
		if err != nil || text == "" {
			return dst, err
		}
		e.Text = text
	case dialect.EventFinish:
		var err error
		if dst, err = r.finish(dst, seen); err != nil {
			return dst, err
		}
	case dialect.EventEnd:
		seen.Terminal = true
		return r.end(dst), nil
	default:
		if !r.seam.closed {
			return dst, errNoSeam
		}
	}
	return r.give(dst, seen, *e), nil
}

// give writes an event for the caller.
func (r *resumed) give(dst []byte, seen *dialect.Sight, e dialect.Event) []byte {
	seen.Meaningful = seen.Meaningful || e.Meaningful()
	seen.Bounded = seen.Bounded || e.Bounded()
	seen.Bytes += e.Bytes()
	r.given += e.Bytes()
	if e.Bytes() > 0 || e.Kind == dialect.EventToolStart {
		r.gave, r.legs.doubted = true, false
	}
	r.legs.told.See(&e)
	if e.HasUsage {
		e.Usage = r.total()
	}
	return r.legs.encoder.Encode(dst, e)
}

// finish brings the text to its end before the reason is told. An attempt that has nothing to add may be right,
// where only the end of the stream was lost, or may not have understood: two have to say so.
func (r *resumed) finish(dst []byte, seen *dialect.Sight) ([]byte, error) {
	rest, err := r.seam.end()
	if err != nil {
		return dst, err
	}
	if rest == "" && !r.gave && !r.seam.repeated && !r.legs.doubted {
		r.legs.doubted = true
		return dst, errNoSeam
	}
	if rest != "" {
		dst = r.give(dst, seen, dialect.Event{Kind: dialect.EventText, Text: rest})
	}
	if m, ok := r.legs.encoder.(dialect.Marker); ok {
		m.Mark(r.legs.marked())
	}
	return dst, nil
}

// tally tells the caller what has been used.
func (r *resumed) tally(dst []byte) []byte {
	return r.legs.encoder.Encode(dst, dialect.Event{Kind: dialect.EventUsage, Usage: r.total(), HasUsage: true})
}

func (r *resumed) total() fairlead.Usage {
	if !r.known {
		return r.legs.estimate(r.given)
	}
	return r.legs.total(r.last, r.seam.skipped, r.thought)
}

func (r *resumed) complete() bool { return r.decoder.Complete() }

func (r *resumed) usage() (fairlead.Usage, bool) { return r.total(), true }

// end writes the end, also where the provider's dialect left it out. What an attempt before this one said of usage
// is not the answer's: where this one says nothing of it, it is estimated.
func (r *resumed) end(dst []byte) []byte {
	if r.ended {
		return dst
	}
	r.ended = true
	if !r.known {
		dst = r.tally(dst)
	}
	return r.legs.encoder.Encode(dst, dialect.Event{Kind: dialect.EventEnd})
}
