package hold_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fairlead/test/harness"
)

// TestMain holds that the tests themselves leave nothing behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

const mib = 1 << 20

// memory reads a field of a process's status file, such as VmRSS or VmHWM (the most that VmRSS ever
// was), in bytes.
func memory(t *testing.T, pid int, field string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	check(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			check(t, err)
			return n << 10
		}
	}
	t.Fatalf("the status of process %d has no %s", pid, field)
	return 0
}

// descriptors counts a process's open files.
func descriptors(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	check(t, err)
	return len(list)
}

// request writes a request's head with a key and, where length is not negative, its body's length.
func request(path, key string, length int64) string {
	head := "POST " + path + " HTTP/1.1\r\nHost: fairlead\r\nX-Api-Key: " + key + "\r\n"
	if length >= 0 {
		head += fmt.Sprintf("Content-Length: %d\r\n", length)
	}
	return head + "\r\n"
}

func address(n *harness.Node) string { return strings.TrimPrefix(n.URL, "http://") }

// exchange sends a whole request on a new connection and reads the whole answer.
func exchange(addr, path, key, body string) (status int, header http.Header, answer string, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, nil, "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, nil, "", err
	}
	if _, err := io.WriteString(c, request(path, key, int64(len(body)))+body); err != nil {
		return 0, nil, "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(b), err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
