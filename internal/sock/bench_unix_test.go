//go:build unix

package sock_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echoBy has the test's program be BenchmarkPingPong's far process. It names the way in which connections are held.
const echoBy = "SOCK_ECHO_BY"

func TestMain(m *testing.M) {
	if name := os.Getenv(echoBy); name != "" {
		for _, way := range ways {
			if way.name == name {
				echo(way.of)
			}
		}
		return
	}
	os.Exit(m.Run())
}

// BenchmarkPingPong sends 1 KiB to another process and back over 64 connections: as fast as it goes, and 20 each
// millisecond, so that threads go to sleep between. What it measures beside time is of that process alone: the processor
// time that it takes, how often a thread of it waited, and how often one was interrupted.
func BenchmarkPingPong(b *testing.B) {
	for _, pace := range []struct {
		name string
		each int // in a millisecond; 0 = no bound
	}{{"full", 0}, {"paced", 20}} {
		for _, way := range ways {
			b.Run(pace.name+"/"+way.name, func(b *testing.B) { pingPong(b, way.name, pace.each) })
		}
	}
}

func pingPong(b *testing.B, way string, each int) {
	const connections = 64
	addr, end := farProcess(b, way)
	turns := make(chan struct{}, connections)
	ended := make(chan error)
	for range connections {
		c, err := net.Dial("tcp", addr)
		check(b, err)
		go func() { ended <- ask(c, turns) }()
	}
	b.ReportAllocs()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for i := range b.N {
		if each > 0 && i%each == 0 {
			<-tick.C
		}
		turns <- struct{}{}
	}
	close(turns)
	for range connections {
		check(b, <-ended)
	}
	b.StopTimer()
	used, n := end(), float64(b.N)
	b.ReportMetric(float64(used.Utime.Nano()+used.Stime.Nano())/n, "far-cpu-ns/op")
	b.ReportMetric(float64(used.Nvcsw)/n, "far-waits/op")
	b.ReportMetric(float64(used.Nivcsw)/n, "far-interrupts/op")
}

// farProcess starts one; end ends it and tells what it has used.
func farProcess(b *testing.B, way string) (addr string, end func() *syscall.Rusage) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), echoBy+"="+way)
	in, err := cmd.StdinPipe()
	check(b, err)
	out, err := cmd.StdoutPipe()
	check(b, err)
	check(b, cmd.Start())
	addr, err = bufio.NewReader(out).ReadString('\n')
	check(b, err)
	return strings.TrimSpace(addr), func() *syscall.Rusage {
		check(b, in.Close())
		check(b, cmd.Wait())
		return cmd.ProcessState.SysUsage().(*syscall.Rusage)
	}
}

func ask(c net.Conn, turns <-chan struct{}) error {
	defer c.Close()
	b := make([]byte, 1024)
	for range turns {
		if _, err := c.Write(b); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
	}
	return nil
}

// echo answers with what it gets until standard input ends.
func echo(way func(net.Conn) net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	_, _ = io.WriteString(os.Stdout, l.Addr().String()+"\n")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go echoOn(way(c))
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func echoOn(c net.Conn) {
	defer c.Close()
	b := make([]byte, 1024)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}
