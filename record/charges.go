package record

import (
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
)

// Appender takes lines that must not be lost: a spool.
type Appender interface {
	Append(line []byte) error
}

// Charges writes the charge lines of exchanges: an intent before anything is sent for one, a charge at its end. A
// line that cannot be written stops nobody; behind the next one that can, a gap line says how many are missing.
type Charges struct {
	// Clock dates intents; nil = time.Now.
	Clock func() time.Time

	to     Appender
	memory sync.Pool // *[]byte
	missed atomic.Int64
}

// NewCharges makes a Charges in front of a spool.
func NewCharges(to Appender) *Charges {
	return &Charges{to: to, memory: sync.Pool{New: func() any { return new(make([]byte, 0, 1024)) }}}
}

// Intend writes the intent of an exchange.
func (c *Charges) Intend(r *fairlead.Record) {
	now := clock(c.Clock)
	m := c.memory.Get().(*[]byte)
	*m = appendIntent((*m)[:0], r, now)
	c.append(*m, now)
	c.memory.Put(m)
}

// clock is what a clock shows, or the machine's where there is none.
func clock(of func() time.Time) time.Time {
	if of == nil {
		return time.Now()
	}
	return of()
}

// Entered does nothing: most that is refused at the door is sent nowhere.
func (c *Charges) Entered(*fairlead.Record) {}

// Left writes the charge of an exchange that had an intent.
func (c *Charges) Left(r *fairlead.Record) {
	if !r.Intended {
		return
	}
	now := r.Start.Add(r.Duration)
	m := c.memory.Get().(*[]byte)
	*m = appendCharge((*m)[:0], r, now)
	c.append(*m, now)
	c.memory.Put(m)
}

func (c *Charges) append(line []byte, now time.Time) {
	if c.to.Append(line) != nil { // the spool tells of it
		c.missed.Add(1)
		return
	}
	if c.missed.Load() == 0 {
		return
	}
	missed := c.missed.Swap(0)
	if missed != 0 && c.to.Append(appendGap(nil, missed, now)) != nil {
		c.missed.Add(missed)
	}
}

func appendIntent(b []byte, r *fairlead.Record, now time.Time) []byte {
	o := lineHead(b, fairlead.LineIntent, r, now)
	o.number("prompt", r.Prompt)
	o.number("max_output", r.MaxOutput)
	return o.end()
}

func appendCharge(b []byte, r *fairlead.Record, now time.Time) []byte {
	o := lineHead(b, fairlead.LineCharge, r, now)
	o.text("endpoint", r.Endpoint)
	o.usage(r)
	o.cost(r.Cost)
	o.number("status", int64(r.Status))
	o.text("code", string(r.Code))
	o.number("attempts", int64(fairlead.Made(r.Attempts)))
	return o.end()
}

func lineHead(b []byte, kind fairlead.LineKind, r *fairlead.Record, now time.Time) object {
	o := newObject(b)
	o.text("kind", string(kind))
	o.text("id", r.ID)
	o.number("at", now.UnixMicro())
	o.text("key", r.KeyID)
	o.text("account", r.Account)
	o.text("team", r.Team)
	o.text("model", clip(r.Served))
	o.number("revision", r.Revision)
	return o
}

func appendGap(b []byte, lines int64, now time.Time) []byte {
	o := newObject(b)
	o.text("kind", string(fairlead.LineGap))
	o.number("at", now.UnixMicro())
	o.number("lines", lines)
	return o.end()
}

func (o *object) usage(r *fairlead.Record) {
	u := &r.Usage
	o.number("input", u.Input)
	o.number("cache_read", u.CacheRead)
	o.number("cache_write", u.CacheWrite)
	o.number("output", u.Output)
	o.number("reasoning", u.Reasoning)
	o.number("audio_input", u.AudioInput)
	o.number("audio_output", u.AudioOutput)
	o.number("image_input", u.ImageInput)
	o.number("images", u.Images)
	o.yes("estimated", u.Estimated)
	o.number("normal_prompt", r.Normal.Prompt)
	o.number("normal_output", r.Normal.Output)
}

// cost is there where it is known, 0 too.
func (o *object) cost(c *fairlead.USD) {
	if c == nil {
		return
	}
	if *c == 0 {
		o.name("cost")
		o.b = append(o.b, '0')
		return
	}
	o.number("cost", int64(*c))
}
