package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"fairlead/cli"
)

func splitLines(s string) []string { return strings.Split(s, "\n") }

func cutField(line string) (name, value string) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return "", ""
	}
	return fields[0], fields[1]
}

// runIn runs a command inside this process with only the variables given.
func runIn(ctx context.Context, variables map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Run(ctx, args, cli.Env{
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
		Lookup: func(name string) (string, bool) {
			v, ok := variables[name]
			return v, ok
		},
	})
	return code, out.String(), errs.String()
}

func TestCommandLine(t *testing.T) {
	home := map[string]string{"HOME": t.TempDir()}
	with := func(name, value string) map[string]string {
		return map[string]string{"HOME": home["HOME"], name: value}
	}
	for _, c := range []struct {
		name      string
		args      string
		variables map[string]string
		code      int
		want      string // in what is printed
	}{
		{"no command", "", home, 0, "serve"},
		{"help", "--help", home, 0, "check"},
		{"unknown command", "srve", home, 2, `there is no command "srve"; did you mean "serve"?`},
		{"unknown flag", "version --nothing", home, 2, "there is no flag --nothing"},
		{"unknown output", "version -o yaml", home, 2, "text or json"},
		{"argument too many", "version extra", home, 2, "Run 'fairlead version --help'"},
		{"key without command", "key", home, 0, "revoke"},
		{"unknown key command", "key delete", home, 2, `there is no command "delete" of fairlead key`},
		{"no name for the key", "key create", home, 2, `"name" not set`},
		{"no id to revoke", "key revoke", home, 2, "an argument is missing"},
		{"no token", "key list", home, 1, "fairlead serve"},
		{"no home", "key list", nil, 2, "FAIRLEAD_DATA"},
		{"bad control address", "key list --control ftp://x", with("FAIRLEAD_ADMIN_TOKEN", "t"), 2, "http://127.0.0.1:8485"},
		{"another machine without its token", "key list", with("FAIRLEAD_CONTROL", "http://192.0.2.1:8485"), 1, "FAIRLEAD_ADMIN_TOKEN"},
		{"check without file", "check", home, 2, "-c FILE"},
		{"check of no file", "check -c /nowhere/fairlead.yaml", home, 2, "no such file"},

		{"bad level", "serve --log-level loud", home, 2, "loud"},
		{"bad format", "serve --log-format xml", home, 2, "xml"},
		{"certificate without key", "serve --tls-cert x.pem", home, 2, "--tls-key"},
		{"bad switch in a variable", "serve", with("FAIRLEAD_NO_AUTH", "perhaps"), 2, "FAIRLEAD_NO_AUTH"},
		{"bad level in a variable", "serve", with("FAIRLEAD_LOG_LEVEL", "loud"), 2, "loud"},
		{"a node's name is no key's name", "key create", with("FAIRLEAD_NAME", "edge-1"), 2, `"name" not set`},
		{"no configuration file", "serve -c /nowhere/fairlead.yaml --listen 127.0.0.1:0 --control 127.0.0.1:0", home, 1, "no such file"},
		{"no data folder", "serve --data /dev/null/x", home, 1, "data folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runIn(t.Context(), c.variables, "", strings.Fields(c.args)...)
			if printed := stdout + stderr; code != c.code || !strings.Contains(printed, c.want) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, c.code, c.want, printed)
			}
			if (code == 0) != (stderr == "") {
				t.Errorf("exit code %d with this on standard error: %q", code, stderr)
			}
		})
	}
}

func TestErrorAsJSON(t *testing.T) {
	code, stdout, stderr := runIn(t.Context(), map[string]string{"HOME": t.TempDir()}, "", "key", "list", "-o", "json")
	var got struct {
		Error struct{ Message, Hint string }
	}
	if err := json.Unmarshal([]byte(stderr), &got); err != nil || got.Error.Message == "" || got.Error.Hint == "" || stdout != "" || code != 1 {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// TestHelpListsVariables holds that each flag of serve is shown with its variable, and that the
// table for the documentation has the same.
func TestHelpListsVariables(t *testing.T) {
	code, help, _ := runIn(t.Context(), nil, "", "serve", "--help")
	table := cli.FlagsMarkdown()
	for _, want := range []string{"--join string", "--secret-key string", "--database string", "'fairlead nodes add' prints it", "FAIRLEAD_ADMIN_TOKEN"} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %s:\n%s", want, help)
		}
	}
	for _, name := range []string{
		"LISTEN", "CONTROL", "DATA", "CONFIG", "NAME", "REGION", "EGRESS", "NO_AUTH", "LOG_LEVEL", "LOG_FORMAT", "TLS_CERT", "TLS_KEY",
	} {
		flag := "--" + strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		if code != 0 || !strings.Contains(help, "(FAIRLEAD_"+name+")") || !strings.Contains(help, flag) {
			t.Errorf("help lacks %s or FAIRLEAD_%s", flag, name)
		}
		if !strings.Contains(table, "`"+flag+"` | `FAIRLEAD_"+name+"` |") {
			t.Errorf("the table lacks %s:\n%s", flag, table)
		}
	}
}

