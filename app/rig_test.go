package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fairlead/app"
	"fairlead/internal/fakellm"
	"fairlead/test/harness"
)

// node is a whole fairlead in this process.
type node struct {
	t    *testing.T
	app  *app.App
	log  *harness.Output
	stop func() error // ends it in order and gives what Run gave; further calls do nothing
}

// start runs a node on free loopback ports until the test ends. Fields left out of o are set.
func start(t *testing.T, o app.Options) *node {
	t.Helper()
	n := &node{t: t, log: &harness.Output{}}
	o.Listen, o.Control = "127.0.0.1:0", "127.0.0.1:0"
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	if o.LookupEnv == nil {
		o.LookupEnv = func(string) (string, bool) { return "", false }
	}
	o.Log = slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := app.New(t.Context(), o)
	check(t, err)
	n.app = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	n.stop = sync.OnceValue(func() error {
		cancel()
		defer http.DefaultClient.CloseIdleConnections()
		return <-ended
	})
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		if t.Failed() {
			t.Logf("the log:\n%.20000s", n.log)
		}
	})
	return n
}

// key makes a key and gives its secret.
func (n *node) key() string {
	n.t.Helper()
	s, err := n.app.NewKey(n.t.Context(), "test")
	check(n.t, err)
	return s.Reveal()
}

// ask sends a chat to the data plane.
func (n *node) ask(path, key, body string) (*http.Response, string) {
	n.t.Helper()
	return n.send(http.MethodPost, n.app.DataURL()+path, key, body)
}

// control asks the control plane as its admin.
func (n *node) control(method, path, body string) (*http.Response, string) {
	n.t.Helper()
	return n.send(method, n.app.ControlURL()+path, n.app.Token().Reveal(), body)
}

func (n *node) send(method, url, key, body string) (*http.Response, string) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, url, strings.NewReader(body))
	check(n.t, err)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	check(n.t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		got = append(got, " (cut off)"...)
	}
	return resp, string(got)
}

// state is what the control plane says of the configuration.
type state struct {
	Source string
	File   string
	live   // on this node
}

type live struct {
	Revision int64
	Error    string
}

func (n *node) state() (s state) {
	n.t.Helper()
	resp, body := n.control(http.MethodGet, "/control/v1/config", "")
	var got struct {
		Source, File string
		Live         live
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 {
		n.t.Fatalf("status %d, %v: %s", resp.StatusCode, err, body)
	}
	return state{got.Source, got.File, got.Live}
}

// config serves names at a fake provider, each as openai/NAME.
func config(fakeURL string, names ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nproviders:\n  first: {dialect: openai, base_url: \"%s/v1\"}\nmodels:\n", fakeURL)
	for _, name := range names {
		fmt.Fprintf(&b, "  openai/%s: {endpoints: [{provider: first, model: \"%[1]s:echo\"}]}\n", name)
	}
	return b.String()
}

// file writes a configuration into a new folder.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fairlead.yaml")
	check(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func chat(model string, stream bool) string {
	return fmt.Sprintf(`{"model":%q,"stream":%v,"max_tokens":64,"messages":[{"role":"user","content":"hello"}]}`, model, stream)
}

func fake(t *testing.T) (*fakellm.Server, string) {
	t.Helper()
	return fakellm.Start(t, fakellm.Options{})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
