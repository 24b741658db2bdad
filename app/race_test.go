package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead/app"
	"fairlead/test/harness"
)

// TestEverythingAtOnce changes the configuration, makes and revokes keys, and reads metrics under
// traffic: no exchange of a good key fails, and a key is refused from the moment on that its
// revocation is answered.
func TestEverythingAtOnce(t *testing.T) {
	_, url := fake(t)
	path := file(t, config(url, "one", "x0"))
	n := start(t, app.Options{Config: path})
	key := n.key()
	var asked atomic.Int64
	done := make(chan struct{})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for running(done) {
				status, err := n.quietly(key, i%2 == 0)
				if err != nil || status != 200 {
					t.Errorf("status %d, %v", status, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	group.Go(func() {
		for running(done) {
			for _, path := range []string{"/metrics", "/control/v1/endpoints", "/control/v1/keys"} {
				if err := n.look(path); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for i := 1; i <= 20 && !t.Failed(); i++ {
		check(t, os.WriteFile(path+".new", []byte(config(url, "one", fmt.Sprintf("x%d", i))), 0o600))
		check(t, os.Rename(path+".new", path))
		n.revokeOne()
		before := asked.Load()
		harness.Until(t, "the edit is in force and traffic goes on", func() bool {
			return n.state().Revision == int64(i+1) && asked.Load() > before || t.Failed()
		})
	}
	close(done)
	group.Wait()
}

func running(done <-chan struct{}) bool {
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// revokeOne makes a key, uses it, revokes it, and holds that it is refused from then on.
func (n *node) revokeOne() {
	n.t.Helper()
	_, body := n.control("POST", "/control/v1/keys", `{"name":"short-lived"}`)
	var k struct{ ID, Secret string }
	check(n.t, json.Unmarshal([]byte(body), &k))
	if status, err := n.quietly(k.Secret, false); err != nil || status != 200 {
		n.t.Errorf("a fresh key: status %d, %v", status, err)
	}
	if resp, body := n.control("POST", "/control/v1/keys/"+k.ID+"/revoke", ""); resp.StatusCode/100 != 2 {
		n.t.Errorf("revoke: status %d: %s", resp.StatusCode, body)
	}
	for range 5 {
		if status, err := n.quietly(k.Secret, false); err != nil || status != 401 {
			n.t.Errorf("a revoked key: status %d, %v", status, err)
		}
	}
}

// quietly asks without touching the test, so that any goroutine may.
func (n *node) quietly(key string, stream bool) (status int, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, n.app.DataURL()+"/v1/chat/completions", strings.NewReader(chat("openai/one", stream)))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// look reads from the control plane without touching the test.
func (n *node) look(path string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, n.app.ControlURL()+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+n.app.Token().Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d, %w", path, resp.StatusCode, err)
	}
	return nil
}

// TestDrain holds that a node that is told to end lets streams in flight end, and then is gone.
func TestDrain(t *testing.T) {
	_, url := fake(t)
	n := start(t, app.Options{Config: file(t, strings.Replace(config(url, "one"), "one:echo", "one:tokens=10,pace=20ms", 1))})
	key := n.key()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.app.DataURL()+"/v1/chat/completions", strings.NewReader(chat("openai/one", true)))
	check(t, err)
	req.Header.Set("X-Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer resp.Body.Close()
	ended := make(chan error, 1)
	go func() { ended <- n.stop() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
		t.Errorf("the stream in flight: %v: %.300s", err, body)
	}
	check(t, <-ended)
	for _, url := range []string{n.app.DataURL(), n.app.ControlURL()} {
		if resp, err := http.Get(url + "/livez"); err == nil {
			resp.Body.Close()
			t.Errorf("%s is still served", url)
		}
	}
}