// TestCheckReadsStandardInput holds that `-` works, that references are resolved by the environment
// given, and that the exit code tells the severity.
func TestCheckReadsStandardInput(t *testing.T) {
	const config = `{version: 1, providers: {openai: {credentials: [{name: main, value: "${env:A_KEY}"}]}},` +
		` models: {openai/x: {aliases: [y, z], endpoints: [{provider: openai}]}}}`
	for _, c := range []struct {
		name      string
		config    string
		variables map[string]string
		code      int
		want      string
		not       string
	}{
		{"good", config, map[string]string{"A_KEY": "sk-very-secret"}, 0, "-: ok: 1 model, 1 endpoint\n", "warning"},
		{"warning", config, nil, 0, "warning: ", "error"},
		{"error", config + "x", nil, 1, "error: ", "ok"},
		{"empty", "", nil, 1, "error: ", "ok"},
		{"too long", strings.Repeat("#", 9<<20), nil, 1, "error: ", "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runIn(t.Context(), c.variables, c.config, "check", "-c", "-")
			if code != c.code || !strings.Contains(stdout, c.want) || strings.Contains(stdout, c.not) || strings.Contains(stdout+stderr, "sk-very-secret") {
				t.Errorf("exit code %d: %.500s%s", code, stdout, stderr)
			}
		})
	}
}

// TestServe starts a node on free ports, makes a key by the command line, sends a chat with it to the
// built-in fake provider, revokes it, and ends the node.
func TestServe(t *testing.T) {
	variables := map[string]string{"HOME": t.TempDir(), "FAIRLEAD_DATA": filepath.Join(t.TempDir(), "data")}
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, strings.Fields("serve -o json --listen 127.0.0.1:0 --control 127.0.0.1:0 --name here --region eu --log-format json"), cli.Env{
			Stdout: w, Stderr: &log,
			Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
		})
		_ = w.Close()
	}()
	var where struct{ Data, Control string }
	if err := json.NewDecoder(r).Decode(&where); err != nil {
		t.Fatalf("%v; exit code %d: %s", err, <-ended, log.String())
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()

	client := map[string]string{"FAIRLEAD_DATA": variables["FAIRLEAD_DATA"], "FAIRLEAD_CONTROL": where.Control}
	code, stdout, stderr := runIn(t.Context(), client, "", "key", "create", "--name", "app", "-o", "json")
	var key struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(stdout), &key); err != nil || code != 0 || key.ID == "" || key.Secret == "" {
		t.Fatalf("key create: exit code %d: %s%s", code, stdout, stderr)
	}
	if status := chat(t, where.Data, key.Secret); status != 200 {
		t.Errorf("a chat with the new key: status %d", status)
	}
	if code, stdout, stderr = runIn(t.Context(), client, "", "key", "revoke", key.ID); code != 0 {
		t.Errorf("key revoke: exit code %d: %s%s", code, stdout, stderr)
	}
	if status := chat(t, where.Data, key.Secret); status != 401 {
		t.Errorf("a chat with the revoked key: status %d", status)
	}

	stop()
	if code := <-ended; code != 0 {
		t.Errorf("serve ended with exit code %d", code)
	}
	if s := log.String(); strings.Contains(s, key.Secret) || !strings.Contains(s, `"node":"here"`) || !strings.Contains(s, `"egress":"eu"`) {
		t.Errorf("the log shows the secret or lacks the node: %s", s)
	}
}

// TestFake starts the fake provider with a credential and asks it with that one and with another.
func TestFake(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, strings.Fields("fake -o json --listen 127.0.0.1:0 --key sk-right"), cli.Env{Stdout: w, Stderr: &errs})
		_ = w.Close()
	}()
	var where struct{ URL string }
	if err := json.NewDecoder(r).Decode(&where); err != nil {
		t.Fatalf("%v; exit code %d: %s", err, <-ended, errs.String())
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	for secret, want := range map[string]int{"sk-right": 200, "sk-wrong": 401} {
		if status := chat(t, where.URL, secret); status != want {
			t.Errorf("%s: status %d, want %d", secret, status, want)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	stop()
	if code := <-ended; code != 0 || errs.String() != "" {
		t.Errorf("ended with exit code %d: %s", code, errs.String())
	}
}

// chat sends a small chat and gives the status of the answer.
func chat(t *testing.T, url, secret string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/chat/completions",
		strings.NewReader(`{"model":"fake/echo","messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	return resp.StatusCode
}

// TestAddressTaken holds that serve says what to do about it.
func TestAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, args := range [][]string{
		{"serve", "--listen", l.Addr().String(), "--control", "127.0.0.1:0"},
		{"serve", "--listen", "127.0.0.1:0", "--control", "http://" + l.Addr().String() + "/"},
	} {
		code, _, stderr := runIn(t.Context(), map[string]string{"HOME": t.TempDir()}, "", args...)
		if code != 1 || !strings.Contains(stderr, "Hint: another program has this address") {
			t.Errorf("%v: exit code %d: %s", args, code, stderr)
		}
	}
}
