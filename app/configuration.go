package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fairlead"
	"fairlead/compile"
	"fairlead/control"

	"github.com/fsnotify/fsnotify"
)

const (
	settle = 50 * time.Millisecond // for an editor to finish what it writes
	look   = 2 * time.Second       // at the file, where the system tells of no changes
)

// configuration is where this node's configuration comes from and what of it is in force.
type configuration struct {
	app    *App
	file   string
	source control.Source
	// providers are those that the environment has keys of, in the order of the provider table.
	providers []string
	document  []byte         // what was found at the start
	base      control.Source // where that was

	again chan struct{} // asks to look at the files now; one request is enough

	mu       sync.Mutex
	seen     []byte // the file's text when it was last read
	stamps   stamps // of the files that it refers to, from before they were read
	fault    error  // what is wrong with that text
	revision int64  // of the snapshot in force
	loaded   time.Time
	problem  string // why a later edit was refused
	missing  bool   // the file could not be read at the last look
}

// openFile brings a file into force; here, at the start, one that does not compile is an error.
func (c *configuration) openFile(path string) error {
	c.source = control.SourceFile
	var err error
	if c.file, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("find configuration: %w", err)
	}
	text, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	c.seen = text
	return c.apply(text)
}

// openEnvironment serves the providers whose keys are in the environment; false where there are none.
func (c *configuration) openEnvironment() (bool, error) {
	c.source = control.SourceEnvironment
	cfg, found := compile.FromEnvironment(func(name string) string {
		v, _ := c.app.LookupEnv(name)
		return v
	})
	if len(found) == 0 {
		return false, nil
	}
	c.providers = found
	if err := c.compile(cfg); err != nil {
		return false, fmt.Errorf("serve the providers whose keys are in the environment: %w", err)
	}
	c.app.Log.Info("serving the providers whose keys are in the environment", "providers", found)
	return true, nil
}

// openBuiltin serves the fake provider.
func (c *configuration) openBuiltin(url string) error {
	c.source = control.SourceBuiltin
	return c.compile(compile.Fake(url))
}

func (c *configuration) compile(cfg *fairlead.Config) error {
	c.document, c.base = compile.Document(cfg), c.source
	s, found := compile.Compile(cfg, c.revision+1, compile.Local(c.app.LookupEnv))
	return c.swap(s, found)
}

// apply compiles a file's text and swaps it in; what is in force stays where that fails. Files that
// the text refers to are stamped before they are read, so that no change of them is missed.
func (c *configuration) apply(text []byte) error {
	before, local := stamps{}, compile.Local(c.app.LookupEnv)
	cfg, s, found := compile.Load(text, c.file, c.revision+1, func(r compile.Reference) (fairlead.Secret, error) {
		if r.Kind == "file" {
			before.add(r.Name)
		}
		return local(r)
	})
	if cfg != nil {
		for _, file := range compile.Files(cfg) {
			before.add(file)
		}
	}
	c.stamps = before
	if err := c.swap(s, found); err != nil {
		return err
	}
	c.document, c.base = compile.Document(cfg), c.source
	return nil
}

// swap brings a snapshot into force in one step, once all that can fail has not.
func (c *configuration) swap(s *fairlead.Snapshot, found compile.Findings) error {
	if err := found.Err(); err != nil {
		return err
	}
	if err := c.app.loops(s); err != nil {
		return err
	}
	for _, f := range found {
		c.app.Log.Warn("configuration", "finding", f.String())
	}
	if err := c.app.upstream.Prepare(s); err != nil {
		return fmt.Errorf("prepare providers: %w", err)
	}
	s.At = time.Now()
	c.app.gateway.Swap(s)
	c.revision, c.loaded, c.problem = s.Revision, s.At, ""
	c.app.Log.Info("configuration in force", "revision", s.Revision, "source", string(c.source), "models", compile.Models(s), "endpoints", len(s.Endpoints))
	return nil
}

// watch applies the file whenever it or a file that it refers to changes, until ctx ends. It watches
// the folder, for editors and mounted secrets replace files, and looks at the files now and then, for
// some systems tell nothing, and the files referred to lie in other folders.
func (c *configuration) watch(ctx context.Context) {
	if c.file == "" {
		return
	}
	var events <-chan fsnotify.Event
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		if err := w.Add(filepath.Dir(c.file)); err == nil {
			events = w.Events
		}
	}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	settled := time.NewTimer(0)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			settled.Reset(settle)
		case <-settled.C:
			c.reread()
		case <-ticker.C:
			c.reread()
		case <-c.again:
			c.reread()
		}
	}
}

// reread applies the file if its text is another than the last one read, or if a file that it refers
// to has changed.
func (c *configuration) reread() {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := os.ReadFile(c.file)
	switch {
	case err != nil:
		c.refused(fmt.Errorf("read configuration: %w", err))
	case !bytes.Equal(text, c.seen) || c.stamps.changed():
		c.seen = text
		if c.fault = c.apply(text); c.fault != nil {
			c.refused(c.fault)
		}
	case c.missing && c.fault != nil:
		c.refused(c.fault) // it is there again, as bad as it was
	case c.missing:
		c.problem = "" // it is there again, as it was
	}
	c.missing = err != nil
}

// Reload has the configuration read again, as SIGHUP asks for; it does not wait. A node without a
// file has nothing to read again: the environment of a process does not change.
func (a *App) Reload() {
	a.Log.Info("asked to read the configuration again", "source", string(a.config.source))
	select {
	case a.config.again <- struct{}{}:
	default: // asked for already
	}
}

// refused keeps the running revision and says why, once for each reason.
func (c *configuration) refused(err error) {
	if c.problem == err.Error() {
		return
	}
	c.problem = err.Error()
	c.app.Log.Error("configuration refused; the running revision stays", "revision", c.revision, "error", c.problem)
}

// status is what the control plane shows.
func (a *App) status() control.Status {
	c := a.config
	c.mu.Lock()
	defer c.mu.Unlock()
	return control.Status{
		Config: control.ConfigStatus{
			Revision: c.revision, Loaded: c.loaded, Error: c.problem,
		},
		Endpoints: control.Endpoints(a.gateway.Snapshot()),
	}
}
