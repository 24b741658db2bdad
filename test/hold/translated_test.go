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

// TestTranslatedBodiesAreBounded has as many callers as fit into max_bodies send 32 MiB each for a
// provider of another dialect, all of them whole at the same moment: what translation needs beside
// the bodies stays within the 200 MiB.
func TestTranslatedBodiesAreBounded(t *testing.T) {
	sink := serveSink(t)
	n := harness.Start(t, harness.Options{
		Config: strings.Replace(harness.Config(sink, sink), "max_body: 1MiB", "max_body: 32MiB\n  max_bodies: 256MiB", 1),
	})
	_, key := n.Key("large")
	const fit = 7
	start := strings.TrimSuffix(asking("claude/x", ""), `"}]}`)
	body := start + strings.Repeat(`\"quoted\" `, (largeBody-len(start)-4)/11)
	body += strings.Repeat("x", largeBody-len(body)-4)
	var ready, group sync.WaitGroup
	release := make(chan struct{})
	ready.Add(fit)
	for range fit {
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
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Error(err)
				return
			}
			answer, _ := io.ReadAll(resp.Body)
			t.Logf("status %d: %.200s", resp.StatusCode, answer)
		})
	}
	ready.Wait()
	before := memory(t, n.PID, "VmHWM")
	close(release)
	group.Wait()
	hwm := memory(t, n.PID, "VmHWM")
	t.Logf("at most %d MiB of memory, %d MiB before the bodies were whole", hwm/mib, before/mib)
	if hwm > (256+200)*mib {
		t.Errorf("the process had %d MiB, more than max_bodies and 200 MiB", hwm/mib)
	}
	n.Stop()
}
