package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fairlead"
	"fairlead/client"
)

// node is a running fairlead, the same program as this one, with everything on: keys, metrics, cost,
// a log line for each exchange to a file.
type node struct {
	forwarder
	contender
	api *client.Client
}

// The models of a node, by what stands behind them.
const (
	modelPlain      = "bench/plain"
	modelTLS        = "bench/tls"        // over our own HTTP/1.1 client
	modelTLSStd     = "bench/tls-std"    // over the standard library's
	modelTranslated = "bench/translated" // an Anthropic endpoint
)

const nodeConfig = `version: 1
providers:
  plain:
    dialect: openai
    base_url: http://%[1]s/v1
    credentials: [{name: main, value: "${env:BENCH_UPSTREAM_KEY}"}]
  tls:
    dialect: openai
    base_url: https://%[2]s/v1
    credentials: [{name: main, value: "${env:BENCH_UPSTREAM_KEY}"}]
  tls-std:
    dialect: openai
    base_url: https://%[2]s/v1
    credentials: [{name: main, value: "${env:BENCH_UPSTREAM_KEY}"}]
    transport: {ca: %[3]s}
  messages:
    dialect: anthropic
    base_url: http://%[1]s
    credentials: [{name: main, value: "${env:BENCH_UPSTREAM_KEY}"}]
models:
  bench/plain:
    max_output: 4096
    endpoints: [{provider: plain, model: bench-model, price: {input: "0.15", output: "0.60"}}]
  bench/tls:
    endpoints: [{provider: tls, model: bench-model, price: {input: "0.15", output: "0.60"}}]
  bench/tls-std:
    endpoints: [{provider: tls-std, model: bench-model, price: {input: "0.15", output: "0.60"}}]
  bench/translated:
    max_output: 4096
    endpoints: [{provider: messages, model: bench-model, price: {input: "0.15", output: "0.60"}}]
`

// nodeText is a node's configuration: the upstream by each of fairlead's ways to it.
func nodeText(up Addresses, cert string) []byte {
	return fmt.Appendf(nil, nodeConfig, up.Plain, up.TLS, cert)
}

// startNode starts a fairlead of a configuration, with its files in a folder of dir, and makes a key for
// the callers.
func startNode(ctx context.Context, binary, dir string, text []byte, cert string) (*node, error) {
	dir = filepath.Join(dir, "fairlead")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of fairlead: %w", err)
	}
	file := filepath.Join(dir, "fairlead.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, fmt.Errorf("write fairlead's configuration: %w", err)
	}
	token := rand.Text()
	cmd := exec.CommandContext(ctx, binary, "serve", "-o", "json", "-c", file, "--data", filepath.Join(dir, "data"),
		"--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = append(cleanEnvironment(), "FAIRLEAD_ADMIN_TOKEN="+token, "BENCH_UPSTREAM_KEY="+rand.Text(), "SSL_CERT_FILE="+cert)
	var where struct{ Data, Control string }
	p, err := spawnTelling(ctx, "fairlead", dir, cmd, &where)
	if err != nil {
		return nil, err
	}
	n := &node{forwarder: forwarder{process: p}}
	if n.contender, err = n.open(ctx, where.Data, where.Control, token); err != nil {
		p.stop()
		return nil, err
	}
	return n, nil
}

// open makes a key and gives the way through the node.
func (n *node) open(ctx context.Context, data, control, token string) (c contender, err error) {
	at, err := url.Parse(data)
	if err != nil {
		return c, fmt.Errorf("read fairlead's address: %w", err)
	}
	if n.api, err = client.New(control, fairlead.NewSecret(token)); err != nil {
		return c, err
	}
	key, err := n.api.CreateKey(ctx, "bench")
	if err != nil {
		return c, fmt.Errorf("make a key: %w", err)
	}
	if err := n.listening(ctx, at.Host); err != nil {
		return c, err
	}
	return contender{name: "fairlead", addr: at.Host, key: key.Secret, proc: &n.forwarder}, nil
}

// cleanEnvironment is ours without what would change how a fairlead serves.
func cleanEnvironment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FAIRLEAD_") && !strings.HasPrefix(v, "SSL_CERT_") {
			env = append(env, v)
		}
	}
	return env
}

// spawnTelling starts a process whose standard output begins with JSON that tells its addresses.
func spawnTelling(ctx context.Context, name, dir string, cmd *exec.Cmd, into any) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd.Stdout = w
	p, err := spawn(name, dir, cmd)
	_ = w.Close() // the child has its own
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	told := make(chan error, 1)
	go func() {
		out := bufio.NewReader(r)
		told <- json.NewDecoder(out).Decode(into)
		_, _ = io.Copy(io.Discard, out) // to the process's end
		_ = r.Close()
	}()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	select {
	case err = <-told:
		if err == nil {
			return p, nil
		}
		select {
		case <-p.done: // its output ended with it
			err = p.ended()
		case <-ctx.Done():
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.stop()
	return nil, fmt.Errorf("start %s: %w", name, err)
}

// startUpstream starts the upstream as a process of its own. It ends when the pipe to it does.
func startUpstream(ctx context.Context, command []string, dir, cert, key string) (*process, Addresses, error) {
	args := append(append([]string(nil), command[1:]...), cert, key)
	cmd := exec.CommandContext(ctx, command[0], args...)
	var at Addresses
	r, w, err := os.Pipe()
	if err != nil {
		return nil, at, fmt.Errorf("start upstream: %w", err)
	}
	cmd.Stdin = r
	p, err := spawnTelling(ctx, "upstream", dir, cmd, &at)
	_ = r.Close() // the child has its own
	if err != nil {
		return nil, at, errors.Join(err, w.Close())
	}
	go func() {
		<-p.done
		_ = w.Close()
	}()
	return p, at, nil
}
