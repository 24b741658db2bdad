package harness

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startTime = 30 * time.Second // to readiness
	stopTime  = 45 * time.Second // longer than the 30 s within which a node drains
)

// Options says how a node is started. The zero value is a node without a configuration, which serves
// its built-in fake provider.
type Options struct {
	Config string   // text of a configuration: file mode
	Data   string   // data folder; "" = a new one. A second node on a stopped one's folder is a restart
	Args   []string // further flags of serve
	Env    []string // further variables, NAME=value
	TLS    *tls.Config
}

// Node is a running fairlead.
type Node struct {
	URL        string // of the data plane, without /v1
	ControlURL string
	Token      string // of the control API
	Data       string // the data folder
	ConfigFile string // "" = none
	PID        int

	t      testing.TB
	cmd    *exec.Cmd
	home   string
	client *http.Client
	log    Output
	ended  chan struct{} // closed when the process is gone; then waitErr is set
	failed error
}

// Start runs `fairlead serve` on free loopback ports and gives the node once it is ready. When the test
// ends, a node that still runs is killed, and one of a failed test shows its log. With TLS set, that is
// how the node is spoken to; certificate and key are given to it by Args.
func Start(t testing.TB, o Options) *Node {
	t.Helper()
	n := &Node{t: t, Data: o.Data, home: t.TempDir(), ended: make(chan struct{})}
	if n.Data == "" {
		n.Data = filepath.Join(n.home, "data")
	}
	n.client = &http.Client{Timeout: commandTime, Transport: &http.Transport{TLSClientConfig: o.TLS, DisableKeepAlives: true}}
	args := []string{"serve", "-o", "json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data", n.Data}
	if o.Config != "" {
		n.ConfigFile = filepath.Join(n.home, "fairlead.yaml")
		n.WriteConfig(o.Config)
		args = append(args, "-c", n.ConfigFile)
	}
	n.cmd = exec.Command(Binary(t), append(args, o.Args...)...)
	n.cmd.Dir = n.home
	n.cmd.Env = Environment(n.home, append([]string{credentialVariable + "=" + Credential}, o.Env...)...)
	n.cmd.Stderr = &n.log
	banner := newBanner()
	n.cmd.Stdout = banner
	if err := n.cmd.Start(); err != nil {
		t.Fatalf("start fairlead: %v", err)
	}
	n.PID = n.cmd.Process.Pid
	go func() {
		defer close(n.ended)
		n.failed = n.cmd.Wait()
	}()
	t.Cleanup(n.cleanup)
	n.await(banner)
	return n
}

// await waits for the banner, then for readiness.
func (n *Node) await(b *banner) {
	n.t.Helper()
	select {
	case where := <-b.said:
		n.URL, n.ControlURL = where.Data, where.Control
	case <-n.ended:
		n.t.Fatalf("fairlead ended instead of serving: %v\n%s", n.failed, indent(n.Log()))
	case <-time.After(startTime):
		n.t.Fatalf("fairlead did not say in %s where it serves\n%s", startTime, indent(n.Log()))
	}
	UntilWithin(n.t, startTime, "fairlead is ready", func() bool {
		return strings.HasPrefix(n.get(n.URL+"/readyz", nil), "ok")
	})
	token, err := os.ReadFile(filepath.Join(n.Data, "admin.token"))
	if err != nil {
		n.t.Fatalf("read admin token: %v", err)
	}
	n.Token = strings.TrimSpace(string(token))
}

// get gives a body of status 200; "" for anything else.
func (n *Node) get(url string, header http.Header) string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header = header
	resp, err := n.client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// Log gives all that the node wrote to standard error so far.
func (n *Node) Log() string { return n.log.String() }

// Metrics gives what the node shows to Prometheus now.
func (n *Node) Metrics() string {
	n.t.Helper()
	text := n.get(n.ControlURL+"/metrics", nil)
	if text == "" {
		n.t.Fatal("the node shows no metrics")
	}
	return text
}

// Control gives the answer of a GET to the control API, with the admin token.
func (n *Node) Control(path string) string {
	n.t.Helper()
	return n.get(n.ControlURL+path, http.Header{"Authorization": {"Bearer " + n.Token}})
}

// Forget has the node forget what it holds against endpoints.
func (n *Node) Forget() error {
	req, err := http.NewRequest(http.MethodDelete, n.ControlURL+"/control/v1/health", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+n.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("forget: status %d", resp.StatusCode)
	}
	return nil
}

// WriteConfig replaces the configuration's file in one step, as careful tools do. The node applies it
// a moment later.
func (n *Node) WriteConfig(text string) {
	n.t.Helper()
	fresh := n.ConfigFile + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(fresh, n.ConfigFile); err != nil {
		n.t.Fatal(err)
	}
}

// Key makes a key with the command line; it can be used when this returns.
func (n *Node) Key(name string) (id, secret string) {
	n.t.Helper()
	var k struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(n.CLI("key", "create", "--name", name, "-o", "json")), &k); err != nil || k.Secret == "" {
		n.t.Fatalf("read the created key: %v", err)
	}
	return k.ID, k.Secret
}

// CLI runs a command of fairlead's command line against this node and gives its standard output; the
// test fails where the command does.
func (n *Node) CLI(args ...string) string {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(n.t), args...)
	cmd.Dir = n.home
	cmd.Env = Environment(n.home, "FAIRLEAD_CONTROL="+n.ControlURL, "FAIRLEAD_DATA="+n.Data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("fairlead %s: %v\n%s", strings.Join(args, " "), err, indent(stderr.String()))
	}
	return string(out)
}

// Stop asks the node to end, and fails the test unless it does so in time and with success.
func (n *Node) Stop() {
	n.t.Helper()
	n.Signal(syscall.SIGTERM)
	select {
	case <-n.ended:
	case <-time.After(stopTime):
		n.t.Fatalf("fairlead did not end within %s\n%s", stopTime, indent(n.Log()))
	}
	if n.failed != nil {
		n.t.Fatalf("fairlead ended badly: %v\n%s", n.failed, indent(n.Log()))
	}
}

// Signal sends a signal to the node's process.
func (n *Node) Signal(s os.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.t.Fatalf("signal fairlead: %v", err)
	}
}

// Ended is closed when the process is gone.
func (n *Node) Ended() <-chan struct{} { return n.ended }

func (n *Node) cleanup() {
	_ = n.cmd.Process.Kill() // it may be gone
	<-n.ended
	n.client.CloseIdleConnections()
	if n.t.Failed() {
		n.t.Logf("the node's log:\n%s", indent(tail(n.Log())))
	}
}
