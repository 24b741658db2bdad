package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fairlead/app"
	"fairlead/test/harness"
)

// TestFileIsWatched edits the file in every way that editors and mounts do: each valid edit is applied,
// each bad one keeps the running revision and says why, and a file that is gone changes nothing.
func TestFileIsWatched(t *testing.T) {
	_, url := fake(t)
	path := file(t, config(url, "one"))
	n := start(t, app.Options{Config: path})
	key := n.key()
	serves := func(model string, want int) {
		t.Helper()
		if resp, body := n.ask("/v1/chat/completions", key, chat("openai/"+model, false)); resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d: %s", model, resp.StatusCode, want, body)
		}
	}
	rewrite := func(text string) { check(t, os.WriteFile(path, []byte(text), 0o600)) }
	replace := func(text string) {
		check(t, os.WriteFile(path+".new", []byte(text), 0o600))
		check(t, os.Rename(path+".new", path))
	}
	revision := func(want int64) {
		t.Helper()
		harness.Until(t, "the revision is in force", func() bool { s := n.state(); return s.Revision == want && s.Error == "" })
	}
	refused := func(keeps int64, because string) {
		t.Helper()
		harness.Until(t, "the edit is refused: "+because, func() bool { return strings.Contains(n.state().Error, because) })
		if s := n.state(); s.Revision != keeps || s.Source != "file" || s.File != path {
			t.Errorf("state %+v", s)
		}
	}
	serves("one", 200)

	rewrite(config(url, "two")) // in place
	revision(2)
	serves("two", 200)
	serves("one", 404)

	replace(config(url, "three")) // by a new file, as vim and sed -i do
	revision(3)
	serves("three", 200)

	replace(strings.Replace(config(url, "four"), "endpoints", "endponts", 1))
	refused(3, "endpoints") // the field that was meant
	serves("three", 200)
	serves("four", 404)

	rewrite("")
	refused(3, "version")
	rewrite("version: 1\nmodels: {a: [\n")
	refused(3, ":2:")

	check(t, os.Remove(path))
	refused(3, "no such file")
	serves("three", 200)

	rewrite("version: 1\nmodels: {a: [\n") // the same bad text as before it went away
	refused(3, ":2:")
	check(t, os.Remove(path))
	refused(3, "no such file")

	rewrite(config(url, "three")) // what is running already
	harness.Until(t, "all is well", func() bool { return n.state().Error == "" })
	serves("three", 200)
	at := n.state().Revision

	check(t, os.Chmod(path, 0o000))
	check(t, os.Chmod(path, 0o600))
	rewrite(config(url, "five"))
	revision(at + 1)
	serves("five", 200)
}

// TestMountedFile swaps the file as Kubernetes does for a mounted ConfigMap: it is a link to a file
// below a link to a folder, and that link is replaced.
func TestMountedFile(t *testing.T) {
	_, url := fake(t)
	dir := t.TempDir()
	publish := func(name, text string) {
		check(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		check(t, os.WriteFile(filepath.Join(dir, name, "fairlead.yaml"), []byte(text), 0o600))
		check(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
		check(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	publish("..2026_01_01", config(url, "one"))
	path := filepath.Join(dir, "fairlead.yaml")
	check(t, os.Symlink("..data/fairlead.yaml", path))
	n := start(t, app.Options{Config: path})
	key := n.key()
	publish("..2026_01_02", config(url, "two"))
	check(t, os.RemoveAll(filepath.Join(dir, "..2026_01_01")))
	harness.Until(t, "the mounted configuration is in force", func() bool { return n.state().Revision == 2 })
	if resp, body := n.ask("/v1/chat/completions", key, chat("openai/two", false)); resp.StatusCode != 200 {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

// TestRevisionInFlight holds that a stream under way goes on by the revision that it entered under.
func TestRevisionInFlight(t *testing.T) {
	_, url := fake(t)
	text := strings.Replace(config(url, "one"), "one:echo", "one:tokens=9,pace=50ms", 1)
	path := file(t, text)
	n := start(t, app.Options{Config: path})
	key := n.key()
	type answer struct{ revision, body string }
	answered := make(chan answer)
	go func() {
		resp, body := n.ask("/v1/chat/completions", key, chat("openai/one", true))
		answered <- answer{resp.Header.Get("X-Fairlead-Revision"), body}
	}()
	harness.Until(t, "the stream is under way", func() bool {
		_, metrics := n.control("GET", "/metrics", "")
		return strings.Contains(metrics, "fairlead_in_flight 1")
	})
	check(t, os.WriteFile(path, []byte(config(url, "two")), 0o600))
	harness.Until(t, "the next revision is in force", func() bool { return n.state().Revision == 2 })
	resp, body := n.ask("/v1/chat/completions", key, chat("openai/one", false))
	if resp.StatusCode != 404 || resp.Header.Get("X-Fairlead-Revision") != "2" {
		t.Errorf("the new revision: status %d, %v: %s", resp.StatusCode, resp.Header, body)
	}
	if got := <-answered; got.revision != "1" || !strings.HasSuffix(got.body, "data: [DONE]\n\n") {
		t.Errorf("the stream in flight: revision %s: %s", got.revision, got.body)
	}
}

// TestFileMode holds that the file is the one truth, and that a node does not start on a bad one.
func TestFileMode(t *testing.T) {
	_, url := fake(t)
	path := file(t, config(url, "one"))
	n := start(t, app.Options{Config: path})
	resp, body := n.control("PUT", "/control/v1/config", config(url, "two"))
	if resp.StatusCode != 409 || !strings.Contains(body, path) {
		t.Errorf("a write to the configuration: status %d: %s", resp.StatusCode, body)
	}
	for name, text := range map[string]string{
		"no such provider": strings.Replace(config(url, "one"), "provider: first", "provider: third", 1),
		"not YAML":         "version: [",
		"empty":            "",
	} {
		o := app.Options{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Data: t.TempDir(), Config: file(t, text)}
		if a, err := app.New(t.Context(), o); err == nil || a != nil {
			t.Errorf("%s: a node started: %v", name, err)
		}
	}
}
