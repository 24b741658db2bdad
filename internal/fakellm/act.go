package fakellm

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// dripPause is the pause between the bytes of a slow head where the behaviour has no pace.
const dripPause = 50 * time.Millisecond

// act does to the connection what no answer can do.
func (p *player) act() {
	sc := p.script
	if err := p.wait(sc.steps[0].wait); err != nil {
		p.note.left(sc, 0)
		return
	}
	switch sc.act {
	case actHang:
		<-p.r.Context().Done()
		p.note.left(sc, 0)
	case actRefuse:
		p.note.done(sc, 0)
		_ = p.hijack().Close()
	case actReset:
		p.note.done(sc, 0)
		p.reset()
	case actSlowHeaders:
		p.slowHead()
	case actHugeHeaders:
		p.hugeHead()
	}
}

// hijack takes the connection from net/http. Where that cannot be, as in HTTP/2, the stream is
// aborted instead, which is the nearest that the protocol has.
func (p *player) hijack() net.Conn {
	c, _, err := p.ctl.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return c
}

// reset ends the connection with RST.
func (p *player) reset() { abort(p.hijack()) }

// abort closes a connection with RST, also below TLS, where a close would say goodbye first.
func abort(c net.Conn) {
	for {
		switch inner := c.(type) {
		case *conn:
			c = inner.Conn
			continue
		case interface{ NetConn() net.Conn }:
			c = inner.NetConn()
			continue
		case *net.TCPConn:
			_ = inner.SetLinger(0)
		}
		break
	}
	_ = c.Close()
}

// slowHead sends status line and headers a byte at a time, then the healthy answer.
func (p *player) slowHead() {
	sc := p.script
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
		sc.status, http.StatusText(sc.status), sc.kind[0], sc.size())
	pause := dripPause
	if sc.closing.pace > 0 {
		pause = sc.closing.pace
	}
	c := p.hijack()
	defer c.Close()
	for i := range head.Len() {
		if p.sleep(p.r.Context(), pause) != nil {
			p.note.left(sc, 0)
			return
		}
		if _, err := c.Write([]byte{head.String()[i]}); err != nil {
			p.note.left(sc, 0)
			return
		}
	}
	p.note.done(sc, 0)
	for _, st := range sc.steps {
		_, _ = c.Write(st.data)
	}
}

// hugeHead sends headers until the client leaves or the bound is reached.
func (p *player) hugeHead() {
	c := p.hijack()
	defer c.Close()
	line := bytes.Repeat([]byte{'x'}, 1000)
	_, err := c.Write([]byte("HTTP/1.1 200 OK\r\n"))
	for sent := int64(0); err == nil && sent < p.script.bytes && p.r.Context().Err() == nil; sent += int64(len(line)) {
		_, err = c.Write([]byte("X-Fake-" + strconv.FormatInt(sent, 10) + ": " + string(line) + "\r\n"))
	}
	if err != nil {
		p.note.left(p.script, 0)
		return
	}
	_, _ = c.Write([]byte("Content-Length: 0\r\n\r\n"))
	p.note.done(p.script, 0)
}
