package transport

// chunks follows the chunked framing (RFC 9112, section 7.1) through the bytes of a body as they
// arrive. It decodes nothing and decides nothing about the answer: the standard library's reader
// does. It only tells how much of the body that reader can give without waiting, so that it never
// meets a deadline, after which it would be unusable.
type chunks struct {
	data int64 // bytes of body seen
	over bool  // the end was seen, or something the decoder must judge

	state chunkState
	left  uint64 // of the chunk's data, or of the line break after it
	size  uint64
	seen  bool  // the line has a digit of the size
	edge  uint8 // how much of the end, "\r\n\r\n", has been seen
}

type chunkState uint8

const (
	inSize chunkState = iota
	inExtension
	inData
	inBreak
	inTrailer
)

func (c *chunks) feed(p []byte) {
	for len(p) > 0 && !c.over {
		switch c.state {
		case inData, inBreak:
			n := min(c.left, uint64(len(p)))
			p = p[n:]
			c.left -= n
			c.pass(n)
		default:
			c.char(p[0])
			p = p[1:]
		}
	}
}

// ending reports whether the last chunk was announced but has not wholly come.
func (c *chunks) ending() bool { return c.state == inTrailer && !c.over }

// pass takes n bytes of data or of the break after it.
func (c *chunks) pass(n uint64) {
	if c.state == inData {
		c.data += int64(n)
		if c.left == 0 {
			c.state, c.left = inBreak, 2
		}
		return
	}
	if c.left == 0 {
		c.state, c.size, c.seen = inSize, 0, false
	}
}

// char takes one character of a line.
func (c *chunks) char(b byte) {
	switch {
	case c.state == inTrailer:
		c.trailer(b)
	case b == '\n':
		c.line()
	case c.state == inSize:
		d, ok := hexDigit(b)
		switch {
		case !ok:
			c.state = inExtension
		case c.size >= 1<<58:
			c.over = true
		default:
			c.size, c.seen = c.size<<4|uint64(d), true
		}
	}
}

// trailer takes one character after the last chunk's size line. Like the decoder it knows no other
// end than an empty line after a line, both ended by CR LF.
func (c *chunks) trailer(b byte) {
	switch {
	case b == '\r' && c.edge == 2:
		c.edge = 3
	case b == '\r':
		c.edge = 1
	case b == '\n' && c.edge == 3:
		c.over = true
	case b == '\n' && c.edge == 1:
		c.edge = 2
	default:
		c.edge = 0
	}
}

// line ends a size line.
func (c *chunks) line() {
	switch {
	case !c.seen:
		c.over = true
	case c.size == 0:
		c.state, c.edge = inTrailer, 2
	default:
		c.state, c.left = inData, c.size
	}
}

func hexDigit(b byte) (byte, bool) {
	switch {
	case b >= '0' && b <= '9':
		return b - '0', true
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return (b | 0x20 - 'a') + 10, true
	}
	return 0, false
}
