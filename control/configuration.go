package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"fairlead"
	"fairlead/compile"
)

// Config is the configuration as the store keeps it. All writes of it go through here, whatever way they come:
// each reads the last revision, makes the next document of it, has it compiled, and commits it if nothing came
// between; else it begins again.
type Config struct {
	*Options
	// turn makes writers of this process wait for each other, so that they do not all compile what only
	// one can commit. Callers queue for it before, so that what the node itself writes waits for one of them at most.
	queue, turn chan struct{}
	last        lastDocument
}

func newConfig(o *Options) *Config {
	return &Config{Options: o, queue: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

// maxTries bounds how often a write begins again because another control node was faster.
const maxTries = 50

// Written is what a write of the configuration did, or would do.
type Written struct {
	Revision int64                `json:"revision"`                 // in force after the write
	Change   int64                `json:"change,omitempty"`         // that carries it; left out where nothing changed
	Changed  bool                 `json:"changed"`                  // of a dry run: whether it would
	DryRun   bool                 `json:"dry_run,omitempty"`        // nothing was written
	Restores int64                `json:"restores,omitempty"`       // of a rollback: whose document it is
	Ramp     string               `json:"ramp,omitempty"`           // the id of the ramp that began with it
	Trial    string               `json:"trial,omitempty"`          // the id of the trial that began with it
	Beside   string               `json:"beside_trial,omitempty"`   // of a dry run during a trial, its id: diff is from what is in force beside it
	Tried    int64                `json:"tried_revision,omitempty"` // by that trial
	Percent  int                  `json:"percent,omitempty"`        // of a dry run of a trial: on how much it would be tried,
	Hold     fairlead.Duration    `json:"hold,omitempty"`           // how long,
	Guard    string               `json:"guard,omitempty"`          // and as long as what holds
	Ended    []EndedRamp          `json:"ended_ramps,omitempty"`    // ramps that end with it
	Diff     []compile.Difference `json:"diff"`                     // the first 1000
	LeftOut  int                  `json:"diff_left_out,omitempty"`  // of the diff, beyond those
	Findings compile.Findings     `json:"findings"`                 // warnings
	Applied  bool                 `json:"applied"`                  // this node's own edge decides by it
	Behind   []string             `json:"behind,omitempty"`         // live nodes that do not yet, where the caller waited for them
}

// edit is a way of writing the configuration.
type edit struct {
	act    fairlead.Act
	origin fairlead.Origin
	base   int64 // the revision that it is meant for; anyBase = the one in force
	once   bool  // it says something else of another base, so it does not begin again
	dry    bool
	own    bool            // the node's: of its file, or of a course that ends
	level  fairlead.Level  // of who writes a document; "" = what is written says nothing of providers that was not let in before
	trial  bool            // it may be written while a revision is tried
	tries  *fairlead.Trial // what is written is tried beside the document, on these terms; nil = it takes its place
	next   func(ctx context.Context, now *current) (draft, error)
}

const anyBase = -1

// current is what a write begins with.
type current struct {
	fairlead.State
	source Source
	config *fairlead.Config
	known  bool // the config is the document's, and the document is of the store
	// checked is what is said of the config; nil = nobody asked yet.
	checked *compile.Checked
}

// rechecked is what is said of a document that differs in a weight.
func (n *current) rechecked(r compile.Reweighed) *compile.Checked {
	if n.checked == nil {
		return compile.NewChecked(r.Config)
	}
	return n.checked.Reweighed(r.Config, r.Model)
}

// draft is a configuration that is to be.
type draft struct {
	text     []byte           // YAML or JSON
	config   *fairlead.Config // of the text, which is canonical then; nil = it is to be read
	checked  *compile.Checked // what is said of the config; nil = it is to be checked
	patch    []byte           // that makes the text of the document in force; nil = it is to be found
	name     string           // of the text, in findings
	restores int64            // the revision whose document it is
	plain    bool             // no ramp's weight is laid over it
	touched  []string         // endpoints whose weights are set, which ends what is laid over them
	trial    *fairlead.Trial  // what is tried beside it from here on
	ramp     *fairlead.Ramp   // what moves a weight from here on, beginning with the one that is in force
	course   *fairlead.Course // the ramp or the trial that begins or ends with it
}

// ApplyFile makes a revision of a file's text, if it says something else than the one in force. It publishes
// the revision and does not wait for an edge. Text that does not compile is a *fairlead.Error that lists why.
func (s *Config) ApplyFile(ctx context.Context, text []byte, name string) (Written, error) {
	w, change, err := s.write(ctx, edit{
		act:    fairlead.Act{At: s.time(), By: "file", Action: "config.file", Target: name},
		origin: fairlead.OriginFile, base: anyBase, trial: true, own: true,
		next: func(context.Context, *current) (draft, error) {
			return draft{text: text, name: name, plain: true}, nil
		},
	})
	if err == nil && change.Number > 0 && s.Publish != nil {
		s.Publish(change)
	}
	return w, err
}

func (s *Config) time() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// current reads what is in force.
func (s *Config) current(ctx context.Context) (*current, error) {
	state, _, err := s.Store.State(ctx)
	if err != nil {
		return nil, err
	}
	now := &current{State: state, source: SourceStore}
	if state.Revision == 0 {
		now.Document, now.source = []byte(emptyDocument), SourceBuiltin
		if s.Base != nil {
			now.Document, now.source = s.Base()
		}
		if len(now.Document) == 0 {
			now.Document = []byte(emptyDocument)
		}
	}
	if s.File != "" {
		now.source = SourceFile
	}
	if now.config, now.checked, err = s.last.config(now.Document); err != nil {
		// What another version of this program wrote must not keep a good document from being written over it.
		now.config = &fairlead.Config{Version: 1}
	}
	now.known = err == nil && state.Revision > 0
	return now, nil
}

// emptyDocument is what a patch builds on where nothing else is.
const emptyDocument = `{"version":1}`

// write commits an edit, or tells what it would do. The zero Change says that nothing changed.
func (s *Config) write(ctx context.Context, e edit) (Written, fairlead.Change, error) {
	if s.File != "" && e.origin != fairlead.OriginFile && !e.dry {
		return Written{}, fairlead.Change{}, s.fileIsTruth()
	}
	leave, err := s.takeTurn(ctx, e)
	if err != nil {
		return Written{}, fairlead.Change{}, err
	}
	defer leave()
	for try := 1; ; try++ {
		w, change, err := s.try(ctx, e)
		var stale *fairlead.Error
		if !errors.As(err, &stale) || stale.Code != fairlead.CodeStale || e.once || try == maxTries {
			return w, change, err
		}
		if e.base != anyBase && stale.Param != "course" { // of a course only how far it has come is another
			return w, change, err
		}
	}
}

// takeTurn waits until an edit may begin: what only looks may at once.
func (s *Config) takeTurn(ctx context.Context, e edit) (leave func(), err error) {
	var taken []chan struct{}
	leave = func() {
		for _, c := range slices.Backward(taken) {
			<-c
		}
	}
	order := []chan struct{}{s.queue, s.turn}
	switch {
	case e.dry:
		order = nil
	case e.own:
		order = order[1:]
	}
	for _, c := range order {
		select {
		case c <- struct{}{}:
			taken = append(taken, c)
		case <-ctx.Done():
			leave()
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, ctx.Err()
			}
			return nil, &fairlead.Error{
				Code: fairlead.CodeRateLimited, RetryAfter: time.Second,
				Message: "other writes of the configuration took all of the time; nothing was written",
			}
		}
	}
	return leave, nil
}

func (s *Config) try(ctx context.Context, e edit) (w Written, change fairlead.Change, err error) {
	now, err := s.current(ctx)
	if err != nil {
		return w, change, err
	}
	if e.base != anyBase && e.base != now.Revision {
		return w, change, staleError(e.base, now.Revision)
	}
	if now.Trial != nil && !e.trial && !e.dry {
		return w, change, &fairlead.Error{
			Code: fairlead.CodeConflict, Message: "a revision is being tried; until its end only weights can be set",
			Hint: "wait for its end, or end it: fairlead trial promote, fairlead trial drop",
		}
	}
	d, err := e.next(ctx, now)
	if err != nil {
		return w, change, err
	}
	next, found, err := s.compile(ctx, d)
	w = Written{Revision: now.Revision, Findings: append(compile.Findings{}, found...), DryRun: e.dry, Restores: d.restores, Diff: []compile.Difference{}}
	if err != nil {
		return w, change, err
	}
	if !e.own && !reflect.DeepEqual(now.config.Providers, next.config.Providers) {
		if err := s.unfit(next.config); err != nil {
			return w, change, err
		}
	}
	warnings, err := allowed(e, now.config, next.config)
	if err != nil {
		return w, change, err
	}
	w.Findings = append(w.Findings, warnings...)
	weights := laidOver(now, next.config, d)
	w.Diff, w.LeftOut = firstOf(compile.Diff(now.config, next.config))
	w.warn(compile.Risks(now.config, next.config))
	w.Ended = endedRamps(now, next.config, d)
	if now.Trial != nil && e.dry {
		w.Beside, w.Tried = now.Trial.ID, now.Trial.Revision
	}
	if e.tries != nil {
		if d, err = beside(now, next.document, e.tries); err != nil {
			return w, change, err
		}
		next, weights = document{now.Document, now.config, now.checked}, now.Weights
		if t := d.trial; t != nil && e.dry {
			w.Percent, w.Hold, w.Guard = t.Percent, t.Hold, t.Guard
		}
	}
	w.Changed = d.course != nil || !bytes.Equal(now.Document, next.document) || !maps.Equal(weights, now.Weights) || s.begins(now, e) || ends(now, d, e)
	if e.dry || !w.Changed {
		w.Applied = !e.dry
		return w, change, nil
	}
	c := commit(now, next, d, e)
	c.Content.Weights = weights
	r, change, err := s.Store.CommitRevision(ctx, c)
	if err != nil {
		return w, change, err
	}
	s.last.keep(next)
	w.Revision, w.Change = r.Number, change.Number
	w.begun(d.course)
	return w, change, nil
}

// warn adds warnings that are not there yet.
func (w *Written) warn(found compile.Findings) {
	for _, f := range found {
		if !slices.ContainsFunc(w.Findings, func(have compile.Finding) bool { return have.Path == f.Path && have.Message == f.Message }) {
			w.Findings = append(w.Findings, f)
		}
	}
}

// begun tells of the ramp or the trial that began with a write.
func (w *Written) begun(c *fairlead.Course) {
	switch {
	case c == nil || c.Version > 0:
	case c.Kind == fairlead.CourseRamp:
		w.Ramp = c.ID
	default:
		w.Trial = c.ID
	}
}

// begins reports whether a whole document becomes the first revision: from then on the store is the truth,
// even if it says what was in force before.
func (s *Config) begins(now *current, e edit) bool {
	return now.Revision == 0 && (e.origin == fairlead.OriginApply || e.origin == fairlead.OriginFile)
}

// ends reports whether a write takes away what is being tried, though the document stays.
func ends(now *current, d draft, e edit) bool { return e.trial && now.Trial != nil && d.trial == nil }

// commit makes what the store writes.
func commit(now *current, next document, d draft, e edit) fairlead.Commit {
	from := now.Document
	if now.Revision == 0 {
		from = []byte("{}") // what was in force before is not in the store, so the first revision carries all
	}
	patch := d.patch
	if patch == nil || now.Revision == 0 {
		patch = compile.Between(from, next.document)
	}
	return fairlead.Commit{
		Base: now.Revision,
		Content: fairlead.RevisionContent{
			Revision: now.Revision + 1, Origin: e.origin, Why: e.act.Why, Restores: d.restores,
			Patch: patch, Sum: sha256.Sum256(next.document), Trial: d.trial, Ramp: d.ramp,
		},
		Document: next.document,
		Course:   d.course,
		Act:      e.act,
	}
}

// laidOver gives the weights that are laid over the document: those of endpoints that are still there and whose own
// weight nobody wrote, and that with which a ramp begins.
func laidOver(now *current, next *fairlead.Config, d draft) map[string]int {
	kept := stillOver(now, next, d)
	if d.ramp != nil {
		if kept == nil {
			kept = map[string]int{}
		}
		kept[d.ramp.Endpoint] = d.ramp.From
	}
	return kept
}

func stillOver(now *current, next *fairlead.Config, d draft) map[string]int {
	if len(now.Weights) == 0 || d.plain {
		return nil
	}
	before, after := weights(now.config), weights(next)
	kept := maps.Clone(now.Weights)
	maps.DeleteFunc(kept, func(id string, _ int) bool {
		b, was := before[id]
		a, is := after[id]
		return !is || (was && a != b) || slices.Contains(d.touched, id)
	})
	if len(kept) == 0 {
		return nil
	}
	return kept
}
