package sdk_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fairlead/test/harness"
)

// nodeTime bounds the Node suite.
const nodeTime = 90 * time.Second

// TestNode runs the vendors' Node SDKs, which test/node holds. It fails where Node or the SDKs are
// missing: a suite that is skipped proves nothing.
func TestNode(t *testing.T) {
	t.Parallel()
	const missing = "%s is missing: run scripts/install-test-tools, which make test does"
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf(missing, "node")
	}
	dir := filepath.Join(harness.Root(t), "test", "node")
	for _, name := range []string{"openai", "@anthropic-ai/sdk"} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", filepath.FromSlash(name))); err != nil {
			t.Fatalf(missing, "the npm package "+name)
		}
	}
	suites, err := filepath.Glob(filepath.Join(dir, "*.test.mjs"))
	if err != nil || len(suites) == 0 {
		t.Fatalf("no suites in %s: %v", dir, err)
	}
	w := newWorld(t, impatient, breaking)
	ctx, cancel := context.WithTimeout(t.Context(), nodeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, append([]string{"--test", "--test-reporter=tap"}, suites...)...)
	cmd.Dir = dir
	cmd.Env = harness.Environment(t.TempDir(),
		"FAIRLEAD_URL="+w.URL, "FAIRLEAD_KEY="+w.key, "FAKE_OPENAI="+w.urls["openai"], "FAKE_CLAUDE="+w.urls["claude"],
		"FAIRLEAD_HEALTH="+w.ControlURL+"/control/v1/health", "FAIRLEAD_ADMIN_TOKEN="+w.Token)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the Node suite: %v\n%s", err, out)
	}
	if n := w.seen(); n < 50 {
		t.Errorf("the suite made only %d exchanges: did it run?", n)
	}
}
