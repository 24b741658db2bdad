package sock_test

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fairlead/internal/sock"
)

// scenes are tried with either way of holding a connection. want has NET for the network's name.
var scenes = []struct {
	name string
	play func(*play)
	want []string
}{
	{"reads what has come", readsWhatHasCome, []string{`"hel"`, `"lo"`, `"" EOF`, `"" EOF`}},
	{"waits for what comes", waitsForWhatComes, []string{`"late"`}},
	{"writes", writes, []string{"5", "far has hello"}},
	{"nothing to read or write", nothing, []string{
		`""`, "0", `"x"`, `""`, "0 write NET NEAR->FAR: i/o timeout = deadline, timeout",
		`"" read NET NEAR->FAR: use of closed network connection = closed`,
		"0 write NET NEAR->FAR: use of closed network connection = closed",
	}},
	{"larger than a raw call", large, []string{"all came, and came back"}},
	{"closed", closedBefore, []string{
		`"" read NET NEAR->FAR: use of closed network connection = closed`,
		"0 write NET NEAR->FAR: use of closed network connection = closed",
		"again close NET NEAR->FAR: use of closed network connection = closed",
		"far EOF",
	}},
	{"closed while it reads", closedWhileReading, []string{`"" read NET NEAR->FAR: use of closed network connection = closed`}},
	{"closed while it writes", closedWhileWriting, []string{"some write NET NEAR->FAR: use of closed network connection = closed"}},
	{"half closed", halfClosed, []string{"0 write NET NEAR->FAR: write: broken pipe = pipe", `"still"`}},
	{"reset, then read", resetThenRead, []string{
		`"" read NET NEAR->FAR: read: connection reset by peer = reset`, `"" EOF`,
		"0 write NET NEAR->FAR: write: broken pipe = pipe",
	}},
	{"reset, then written", resetThenWritten, []string{
		"0 write NET NEAR->FAR: write: connection reset by peer = reset",
		"0 write NET NEAR->FAR: write: broken pipe = pipe",
	}},
	{"read deadline", readDeadline, []string{
		`"" read NET NEAR->FAR: i/o timeout = deadline, timeout`, `"there"`,
		`"" read NET NEAR->FAR: i/o timeout = deadline, timeout`,
	}},
	{"read deadline set while it waits", readDeadlineComes, []string{`"" read NET NEAR->FAR: i/o timeout = deadline, timeout`}},
	{"read deadline lifted while it waits", readDeadlineGoes, []string{`"late"`}},
	{"write deadline", writeDeadline, []string{
		"0 write NET NEAR->FAR: i/o timeout = deadline, timeout",
		"part write NET NEAR->FAR: i/o timeout = deadline, timeout", "far has what was counted",
	}},
	{"write deadline set while it waits", writeDeadlineComes, []string{
		"some write NET NEAR->FAR: i/o timeout = deadline, timeout", "far has what was counted",
	}},
	{"write deadline lifted while it waits", writeDeadlineGoes, []string{"all", "far has all"}},
	{"two read", twoRead, []string{`"a"`, `"b"`}},
	{"many write", manyWrite, []string{"no message is in another"}},
	{"copied to and from", copied, []string{"5", "5", "far has hello", "world"}},
}

func TestSameAsNet(t *testing.T) {
	for _, s := range scenes {
		for _, kind := range []string{"tcp", "tcp4", "tcp6"} {
			t.Run(s.name+"/"+kind, func(t *testing.T) {
				var types [2][]string
				for i, way := range ways {
					p := begin(t, kind, way.of)
					s.play(p)
					for j := range p.lines {
						p.lines[j] = strings.ReplaceAll(p.lines[j], " "+kind+" ", " NET ")
					}
					if !slices.Equal(p.lines, s.want) {
						t.Errorf("%s gave\n\t%s\nwant\n\t%s", way.name, strings.Join(p.lines, "\n\t"), strings.Join(s.want, "\n\t"))
					}
					types[i] = p.types
				}
				if !slices.Equal(types[0], types[1]) {
					t.Errorf("errors are of %v, want %v", types[1], types[0])
				}
			})
		}
	}
}

func readsWhatHasCome(p *play) {
	p.say("hello")
	check(p.t, p.far.CloseWrite())
	p.read(3)
	for range 3 {
		p.read(100)
	}
}

func waitsForWhatComes(p *play) {
	wait := p.away(network, func() { p.read(100) })
	p.say("late")
	wait()
}

func writes(p *play) {
	p.write("hello")
	p.half()
	p.note("far has "+string(p.rest()), nil)
}

func nothing(p *play) {
	p.say("x")
	p.read(0)
	p.write("")
	p.read(1)
	check(p.t, p.near.SetDeadline(past))
	p.read(0)
	p.write("")
	check(p.t, p.near.Close())
	p.read(0)
	p.write("")
}

func large(p *play) {
	sent := pattern(3 << 20)
	go func() {
		_, _ = io.Copy(p.far, p.far)
		_ = p.far.CloseWrite()
	}()
	go func() {
		_, _ = p.near.Write(sent)
		p.half()
	}()
	back := make([]byte, 0, 4<<20)
	for {
		n, err := p.near.Read(back[len(back):min(cap(back), len(back)+1<<20)])
		back = back[:len(back)+n]
		if err != nil {
			break
		}
	}
	if bytes.Equal(back, sent) {
		p.note("all came, and came back", nil)
	}
}

func twoRead(p *play) {
	first := p.away(network, func() { p.read(1) })
	second := p.away(turn, func() { p.read(1) })
	p.say("ab")
	first()
	second()
	slices.Sort(p.lines)
}

func manyWrite(p *play) {
	p.narrow()
	const writers, messages, size = 4, 20, 20_000
	ended := make(chan struct{}, writers)
	for i := range writers {
		go func() {
			for range messages {
				_, _ = p.near.Write(bytes.Repeat([]byte{byte('a' + i)}, size))
			}
			ended <- struct{}{}
		}()
	}
	message := make([]byte, size)
	for range writers * messages {
		_, err := io.ReadFull(p.far, message)
		check(p.t, err)
		if n := bytes.Count(message, message[:1]); n != size {
			p.t.Fatalf("a message has %d bytes of its own, want %d", n, size)
		}
	}
	for range writers {
		<-ended
	}
	p.note("no message is in another", nil)
}

func copied(p *play) {
	n, err := io.Copy(p.near, strings.NewReader("hello"))
	p.note(string(rune('0'+n)), err)
	p.say("world")
	check(p.t, p.far.CloseWrite())
	var b bytes.Buffer
	n, err = io.Copy(&b, p.near)
	p.note(string(rune('0'+n)), err)
	p.half()
	p.note("far has "+string(p.rest()), nil)
	p.note(b.String(), nil)
}

func TestNew(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	defer a.Close()
	if sock.New(a) != a {
		t.Error("what is no TCP connection is not given back as it is")
	}
	raw := runtime.GOOS == "linux" && runtime.GOARCH != "386" && runtime.GOARCH != "s390x"
	p := begin(t, "tcp", sock.New)
	if _, plain := p.near.(*net.TCPConn); plain == raw {
		t.Errorf("on %s/%s the connection is a %T", runtime.GOOS, runtime.GOARCH, p.near)
	}
}

func TestNoGarbage(t *testing.T) {
	p := begin(t, "tcp", sock.New)
	go func() { _, _ = io.Copy(p.far, p.far) }()
	b := make([]byte, 100)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := p.near.Write(b); err != nil {
			t.Error(err)
		}
		if _, err := p.near.Read(b); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("there and back allocates %v times", n)
	}
}
