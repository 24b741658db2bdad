package sock_test

import (
	"bytes"
	"errors"
	"os"
	"time"
)

var (
	past   = time.Unix(1, 0)
	future = time.Now().Add(time.Hour)
)

func closedBefore(p *play) {
	check(p.t, p.near.Close())
	p.read(10)
	p.write("x")
	p.note("again", p.near.Close())
	_, err := p.far.Read(make([]byte, 1))
	p.note("far", err)
}

func closedWhileReading(p *play) {
	wait := p.away(network, func() { p.read(10) })
	check(p.t, p.near.Close())
	wait()
}

// pour writes until it fails, and gives what was taken.
func pour(p *play) (taken []byte, err error) {
	piece := pattern(16_000)
	for {
		n, err := p.near.Write(piece)
		taken = append(taken, piece[:n]...)
		if err != nil {
			return taken, err
		}
	}
}

func closedWhileWriting(p *play) {
	p.narrow()
	wait := p.away(network, func() {
		_, err := pour(p)
		p.note("some", err)
	})
	check(p.t, p.near.Close())
	wait()
}

func halfClosed(p *play) {
	p.half()
	p.write("x")
	p.say("still")
	p.read(10)
}

func reset(p *play) {
	check(p.t, p.far.SetLinger(0))
	check(p.t, p.far.Close())
}

func resetThenRead(p *play) {
	reset(p)
	p.read(10)
	p.read(10)
	p.write("x")
}

func resetThenWritten(p *play) {
	reset(p)
	for range 2 {
		n, err := 0, error(nil)
		for err == nil { // the reset may be under way
			n, err = p.near.Write([]byte("x"))
		}
		p.note(string(rune('0'+n)), err)
	}
}

func readDeadline(p *play) {
	p.say("there")
	check(p.t, p.near.SetReadDeadline(past))
	p.read(10) // though there is something
	check(p.t, p.near.SetReadDeadline(time.Time{}))
	p.read(10)
	check(p.t, p.near.SetReadDeadline(time.Now().Add(time.Millisecond)))
	p.read(10)
}

func readDeadlineComes(p *play) {
	check(p.t, p.near.SetReadDeadline(future))
	wait := p.away(network, func() { p.read(10) })
	check(p.t, p.near.SetReadDeadline(past))
	wait()
}

func readDeadlineGoes(p *play) {
	check(p.t, p.near.SetReadDeadline(future))
	wait := p.away(network, func() { p.read(10) })
	check(p.t, p.near.SetReadDeadline(time.Time{}))
	p.say("late")
	wait()
}

// writeDeadline lets deadlines pass until one finds a piece taken in part.
func writeDeadline(p *play) {
	p.narrow()
	check(p.t, p.near.SetWriteDeadline(past))
	p.write("x")
	var sent, got []byte
	piece := pattern(64 << 10)
	for {
		check(p.t, p.near.SetWriteDeadline(time.Now().Add(time.Millisecond)))
		n, err := p.near.Write(piece)
		sent = append(sent, piece[:n]...)
		if 0 < n && n < len(piece) {
			p.note("part", err)
			break
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			p.t.Fatal(err)
		}
		b := make([]byte, 30_000) // makes room, another part of a piece each time
		for err != nil && len(got) < len(sent) {
			n, err := p.far.Read(b)
			check(p.t, err)
			got = append(got, b[:n]...)
		}
	}
	p.half()
	if got = append(got, p.rest()...); bytes.Equal(got, sent) {
		p.note("far has what was counted", nil)
	}
}

func writeDeadlineComes(p *play) {
	p.narrow()
	check(p.t, p.near.SetWriteDeadline(future))
	var sent []byte
	wait := p.away(network, func() {
		var err error
		sent, err = pour(p)
		p.note("some", err)
	})
	check(p.t, p.near.SetWriteDeadline(past))
	wait()
	p.half()
	if bytes.Equal(p.rest(), sent) {
		p.note("far has what was counted", nil)
	}
}

func writeDeadlineGoes(p *play) {
	p.narrow()
	sent := pattern(4 << 20)
	check(p.t, p.near.SetWriteDeadline(future))
	wait := p.away(network, func() {
		for at := 0; at < len(sent); at += 32 << 10 {
			if _, err := p.near.Write(sent[at : at+32<<10]); err != nil {
				p.note("some", err)
				break
			}
		}
		p.note("all", nil)
		p.half()
	})
	check(p.t, p.near.SetWriteDeadline(time.Time{}))
	got := p.rest()
	wait()
	if bytes.Equal(got, sent) {
		p.note("far has all", nil)
	}
}
