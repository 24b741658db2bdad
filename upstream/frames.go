package upstream

import (
	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/sse"
)

// passage lets the frames of a stream of the caller's own dialect pass unchanged and watches them.
type passage struct {
	watcher  dialect.Watcher
	withhold bool // frames that carry usage alone: the caller did not ask for them
	ended    bool // the last frame was seen
}

func newPassage(w dialect.Watcher, withhold bool, told *dialect.Told) passage {
	if t, ok := w.(dialect.Teller); ok && told != nil {
		t.Tell(told)
	}
	return passage{watcher: w, withhold: withhold}
}

// missing reports whether the stream lacks nothing but answers that never began.
func (p *passage) missing() bool {
	c, ok := p.watcher.(dialect.Counter)
	return ok && c.Missing()
}

// expect tells the watcher how many answers were asked for.
func (p *passage) expect(choices int) {
	if c, ok := p.watcher.(dialect.Counter); ok && choices > 1 {
		c.Expect(choices)
	}
}

func (p *passage) take(dst []byte, f sse.Frame) ([]byte, dialect.Sight, bool, error) {
	seen, err := p.watcher.Watch(f)
	p.ended = p.ended || seen.Terminal
	return dst, seen, !(seen.UsageOnly && p.withhold), err
}

func (p *passage) complete() bool                { return p.watcher.Complete() }
func (p *passage) usage() (fairlead.Usage, bool) { return p.watcher.Usage() }

// end writes the last frame, where the provider left it out and its dialect has one that can be.
func (p *passage) end(dst []byte) []byte {
	if e, ok := p.watcher.(dialect.Ender); ok && !p.ended {
		p.ended = true
		return e.End(dst)
	}
	return dst
}

func newTranslation(d dialect.Decoder, e dialect.Encoder, told *dialect.Told) *translation {
	holder, _ := e.(dialect.Holder)
	return &translation{decoder: d, encoder: e, holder: holder, told: told}
}

// translation reads the frames of another dialect into events and writes those for the caller.
type translation struct {
	decoder dialect.Decoder
	encoder dialect.Encoder
	holder  dialect.Holder // the encoder, where it holds things back; else nil
	told    *dialect.Told  // nil: nothing is noted
	events  []dialect.Event
	last    fairlead.Usage
	known   bool
	ended   bool
}

func (t *translation) take(dst []byte, f sse.Frame) ([]byte, dialect.Sight, bool, error) {
	var seen dialect.Sight
	events, err := t.decoder.Decode(t.events[:0], f)
	t.events = events
	if err != nil { // the caller gets nothing of such a frame: nothing of it must count as told
		return dst, seen, false, err
	}
	for i := range events {
		e := &events[i]
		seen.Meaningful = seen.Meaningful || e.Meaningful()
		seen.Bounded = seen.Bounded || e.Bounded()
		seen.Bytes += e.Bytes()
		if p := e.Phase(); p != dialect.PhaseSame {
			seen.Phase = p
		}
		switch {
		case e.Kind == dialect.EventEnd:
			seen.Terminal, t.ended = true, true
		case e.HasUsage || e.Kind == dialect.EventUsage:
			t.last, t.known = e.Usage, true
		}
		if t.told != nil {
			t.told.See(e)
		}
		dst = t.encoder.Encode(dst, *e)
	}
	if t.holder != nil && t.holder.Held() > maxFrame {
		err = errHeldTooMuch
	}
	return dst, seen, false, err
}

func (t *translation) complete() bool                { return t.decoder.Complete() }
func (t *translation) usage() (fairlead.Usage, bool) { return t.last, t.known }

// end writes the end that the provider's dialect left out.
func (t *translation) end(dst []byte) []byte {
	if t.ended {
		return dst
	}
	t.ended = true
	return t.encoder.Encode(dst, dialect.Event{Kind: dialect.EventEnd})
}
