package docs_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fairlead/internal/pgtest"
	"fairlead/test/harness"
)

// pageTime bounds the commands of one page.
const pageTime = 100 * time.Second

// database is the PostgreSQL that documents name: a page that does gets an empty one.
const database = "postgres://fairlead@db.internal/fairlead"

// TestPages types every command of README.md, CONTRIBUTING.md and docs.
func TestPages(t *testing.T) {
	root := harness.Root(t)
	var server pgtest.Server
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	found := 0
	for _, path := range pages(t, root) {
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := string(text)
		for _, e := range escaped(blocks(page)) {
			t.Errorf("%s: %s", name, e)
		}
		for _, target := range targets(blocks(page)) {
			if out, err := exec.CommandContext(t.Context(), "make", "-n", "-C", root, target).CombinedOutput(); err != nil {
				t.Errorf("%s: make %s: %v\n%s", name, target, err, out)
			}
		}
		p := &ports{t: t, own: map[string]string{}}
		shell := script(name, page, p)
		if shell == "" {
			continue
		}
		found++
		// What stands below a heading is typed by a reader who has the file of the page's example.
		shell = script(name, withYAMLFirst(page), p)
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			if strings.Contains(shell, database) {
				shell = strings.ReplaceAll(shell, database, server.Database(t))
			}
			if out, err := typed(t, shell, p); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if found < 3 {
		t.Errorf("only %d pages have commands: are they read?", found)
	}
}

// pages lists the documents.
func pages(t *testing.T, root string) []string {
	t.Helper()
	list := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".md") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// typed runs a script in a folder of its own, with fairlead on the path and Node's packages at hand.
func typed(t *testing.T, shell string, p *ports) (output string, err error) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		filepath.Join(bin, "fairlead"):     harness.Binary(t),
		filepath.Join(dir, "node_modules"): filepath.Join(harness.Root(t), "test", "node", "node_modules"),
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), pageTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-s")
	cmd.Stdin = strings.NewReader(shell)
	cmd.Dir = dir
	// The shell ends what it started when it is told to end.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	for _, v := range harness.Environment(dir, "FAIRLEAD_LISTEN=127.0.0.1:"+p.of("8484"), "FAIRLEAD_CONTROL=127.0.0.1:"+p.of("8485")) {
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			v = "PATH=" + bin + string(filepath.ListSeparator) + path
		}
		cmd.Env = append(cmd.Env, v)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestRunner holds that the runner itself sees what goes wrong: a page that lies fails.
func TestRunner(t *testing.T) {
	const ask = ` -H "Authorization: Bearer $KEY" -d '{"model":"fake/echo","messages":[{"role":"user","content":"Hello"}]}'`
	const makeKey = "KEY=$(fairlead key create --name me | sed -n 's/^secret: *//p')\n"
	for _, c := range []struct {
		name, page string
		wrong      bool
		says       string
	}{
		{"a good page", "```sh\nfairlead serve    # a comment\n```\ntext\n```sh\n" + makeKey + "curl http://127.0.0.1:8484/v1/chat/completions" + ask + "\n```\n", false, `"content":"Hello"`},
		{"a server taken for granted", "```sh\nfairlead key list\n```\n", false, "ID"},
		{"a restart", "```sh\nfairlead serve\n```\n```sh\nfairlead serve\n```\n```sh\nfairlead key list\n```\n", false, "draining"},
		{"a fake", "```sh\nfairlead fake\n```\n```sh\nfairlead fake --listen 127.0.0.1:9007\ncurl http://127.0.0.1:9001/fake/log\ncurl http://127.0.0.1:9007/fake/log\n```\n", false, "attempts"},
		{"a file shown later", "```sh\nfairlead check -c fairlead.yaml\n```\n```yaml\nversion: 1\nproviders: {openai: {}}\nmodels: {\"openai/*\": {endpoints: [{provider: openai}]}}\n```\n", false, "ok"},
		{"a command that fails", "```sh\nfairlead key list\nfairlead nonsense\necho reached\n```\n", true, "nonsense"},
		{"an answer that is an error", "```sh\nKEY=wrong\ncurl http://127.0.0.1:8484/v1/chat/completions" + ask + "\n```\n", true, "invalid_key"},
		{"a server that does not start", "```sh\nfairlead serve -c nowhere.yaml\n```\n", true, "it ended"},
		{"a variable that is not set", "```sh\necho \"$KEY\"\n```\n", true, "unbound"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &ports{t: t, own: map[string]string{}}
			out, err := typed(t, script("page", withYAMLFirst(c.page), p), p)
			if (err != nil) != c.wrong || !strings.Contains(out, c.says) || strings.Contains(out, "reached") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for tag, want := range map[string]int{"": 1, "bash": 1, "sh": 0, "text": 0} {
		if got := escaped(blocks(fmt.Sprintf("```%s\nfairlead serve\n```\n", tag))); len(got) != want {
			t.Errorf("a command in a block tagged %q: %v", tag, got)
		}
	}
	if got := targets(blocks("```bash\nmake demo\n```\n")); len(got) != 1 || got[0] != "demo" {
		t.Errorf("make demo is read as %v", got)
	}
}
