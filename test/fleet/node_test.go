//go:build linux

package fleet_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fairlead/client"
	"fairlead/test/harness"
)

// node is one process of the fleet: it can be killed, paused and started again with the same data.
type node struct {
	f    *fleet
	name string
	data string
	url  string // of the data plane; "" = it has none
	at   string // address of the control plane, host:port
	args []string
	env  []string
	join string // the token of an edge that has not joined yet

	// down counts: odd while the node is meant not to serve.
	down atomic.Int64

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
	log   harness.Output
}

// start starts the node with the data that it has, and waits until it answers.
func (n *node) start() {
	n.f.t.Helper()
	n.launch()
	n.ready()
}

// launch starts the process. It ends with this one, however this one ends.
func (n *node) launch() {
	n.f.t.Helper()
	cmd := exec.Command(harness.Binary(n.f.t), n.args...)
	cmd.Dir, cmd.Stderr = n.data, &n.log
	cmd.Env = harness.Environment(n.data, n.env...)
	if n.join != "" {
		cmd.Env = append(cmd.Env, "FAIRLEAD_JOIN="+n.join)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ended := make(chan struct{})
	if err := cmd.Start(); err != nil {
		n.f.t.Fatalf("start %s: %v", n.name, err)
	}
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	n.mu.Lock()
	n.cmd, n.ended = cmd, ended
	n.mu.Unlock()
}

// ready waits until the node answers. From then on it has to serve.
func (n *node) ready() {
	n.f.t.Helper()
	where := n.url + "/readyz"
	if n.url == "" {
		where = "http://" + n.at + "/livez"
	}
	harness.Until(n.f.t, n.name+" answers", func() bool {
		select {
		case <-n.ended:
			n.f.t.Fatalf("%s ended instead of serving", n.name)
		default:
		}
		resp, err := quick.Get(where)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	if n.down.Load()%2 == 1 {
		n.down.Add(1)
	}
}

// quick asks small questions, each on a connection of its own: a node that was killed leaves none behind.
var quick = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// kill ends the process as a crash does.
func (n *node) kill() {
	n.f.t.Helper()
	n.leave()
	n.signal(syscall.SIGKILL)
	<-n.ended
}

// leave says that the node is not meant to serve from here on.
func (n *node) leave() {
	if n.down.Load()%2 == 0 {
		n.down.Add(1)
	}
}

// restart kills the process and starts it again.
func (n *node) restart() {
	n.f.t.Helper()
	n.kill()
	n.start()
}

// pause stops the process where it is, as a machine that hangs does.
func (n *node) pause() {
	n.f.t.Helper()
	n.leave()
	n.signal(syscall.SIGSTOP)
}

// goOn lets a paused process go on.
func (n *node) goOn() {
	n.f.t.Helper()
	n.signal(syscall.SIGCONT)
	n.ready()
}

func (n *node) signal(s os.Signal) {
	n.f.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.f.t.Fatalf("signal %s: %v", n.name, err)
	}
}

// end ends the process at the end of a test.
func (n *node) end() {
	if n.cmd != nil {
		_ = n.cmd.Process.Kill() // it may be gone
		<-n.ended
	}
	if n.f.t.Failed() {
		n.f.t.Logf("log of %s:\n%s", n.name, tail(n.log.String()))
	}
}

func tail(s string) string {
	const most = 6 << 10
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

// up reports whether the node is meant to serve.
func (n *node) up() bool { return n.down.Load()%2 == 0 }

// pid is that of the process that runs now, or ran last.
func (n *node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return 0
	}
	return n.cmd.Process.Pid
}

// api speaks to the control plane of this node.
func (n *node) api() *client.Client {
	n.f.t.Helper()
	c, err := client.New("http://"+n.at, adminToken)
	check(n.f.t, err)
	return c
}

func newNode(f *fleet, name string) *node {
	n := &node{f: f, name: name, data: filepath.Join(f.dir, name), at: free(f)}
	check(f.t, os.MkdirAll(n.data, 0o700))
	n.down.Store(1)
	return n
}

// nextPort is where free looks on: from a place of this process's own, below the ports that systems give by themselves,
// so that none that was found is taken before its node listens.
var nextPort = func() *atomic.Int64 {
	n := &atomic.Int64{}
	n.Store(int64(os.Getpid()) % 1000 * 10)
	return n
}()

// free gives an address on loopback that nothing listens on, each once.
func free(f *fleet) string {
	f.t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+nextPort.Add(1)%12_000))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	f.t.Fatal("no port is free")
	return ""
}
