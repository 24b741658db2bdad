package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain makes this test's own binary the program where a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("FAIRLEAD_TEST_AS_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is a running `fairlead serve`.
type process struct {
	cmd     *exec.Cmd
	data    string // URLs of the two planes
	control string
	log     *bufio.Scanner
	stderr  io.Closer // the log's reader
}

func serve(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0],
		append([]string{"serve", "-o", "json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, args...)...)
	cmd.Env = []string{"FAIRLEAD_TEST_AS_PROGRAM=1"}
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var where struct{ Data, Control string }
	check(t, json.NewDecoder(stdout).Decode(&where))
	return &process{cmd, where.Data, where.Control, bufio.NewScanner(stderr), stderr}
}

// TestLogReaderLeaves holds that a program that serves goes on when nobody can read its log any more.
func TestLogReaderLeaves(t *testing.T) {
	p := serve(t, "--data", filepath.Join(t.TempDir(), "data"))
	check(t, p.stderr.Close())
	for range 300 { // each is a line of the log: more than are held
		resp, err := http.Post(p.data+"/v1/messages", "application/json", strings.NewReader("{}"))
		check(t, err)
		check(t, resp.Body.Close())
		if resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	check(t, p.cmd.Process.Signal(syscall.SIGTERM))
	check(t, p.cmd.Wait())
}

// waitLog reads the log up to a line with a text.
func (p *process) waitLog(t *testing.T, text string) {
	t.Helper()
	for p.log.Scan() {
		if strings.Contains(p.log.Text(), text) {
			return
		}
	}
	t.Fatalf("the log ended without %q", text)
}

// end reads the rest of the log, without which the process could wait for a reader, and waits.
func (p *process) end() error {
	for p.log.Scan() {
	}
	return p.cmd.Wait()
}

func TestSignalEndsInOrder(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := serve(t, "--no-auth", "--data", t.TempDir())
		check(t, p.cmd.Process.Signal(s))
		if err := p.end(); err != nil {
			t.Errorf("%v: %v, want an orderly end", s, err)
		}
	}
}

// TestSecondSignalEndsAtOnce holds an exchange open that would take longer than any drain.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := serve(t, "--no-auth", "--data", t.TempDir())
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		resp, err := http.Post(p.data+"/v1/chat/completions", "application/json", strings.NewReader(
			`{"model":"fake/echo:pace=1h,tokens=10","stream":true,"messages":[{"role":"user","content":"hello"}]}`))
		if err != nil {
			t.Error(err)
			return
		}
		// The headers are here, so the exchange is open; its body ends with the program.
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
		}
		_ = resp.Body.Close()
	}()
	p.waitLog(t, "draining")
	check(t, p.cmd.Process.Signal(os.Interrupt))
	err := p.end()
	<-answered
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 128+int(syscall.SIGINT) {
		t.Errorf("ended with %v, want the exit code of the signal", err)
	}
}

// TestKilled holds that what control has answered outlives the process, however it ends: a key works
// and a revoked one stays out.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, "--data", dir)
	good, revoked := p.createKey(t, dir), p.createKey(t, dir)
	p.ask(t, dir, "/control/v1/keys/"+revoked.ID+"/revoke", "", nil)
	check(t, p.cmd.Process.Kill())
	if err := p.end(); err == nil {
		t.Fatal("a killed process ended well")
	}
	p = serve(t, "--data", dir)
	for _, c := range []struct {
		secret string
		want   int
	}{{good.Secret, 200}, {revoked.Secret, 401}, {"sk-fl-unknown", 401}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.data+"/v1/models", nil)
		check(t, err)
		req.Header.Set("Authorization", "Bearer "+c.secret)
		resp, err := http.DefaultClient.Do(req)
		check(t, err)
		check(t, resp.Body.Close())
		if resp.StatusCode != c.want {
			t.Errorf("status %d, want %d", resp.StatusCode, c.want)
		}
	}
	check(t, p.cmd.Process.Signal(os.Interrupt))
	check(t, p.end())
}

type key struct{ ID, Secret string }

func (p *process) createKey(t *testing.T, dir string) (k key) {
	t.Helper()
	p.ask(t, dir, "/control/v1/keys", `{"name":"a"}`, &k)
	return k
}

// ask posts to the control plane with the token of the data folder.
func (p *process) ask(t *testing.T, dir, path, body string, answer any) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, "admin.token"))
	check(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.control+path, strings.NewReader(body))
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s: status %d", path, resp.StatusCode)
	}
	if answer != nil {
		check(t, json.NewDecoder(resp.Body).Decode(answer))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestHangup holds that SIGHUP has the configuration read again and ends nothing.
func TestHangup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fairlead.yaml")
	check(t, os.WriteFile(path, []byte("version: 1\nmodels: {}\n"), 0o600))
	p := serve(t, "--data", t.TempDir(), "-c", path)
	for range 2 {
		check(t, p.cmd.Process.Signal(syscall.SIGHUP))
		p.waitLog(t, "asked to read the configuration again")
	}
	check(t, p.cmd.Process.Signal(os.Interrupt))
	if err := p.end(); err != nil {
		t.Errorf("%v, want an orderly end", err)
	}
}
