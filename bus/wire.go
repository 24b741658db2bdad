package bus

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"fairlead"
)

// Numbers are varints; texts and contents stand behind their length; hashes are as they are. A frame begins with the
// letter of its kind, so that what an older node does not know is refused and not misread.
const (
	frameWhole    = 'C' // a change with its content
	frameAnnounce = 'A' // a change without: it is to be fetched
	framePage     = 'P' // changes after a number
	frameKeys     = 'K' // keys after a hash
	framePiece    = 'B' // a piece of a large value
	frameLost     = 'L' // changes that another log has not
	frameLarge    = 'G' // a piece of the content of one
)

// errFrame tells that bytes from the bus are no frame.
var errFrame = errors.New("malformed frame")

// writer appends the parts of a frame.
type writer struct{ b []byte }

func (w *writer) number(n int64) { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) text(s string)  { w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...) }

func (w *writer) bytes(p []byte)       { w.b = append(binary.AppendUvarint(w.b, uint64(len(p))), p...) }
func (w *writer) hash(h fairlead.Hash) { w.b = append(w.b, h[:]...) }

// time writes whole microseconds; the zero time has a number of its own.
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.number(math.MinInt64)
		return
	}
	w.number(t.UnixMicro())
}

func (w *writer) position(p fairlead.Position) {
	w.text(p.Log)
	w.number(p.Number)
	w.hash(p.Hash)
}

func (w *writer) change(c *fairlead.Change, content bool) {
	w.number(c.Number)
	w.text(string(c.Kind))
	w.time(c.At)
	w.text(c.By)
	w.hash(c.Hash)
	if content {
		w.b = append(w.b, 1)
		w.bytes(c.Content)
	} else {
		w.b = append(w.b, 0)
	}
}

// reader takes the parts of a frame off; after the first that is not there, all are zero and bad is set. What it gives
// are copies, so that a small part does not keep a large frame.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() { r.b, r.bad = nil, true }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) number() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) part() []byte {
	size, n := binary.Uvarint(r.b)
	if n <= 0 || size > uint64(len(r.b)-n) {
		r.fail()
		return nil
	}
	part := r.b[n : n+int(size)]
	r.b = r.b[n+int(size):]
	return part
}

func (r *reader) text() string { return string(r.part()) }

func (r *reader) bytes() []byte { return append([]byte{}, r.part()...) }

func (r *reader) hash() (h fairlead.Hash) {
	if copy(h[:], r.b) < len(h) {
		r.fail()
		return fairlead.Hash{}
	}
	r.b = r.b[len(h):]
	return h
}

func (r *reader) time() time.Time {
	n := r.number()
	if n == math.MinInt64 || r.bad {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func (r *reader) position() fairlead.Position {
	return fairlead.Position{Log: r.text(), Number: r.number(), Hash: r.hash()}
}

func (r *reader) change() heard {
	h := heard{Change: fairlead.Change{
		Number: r.number(), Kind: fairlead.ChangeKind(r.text()), At: r.time(), By: r.text(), Hash: r.hash(),
	}}
	switch r.byte() {
	case 0:
		h.large = true
	case 1:
		h.Content = r.bytes()
	default:
		r.fail()
	}
	return h
}

// end tells whether the frame was whole and nothing is behind it.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return errFrame
	}
	return nil
}

// list reads a number of things; each takes at least one byte, which bounds what a false number can claim.
func list[T any](r *reader, one func() T) []T {
	n := r.number()
	if n < 0 || n > int64(len(r.b)) {
		r.fail()
		return nil
	}
	var all []T
	for range n {
		if all = append(all, one()); r.bad {
			return nil
		}
	}
	return all
}

// begin checks a frame's letter.
func begin(frame []byte, kinds ...byte) *reader {
	r := &reader{b: frame}
	if !slices.Contains(kinds, r.byte()) {
		r.fail()
	}
	return r
}

// heard is a change from the bus; a large one came without its content.
type heard struct {
	fairlead.Change
	large bool
}

// encodeChange is the feed's frame: the change with its content, or without where that is too large.
func encodeChange(c *fairlead.Change) []byte {
	whole := len(c.Content) <= wholeLimit
	w := writer{b: make([]byte, 0, 160+len(c.By)+min(len(c.Content), wholeLimit))}
	if whole {
		w.b = append(w.b, frameWhole)
	} else {
		w.b = append(w.b, frameAnnounce)
	}
	w.change(c, whole)
	return w.b
}

func decodeChange(frame []byte) (heard, error) {
	r := begin(frame, frameWhole, frameAnnounce)
	h := r.change()
	return h, r.end()
}

// page is the answer to a fetch.
type page struct {
	Head    fairlead.Position // of the log, when the page was read
	OnChain bool              // what the asker stands at lies on the log
	Changes []heard
}

func (p *page) encode() []byte {
	w := writer{b: append(make([]byte, 0, 4096), framePage)}
	w.position(p.Head)
	if p.OnChain {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
	w.number(int64(len(p.Changes)))
	for i := range p.Changes {
		w.change(&p.Changes[i].Change, !p.Changes[i].large)
	}
	return w.b
}

func decodePage(frame []byte) (page, error) {
	r := begin(frame, framePage)
	p := page{Head: r.position(), OnChain: r.byte() == 1}
	p.Changes = list(r, r.change)
	return p, r.end()
}

// piece is a part of a large value, from Offset on.
type piece struct {
	Size   int64 // of the whole value
	Offset int64
	Part   []byte
}

func (p *piece) encode() []byte {
	w := writer{b: append(make([]byte, 0, 32+len(p.Part)), framePiece)}
	w.number(p.Size)
	w.number(p.Offset)
	w.bytes(p.Part)
	return w.b
}

func decodePiece(frame []byte) (piece, error) {
	r := begin(frame, framePiece)
	p := piece{Size: r.number(), Offset: r.number(), Part: r.bytes()}
	return p, r.end()
}

func (w *writer) lost(l *lostChange, content bool) {
	w.hash(l.before)
	w.change(&l.Change, content)
}

func (r *reader) lost() lostChange {
	before := r.hash()
	return lostChange{r.change(), before}
}

// report is what a report says before its changes.
func (w *writer) report(r *lostReport) {
	w.number(r.common.Number)
	w.hash(r.common.Hash)
	w.number(r.at)
}

func (r *reader) report() lostReport {
	return lostReport{common: fairlead.Position{Number: r.number(), Hash: r.hash()}, at: r.number()}
}

// encodeLost is a report of lost changes with their contents.
func encodeLost(report lostReport) []byte {
	w := writer{b: append(make([]byte, 0, 4096), frameLost)}
	w.report(&report)
	w.number(int64(len(report.changes)))
	for i := range report.changes {
		w.lost(&report.changes[i], true)
	}
	return w.b
}

func decodeLost(frame []byte) (lostReport, error) {
	r := begin(frame, frameLost)
	report := r.report()
	report.changes = list(r, r.lost)
	return report, r.end()
}

// encodeLargeLost is a piece of the content of a report's one change.
func encodeLargeLost(report lostReport, p *piece) []byte {
	w := writer{b: append(make([]byte, 0, 256+len(p.Part)), frameLarge)}
	w.report(&report)
	w.lost(&report.changes[0], false)
	w.number(p.Size)
	w.number(p.Offset)
	w.bytes(p.Part)
	return w.b
}

func decodeLargeLost(frame []byte) (lostReport, piece, error) {
	r := begin(frame, frameLarge)
	report := r.report()
	report.changes = []lostChange{r.lost()}
	p := piece{Size: r.number(), Offset: r.number(), Part: r.bytes()}
	return report, p, r.end()
}
