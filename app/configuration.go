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

// base is what is in force while nobody has written a configuration.
type base struct {
	source control.Source
	config *fairlead.Config
	text   []byte // canonical
	// providers are those that the environment has keys of, in the order of the provider table.
	providers []string
	fake      *builtin
}

func (b *base) document() ([]byte, control.Source) { return b.text, b.source }

func (b *base) close() {
	if b.fake != nil {
		b.fake.stop()
	}
}

// openBase finds what a node of role all serves before the first revision: the providers whose keys are in the
// environment, else the fake provider.
func (a *App) openBase() (err error) {
	if a.Role != fairlead.RoleAll || a.Config != "" {
		return nil
	}
	b := &a.base
	config, found := compile.FromEnvironment(func(name string) string {
		v, _ := a.LookupEnv(name)
		return v
	})
	if b.source, b.config, b.providers = control.SourceEnvironment, config, found; len(found) == 0 {
		b.source = control.SourceBuiltin
		if b.fake, err = startBuiltin(a.Log); err != nil {
			return err
		}
		b.config = compile.Fake(b.fake.url)
	}
	b.text = compile.Document(b.config)
	return nil
}

// openConfig brings the first snapshot into force.
func (a *App) openConfig(ctx context.Context) error {
	if a.Config != "" {
		if err := a.openFile(ctx); err != nil {
			return err
		}
	}
	if !a.hasEdge() {
		return nil
	}
	if a.hasControl() { // its own log is at hand: nothing is served that is known to be old
		if err := a.catchUp(ctx); err != nil {
			return fmt.Errorf("bring this node's replica up to date: %w", err)
		}
	}
	if err := a.edge.Load(ctx); err != nil {
		if a.Config != "" || (a.gateway.Snapshot() == nil && a.hasControl()) {
			return err
		}
		a.Log.Error("the configuration is not in force", "error", err.Error())
	}
	return a.openFirstKey(ctx)
}

// catchUp waits until the replica stands at the end of this node's own log.
func (a *App) catchUp(ctx context.Context) error {
	for {
		at, _, over := a.replica.Now()
		head, err := a.store.Head(ctx)
		if err != nil {
			return err
		}
		if head.Number == 0 && at.Number == 0 {
			return nil // there is nothing to know yet
		}
		if at.Log == head.Log && at.Number >= head.Number {
			if same, err := a.store.HasChange(ctx, at.Number, at.Hash); same || err != nil {
				return err
			}
		}
		select {
		case <-over:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// openFile makes a revision of the file; here, at the start, one that cannot be is an error.
func (a *App) openFile(ctx context.Context) error {
	path, err := filepath.Abs(a.Config)
	if err != nil {
		return fmt.Errorf("find configuration: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	a.file = &watched{app: a, path: path, seen: text, again: make(chan struct{}, 1)}
	_, err = a.api.Config().ApplyFile(ctx, text, path)
	return err
}

// watched is the file of -c.
type watched struct {
	app   *App
	path  string
	again chan struct{} // asks to look now; one request is enough

	mu      sync.Mutex
	seen    []byte // its text when it was last read
	fault   error  // what is wrong with that text
	problem string // why the file is not what is in force
	missing bool   // it could not be read at the last look
}

// watch applies the file whenever it changes, until ctx ends. It watches the folder, for editors and mounts replace
// files, and looks at the file now and then, for some systems tell nothing.
func (w *watched) watch(ctx context.Context) {
	var events <-chan fsnotify.Event
	if n, err := fsnotify.NewWatcher(); err == nil {
		defer n.Close()
		if err := n.Add(filepath.Dir(w.path)); err == nil {
			events = n.Events
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
			w.reread(ctx)
		case <-ticker.C:
			w.reread(ctx)
		case <-w.again:
			w.reread(ctx)
		}
	}
}

// reread applies the file if its text is another than the last one read. A text that could not be stored is tried
// again.
func (w *watched) reread(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, err := os.ReadFile(w.path)
	switch {
	case err != nil:
		w.refused(fmt.Errorf("read configuration: %w", err))
	case !bytes.Equal(text, w.seen):
		_, w.fault = w.app.api.Config().ApplyFile(ctx, text, w.path)
		if ctx.Err() != nil {
			return
		}
		if w.seen = text; w.fault == nil {
			w.problem = ""
			break
		}
		if fairlead.AsError(w.fault).Code == fairlead.CodeControlUnavailable {
			w.seen = nil
		}
		w.refused(w.fault)
	case w.missing && w.fault != nil:
		w.refused(w.fault) // it is there again, as bad as it was
	case w.missing:
		w.problem = "" // it is there again, as it was
	}
	w.missing = err != nil
}

// refused keeps the running revision and says why, once for each reason.
func (w *watched) refused(err error) {
	if w.problem == err.Error() {
		return
	}
	w.problem = err.Error()
	w.app.Log.Error("configuration refused; the running revision stays", "file", w.path, "error", w.problem)
}

func (w *watched) problemNow() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problem
}

// Reload has the configuration's file and what it refers to read again, as SIGHUP asks for; it does not wait. The
// environment of a process does not change.
func (a *App) Reload() {
	a.Log.Info("asked to read the configuration again")
	if a.file != nil {
		select {
		case a.file.again <- struct{}{}:
		default: // asked for already
		}
	}
	if a.edge != nil {
		a.edge.Again()
	}
}

// status is what the control plane shows of this node's data plane.
func (a *App) status() control.Status {
	if a.edge == nil {
		return control.Status{}
	}
	now := a.edge.Status()
	s := control.Status{Config: control.ConfigStatus{Revision: now.Revision, Error: now.ConfigError}}
	if snapshot := a.gateway.Snapshot(); snapshot != nil {
		s.Config.Loaded, s.Endpoints = snapshot.At, control.Endpoints(snapshot)
		control.Held(s.Endpoints, a.upstream.Held(time.Now()))
	}
	if a.file != nil {
		if problem := a.file.problemNow(); problem != "" {
			s.Config.Error = problem
		}
	}
	return s
}
