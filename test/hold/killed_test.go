package hold_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fairlead/test/harness"
)

// TestKilledWhileKeysAreMade kills the process in the middle of the creation and revocation of keys,
// again and again: after each restart every key that was shown works, every one whose revocation was
// answered is refused, and the key list has them all once.
func TestKilledWhileKeysAreMade(t *testing.T) {
	data := t.TempDir()
	var b book
	for round := range 5 {
		n := harness.Start(t, harness.Options{Data: data})
		b.hold(t, n)
		b.kill(t, n, 20+10*round)
	}
	n := harness.Start(t, harness.Options{Data: data})
	b.hold(t, n)
	if len(b.good) < 100 || len(b.revoked) < 20 {
		t.Errorf("%d keys were made and %d revoked", len(b.good), len(b.revoked))
	}
	n.Stop()
}

// book is what was answered.
type book struct {
	mu            sync.Mutex
	good, revoked map[string]string // secret by id
	unsure        map[string]bool   // ids whose revocation was asked for and not answered
}

// kill makes and revokes keys from several callers and kills the process when so many were made.
func (b *book) kill(t *testing.T, n *harness.Node, after int) {
	t.Helper()
	if b.good == nil {
		b.good, b.revoked, b.unsure = map[string]string{}, map[string]string{}, map[string]bool{}
	}
	var made atomic.Int64
	var group sync.WaitGroup
	for caller := range 6 {
		group.Go(func() {
			for i := 0; ; i++ {
				var k struct{ ID, Secret string }
				if err := control(n, "/control/v1/keys", fmt.Sprintf(`{"name":"k%d"}`, caller), &k); err != nil {
					return // the process is gone
				}
				b.made(k.ID, k.Secret)
				made.Add(1)
				if i%4 != 3 {
					continue
				}
				b.revoking(k.ID)
				if control(n, "/control/v1/keys/"+k.ID+"/revoke", "", nil) != nil {
					return
				}
				b.gone(k.ID, k.Secret)
			}
		})
	}
	harness.Until(t, "keys are made", func() bool { return made.Load() >= int64(after) })
	n.Signal(os.Kill)
	<-n.Ended()
	group.Wait()
}

func (b *book) made(id, secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.good[id] = secret
}

func (b *book) revoking(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unsure[id] = true
}

func (b *book) gone(id, secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revoked[id] = secret
}

// hold holds that a node keeps what was answered.
func (b *book) hold(t *testing.T, n *harness.Node) {
	t.Helper()
	listed := map[string]int{}
	for after := ""; ; {
		var page struct {
			Data []struct{ ID string }
			Next string
		}
		if err := json.Unmarshal([]byte(n.Control("/control/v1/keys?after="+after)), &page); err != nil {
			t.Fatalf("list keys: %v", err)
		}
		for _, k := range page.Data {
			listed[k.ID]++
		}
		if after = page.Next; after == "" {
			break
		}
	}
	for id, secret := range b.good {
		status := models(t, n, secret)
		_, gone := b.revoked[id]
		switch {
		case listed[id] != 1:
			t.Errorf("a key is listed %d times", listed[id])
		case gone && status != 401, !gone && !b.unsure[id] && status != 200:
			t.Errorf("a key that is revoked=%v has status %d", gone, status)
		}
	}
}

// models asks for the list of models, which wants a key.
func models(t *testing.T, n *harness.Node, key string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.URL+"/v1/models", nil)
	check(t, err)
	req.Header.Set("X-Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(t, err)
	check(t, resp.Body.Close())
	return resp.StatusCode
}

// control posts to the control plane; an error means that nothing was answered.
func control(n *harness.Node, path, body string, into any) error {
	req, err := http.NewRequest(http.MethodPost, n.ControlURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+n.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}
