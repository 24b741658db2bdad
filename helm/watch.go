package helm

import (
	"context"
	"slices"
	"sync"
	"time"

	"fairlead"
	"fairlead/steer"
)

// watch is one time of leading: what is under way, with the evidence of it.
type watch struct {
	*Helm
	at    fairlead.Position // of state
	state fairlead.State
	peers func(document []byte, endpoint string) ([]string, error)

	mu     sync.Mutex // of tracks, which reports are added to
	tracks map[string]*track
}

// track is a course that is followed.
type track struct {
	course fairlead.Course // as it was kept last
	follow follower        // nil = what was kept of it cannot be read
	window *steer.Window
	peers  []string  // of a ramp's endpoint
	at     int64     // the revision that they are of
	kept   time.Time // by the clock
	astray bool      // what is in force is no step of it
	fault  string    // that the log has
}

// follower is a ramp or a trial as far as both are followed in the same way.
type follower interface {
	sides(r *steer.Report, peers []string) (mine, rest steer.Evidence)
	judge(now time.Time, w *steer.Window) steer.Ruling
	next(now time.Time, on steer.Ruling) (follower, steer.Move)
	// inForce gives the follower as it stands by what is in force; false where nothing of it is.
	inForce(s *fairlead.State) (follower, bool)
	stage() int
	takes() time.Duration
	// said puts a move into words, for the audit.
	said(m steer.Move) string
}

// hear adds what an edge has counted to all that is under way.
func (w *watch) hear(r steer.Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Clock()
	for _, t := range w.tracks {
		if t.follow == nil {
			continue
		}
		mine, rest := t.follow.sides(&r, t.peers)
		t.window.Add(now, mine, rest)
	}
}

// look looks at everything once. What fails is tried at the next look.
func (w *watch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	open, err := w.Store.OpenCourses(ctx)
	if err == nil && len(open) > 0 {
		err = w.read(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			w.Log.Warn("ramps and trials stand still", "error", err.Error())
		}
		return
	}
	w.follow(open)
	w.Tell(w.list())
	for i := range open {
		if ctx.Err() != nil {
			return
		}
		w.decide(ctx, &open[i])
	}
}

// read brings the state up to date; most looks find it so.
func (w *watch) read(ctx context.Context) error {
	head, err := w.Store.Head(ctx)
	if err != nil || head == w.at {
		return err
	}
	w.state, w.at, err = w.Store.State(ctx)
	return err
}

// follow follows all that is under way, and nothing else. What somebody else has kept since is taken from there. Reports wait only
// while the outcome is put in place: none of this but windows is of both.
func (w *watch) follow(open []fairlead.Course) {
	now := w.Clock()
	tracks := make(map[string]*track, len(open))
	for i := range open {
		c := &open[i]
		tracks[c.ID] = w.track(c, w.tracks[c.ID], now)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range tracks {
		if t.follow != nil {
			t.window.Stage(now, t.follow.stage())
		}
	}
	w.tracks = tracks
}

// track gives how a course is followed from now on, by how it was; nil = it was not.
func (w *watch) track(c *fairlead.Course, before *track, now time.Time) *track {
	t := &track{kept: now}
	if before != nil {
		*t = *before
	}
	if t.follow == nil || t.course.Version != c.Version {
		f, err := decode(c)
		if err != nil {
			if t.follow = nil; t.fault != err.Error() {
				t.fault = err.Error()
				w.Log.Error("a ramp or trial cannot be read: another version of fairlead has kept it", "id", c.ID, "error", t.fault)
			}
			return t
		}
		t.course, t.follow = *c, f
	}
	var ok bool
	t.follow, ok = t.follow.inForce(&w.state)
	if t.astray = !ok; t.window == nil {
		t.window = steer.NewWindow(now, t.follow.takes(), t.follow.stage())
	}
	// Its peers follow from the document alone, which few looks find changed, and take a walk through all of it.
	if c.Kind == fairlead.CourseRamp && (before == nil || before.follow == nil || t.at != w.state.Revision) {
		t.peers, _ = w.peers(w.state.Document, c.Endpoint) // none where the endpoint is not in the document any more
		t.at = w.state.Revision
	}
	return t
}

// list is what edges have to count.
func (w *watch) list() (list steer.Watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, t := range w.tracks {
		if t.follow == nil {
			continue
		}
		if t.course.Kind == fairlead.CourseTrial {
			list.Trial = id
			continue
		}
		list.Endpoints = append(append(list.Endpoints, t.course.Endpoint), t.peers...)
	}
	slices.Sort(list.Endpoints)
	list.Endpoints = slices.Compact(list.Endpoints)
	return list
}
