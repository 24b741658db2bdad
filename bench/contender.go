package bench

import (
	"fmt"
	"strconv"
	"time"
)

// contender is one way from the callers to the upstream.
type contender struct {
	name string
	addr string
	key  string     // shown as a bearer token by every caller, so that all send the same bytes
	proc *forwarder // nil for the direct way
}

// with gives the way by another key. It does not touch the process, which may just be starting.
func (c *contender) with(key string) contender {
	return contender{name: c.name, addr: c.addr, key: key}
}

// forwarder is a running proxy with all its processes.
type forwarder struct {
	*process
	workers bool // its work is done by processes that it has started
}

// pids lists the processes whose cost is the forwarder's.
func (f *forwarder) pids() ([]int, error) {
	pids := []int{f.pid()}
	if !f.workers {
		return pids, nil
	}
	more, err := children(f.pid())
	return append(pids, more...), err
}

// cpu is the processor time used so far.
func (f *forwarder) cpu() (sum time.Duration, err error) {
	err = f.each(func(pid int) error {
		t, err := cpuTime(pid)
		sum += t
		return err
	})
	return sum, err
}

// resident is the memory in RAM. Pages that nginx's workers share are counted in each of them; they
// do not grow with the streams.
func (f *forwarder) resident() (sum int64, err error) {
	err = f.each(func(pid int) error {
		n, err := resident(pid)
		sum += n
		return err
	})
	return sum, err
}

func (f *forwarder) each(do func(pid int) error) error {
	pids, err := f.pids()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if err := do(pid); err != nil {
			return err
		}
	}
	return nil
}

// cpu is the processor time that the contender has used so far; nothing for the direct way.
func (c *contender) cpu() (time.Duration, error) {
	if c.proc == nil {
		return 0, nil
	}
	return c.proc.cpu()
}

const chatPath = "/v1/chat/completions"

// request is what a caller writes, head and body.
func (c *contender) request(path, body string) []byte {
	return []byte("POST " + path + " HTTP/1.1\r\nHost: " + c.addr + "\r\n" +
		"User-Agent: OpenAI/Go 3.0.0\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
		"Authorization: Bearer " + c.key + "\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// wrap names the contender in an error.
func (c *contender) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", c.name, err)
}
