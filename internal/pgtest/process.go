//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// account is the user that the server runs as: PostgreSQL does not run as root.
type account struct{ uid, gid uint32 }

// ordinary finds who may run the server: this user, or for root one without rights.
func ordinary() (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &account{uint32(uid), uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

func (a *account) own(dir string) error {
	if a == nil {
		return nil
	}
	return os.Chown(dir, int(a.uid), int(a.gid))
}

// attributes make a process run as the account and, where the system can do that, end with this one, however this one ends.
func (a *account) attributes() *syscall.SysProcAttr {
	attr := endWithParent()
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// process is a running server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// spawn starts a command. The system ends it together with the thread that started it, so that thread is kept until then.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is its owner's doing
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// interrupt is a fast shutdown: sessions are cut off, everything is written.
func (p *process) interrupt() error {
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return p.wait(nil)
}

// kill ends the server and all its processes at once, and waits until they are gone: a new one refuses to start beside them.
func (p *process) kill() error {
	children := p.children()
	err := p.cmd.Process.Kill()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended with its parent
	}
	return errors.Join(err, p.wait(children))
}

// children lists the processes of the server's sessions and workers.
func (p *process) children() []int {
	pid := strconv.Itoa(p.pid())
	text, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return nil
	}
	var list []int
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			list = append(list, n)
		}
	}
	return list
}

func (p *process) wait(children []int) error {
	late := time.After(startTime)
	select {
	case <-p.done:
	case <-late:
		return errors.New("PostgreSQL does not end")
	}
	for _, pid := range children {
		for alive(pid) {
			select {
			case <-late:
				return fmt.Errorf("PostgreSQL's process %d does not end", pid)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	return nil
}

// alive reports whether a process runs still. One that has ended may go on having a number, until somebody asks how it ended.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
