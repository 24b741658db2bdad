// Package harness starts the real program for tests: it builds cmd/fairlead once, runs it as a child
// process in front of fake providers, and ends it. What is tested through it is what users run.
package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

const (
	buildTime   = 5 * time.Minute  // for the toolchain, with an empty cache
	commandTime = 30 * time.Second // for a command that ends by itself
)

// binaryVariable names a fairlead that is built already.
const binaryVariable = "FAIRLEAD_BINARY"

// build is memoised for the process: every test of a package runs the same program.
var build = sync.OnceValues(buildBinary)

// Binary gives the path of the fairlead under test: that of FAIRLEAD_BINARY, else one built from this
// tree.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Root gives the folder of the module.
func Root(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// buildBinary builds into bin/test, which is not committed. Test packages run as processes at the same
// time, so that a lock keeps one from starting what another is about to replace; where nothing changed
// the toolchain leaves the file as it is.
func buildBinary() (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return filepath.Abs(path)
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "bin", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make folder of the binary: %w", err)
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, "lock")).Lock()
	if err != nil {
		return "", fmt.Errorf("lock the binary: %w", err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	path := filepath.Join(dir, "fairlead")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/fairlead")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build fairlead: %w\n%s", err, out)
	}
	return path, nil
}

// moduleRoot is the nearest folder above the working one that holds a go.mod: go test runs a package's
// tests in its own folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find module: no go.mod above the working folder")
		}
		dir = up
	}
}

// Environment is what child processes get of this one's: none of fairlead's variables and none of the
// vendors', so that a developer's own keys change no test and reach no process.
func Environment(home string, more ...string) []string {
	env := []string{"HOME=" + home, "XDG_DATA_HOME=" + filepath.Join(home, "share"), "LC_ALL=C"}
	for _, name := range []string{"PATH", "TMPDIR", "GOCOVERDIR", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, more...)
}

// Until asks a question every few milliseconds until the answer is yes, and fails the test where it is
// still no after a bound that only a defect reaches.
func Until(t testing.TB, what string, yes func() bool) {
	t.Helper()
	UntilWithin(t, 20*time.Second, what, yes)
}

// UntilWithin is Until with a bound of its own.
func UntilWithin(t testing.TB, bound time.Duration, what string, yes func() bool) {
	t.Helper()
	end := time.NewTimer(bound)
	defer end.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-end.C:
			t.Fatalf("still not so after %s: %s", bound, what)
		case <-tick.C:
		}
	}
}

// indent sets a child's output apart in a test's own.
func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}
