package hold_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead/test/harness"
)

// TestWholeBodiesAreBounded has as many callers as fit into max_bodies send 32 MiB each, all of them
// whole at the same moment, for a provider of the same dialect and for one of another: what is made of
// the bodies stays within max_bodies and the 200 MiB.
func TestWholeBodiesAreBounded(t *testing.T) {
	sink := serveSink(t)
	n := harness.Start(t, harness.Options{
		Config: strings.Replace(harness.Config(sink, sink), "max_body: 1MiB", "max_body: 32MiB\n  max_bodies: 256MiB", 1),
	})
	_, key := n.Key("large")
	for _, model := range []string{"fast", "claude/x"} {
		for _, status := range sendTogether(t, n, key, model) {
			if status != 200 {
				t.Errorf("%s: status %d", model, status)
			}
		}
		hwm := memory(t, n.PID, "VmHWM")
		t.Logf("%s: at most %d MiB of memory", model, hwm/mib)
		if hwm > (256+200)*mib {
			t.Errorf("%s: the process had %d MiB, more than max_bodies and 200 MiB", model, hwm/mib)
		}
	}
	n.Stop()
}

// sendTogether sends bodies that end at the same moment and gives the statuses of their answers.
func sendTogether(t *testing.T, n *harness.Node, key, model string) [3]int {
	t.Helper()
	start := strings.TrimSuffix(asking(model, ""), `"}]}`)
	body := start + strings.Repeat(`\"quoted\" `, (largeBody-len(start)-4)/11)
	body += strings.Repeat("x", largeBody-len(body)-4)
	var statuses [3]int
	var ready, group sync.WaitGroup
	release := make(chan struct{})
	ready.Add(len(statuses))
	for i := range statuses {
		group.Go(func() {
			c, err := net.Dial("tcp", address(n))
			if err == nil {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				_, err = io.WriteString(c, request("/v1/chat/completions", key, largeBody)+body)
			}
			ready.Done()
			<-release
			if err == nil {
				_, err = io.WriteString(c, `"}]}`)
			}
			var resp *http.Response
			if err == nil {
				resp, err = http.ReadResponse(bufio.NewReader(c), nil)
			}
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			statuses[i] = resp.StatusCode
		})
	}
	ready.Wait()
	close(release)
	group.Wait()
	return statuses
}
