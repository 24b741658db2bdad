package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Facts say on what a report was made.
type Facts struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"` // of fairlead's source; "unknown" where nothing tells
	Changed bool      `json:"changed,omitempty"`
	Cores   int       `json:"cores"`
	CPU     string    `json:"cpu,omitempty"`
	Kernel  string    `json:"kernel"`
	Go      string    `json:"go"`
	Nginx   string    `json:"nginx,omitempty"`
	Load    string    `json:"load,omitempty"` // the machine's load averages at the start
	Quick   bool      `json:"quick,omitempty"`
	Took    string    `json:"took"`
}

func (r *run) facts(ctx context.Context) Facts {
	f := Facts{
		Date: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Kernel: kernel(),
		Go: runtime.Version(), CPU: processor(), Quick: r.Quick,
	}
	f.Commit, f.Changed = commit(ctx)
	if path, err := findNginx(); err == nil {
		f.Nginx = nginxVersion(ctx, path)
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		f.Load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	return f
}

// commit is the source that this program was built from; a program built without that knowledge asks
// git about the folder it runs in.
func commit(ctx context.Context) (revision string, changed bool) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.modified":
				changed = s.Value == "true"
			}
		}
	}
	if revision != "" {
		return revision, changed
	}
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil {
		return "unknown", false
	}
	status, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output()
	return strings.TrimSpace(string(out)), err != nil || len(status) > 0
}

// processor names the machine's processor.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// Text is the facts, a line each.
func (f *Facts) Text() string {
	changed := ""
	if f.Changed {
		changed = " with changes"
	}
	kind := ""
	if f.Quick {
		kind = "\na quick run: for a look, not for a verdict"
	}
	engine := f.Nginx
	if engine == "" {
		engine = "no nginx"
	}
	return fmt.Sprintf("%s, commit %s%s, took %s\n%d cores of %s, %s, load %s\n%s, %s%s\n",
		f.Date.Format("2006-01-02 15:04 MST"), f.Commit, changed, f.Took, f.Cores, f.CPU, f.Kernel, dash(f.Load), f.Go, engine, kind)
}
