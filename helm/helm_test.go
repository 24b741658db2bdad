package helm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
	"fairlead/helm"
	"fairlead/steer"
	"fairlead/store"
	"fairlead/store/sqlite"
)

const (
	good  = "a/m@good" // the endpoint whose weight is moved
	other = "a/m@other"
)

const document = `
version: 1
providers:
  good: {dialect: openai, base_url: "http://127.0.0.1:9/v1"}
  other: {dialect: openai, base_url: "http://127.0.0.1:9/v2"}
models:
  a/m: {endpoints: [{provider: good, weight: 10}, {provider: other}]}
  a/n: {endpoints: [{provider: good}]}
`

// deck is a control plane's store with one node that leads, whose time the test makes.
type deck struct {
	*testing.T
	store  *store.Store
	config *control.Config
	lead   helm.Lead
	now    time.Time
	sent   []fairlead.Change
	told   steer.Watch
}

func newDeck(t *testing.T) *deck {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "fairlead.db"))
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	d := &deck{T: t, store: s, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	d.config = control.New(control.Options{Store: s, Publish: d.publish}).Config()
	d.lead = d.takeOver()
	_, err = d.config.ApplyFile(t.Context(), []byte(document), "a file")
	check(t, err)
	return d
}

func (d *deck) publish(c fairlead.Change) { d.sent = append(d.sent, c) }

// takeOver is another node that begins to lead.
func (d *deck) takeOver() helm.Lead {
	return helm.Leading(helm.Options{
		Node: "one", Store: d.store, End: d.config.EndCourse, Publish: d.publish,
		Tell: func(w steer.Watch) { d.told = w }, Clock: func() time.Time { return d.now },
	})
}

// begin begins a ramp or a trial as the API does.
func (d *deck) ramp(to int, over time.Duration, guard string) string {
	d.Helper()
	st, _, err := d.store.State(d.Context())
	check(d, err)
	r, err := steer.NewRamp(fairlead.Ramp{ID: fairlead.NewID("ramp_"), Endpoint: good, From: 10, To: to, Over: fairlead.Duration(over), Guard: guard})
	check(d, err)
	state, err := json.Marshal(r)
	check(d, err)
	_, _, err = d.store.CommitRevision(d.Context(), fairlead.Commit{
		Base: st.Revision, Document: st.Document, Act: fairlead.Act{By: "admin", Action: "ramp.begin"},
		Content: fairlead.RevisionContent{Origin: fairlead.OriginWeight, Weights: map[string]int{good: 10}, Ramp: &r.Ramp},
		Course:  &fairlead.Course{ID: r.ID, Kind: fairlead.CourseRamp, Endpoint: good, State: state},
	})
	check(d, err)
	return r.ID
}

func (d *deck) trial(hold time.Duration, guard string) string {
	d.Helper()
	st, _, err := d.store.State(d.Context())
	check(d, err)
	terms := &fairlead.Trial{
		ID: fairlead.NewID("trial_"), Revision: st.Revision + 1, Percent: 20, Hold: fairlead.Duration(hold), Guard: guard,
		Patch: []byte(`{"settings":{"attempts":7}}`),
	}
	kept, err := steer.NewTrial(terms)
	check(d, err)
	state, err := json.Marshal(kept)
	check(d, err)
	_, _, err = d.store.CommitRevision(d.Context(), fairlead.Commit{
		Base: st.Revision, Document: st.Document, Act: fairlead.Act{By: "admin", Action: "trial.begin"},
		Content: fairlead.RevisionContent{Origin: fairlead.OriginTrial, Trial: terms},
		Course:  &fairlead.Course{ID: terms.ID, Kind: fairlead.CourseTrial, State: state},
	})
	check(d, err)
	return terms.ID
}

// counted is what edges count in a second: so many exchanges of each side, so many failures of mine, and so many that were kept
// from an endpoint and served elsewhere.
type counted struct{ mine, failed, peers, kept int64 }

// run lets seconds pass, in each of which an edge reports and the node looks.
func (d *deck) run(seconds int, c counted) {
	d.Helper()
	for range seconds {
		d.now = d.now.Add(time.Second)
		mine, rest := steer.Evidence{Ended: c.mine, Failed: c.failed}, steer.Evidence{Ended: c.peers}
		if c.kept > 0 {
			mine.Kept, mine.Places = c.kept, steer.Places{good: {Asked: 1, Kept: c.kept}}
		}
		d.lead.Hear(steer.Report{
			Node: "edge", Endpoints: map[string]steer.Evidence{good: mine, other: rest}, Trial: d.told.Trial, Tried: mine, Rest: rest,
		})
		d.lead.Look(d.Context())
	}
}

// weight is the one in force: laid over the document, or the document's.
func (d *deck) weight() int {
	d.Helper()
	st, _, err := d.store.State(d.Context())
	check(d, err)
	if w, ok := st.Weights[good]; ok {
		return w
	}
	var doc struct {
		Models map[string]struct {
			Endpoints []struct{ Weight int }
		}
	}
	check(d, json.Unmarshal(st.Document, &doc))
	return doc.Models["a/m"].Endpoints[0].Weight
}

// weights lists the weights that steps have told edges, in their order.
func (d *deck) weights() (list []int) {
	d.Helper()
	changes, err := d.store.Changes(d.Context(), 0, 1<<20, 1<<30)
	check(d, err)
	for _, c := range changes {
		if c.Kind == fairlead.ChangeStep {
			var step fairlead.StepContent
			check(d, json.Unmarshal(c.Content, &step))
			list = append(list, step.Weights[good])
		}
	}
	return list
}

// ended wants a course ended in a way, with that in the log and nothing at fault.
func (d *deck) ended(id string, want fairlead.CourseEnd, why string) {
	d.Helper()
	c, err := d.store.Course(d.Context(), id)
	check(d, err)
	if c.End != want || !strings.Contains(c.Why, why) {
		d.Errorf("it ended %q, for %q; want %q for something with %q", c.End, c.Why, want, why)
	}
	v, err := d.store.Verify(d.Context())
	check(d, err)
	if len(v.Faults) > 0 {
		d.Errorf("faults: %q", v.Faults)
	}
	if want == "" {
		return
	}
	st, _, err := d.store.State(d.Context())
	check(d, err)
	r, err := d.store.Revision(d.Context(), st.Revision)
	check(d, err)
	if len(st.Weights) > 0 || st.Trial != nil || r.Why != c.Why || string(r.Origin) != string(c.Kind) || r.By != string(c.Kind) {
		d.Errorf("the end is revision %+v, and laid over it are %v and %v", r, st.Weights, st.Trial)
	}
	if published := d.sent[len(d.sent)-1]; published.Number != r.Change {
		d.Errorf("change %d was published last, want %d", published.Number, r.Change)
	}
}

var (
	healthy = counted{mine: 20, peers: 40}
	failing = counted{mine: 20, failed: 4, peers: 40}
	quiet   = counted{mine: 1, peers: 40}
	silence = counted{}
)

const guard = "error_rate<2%"

func TestRamps(t *testing.T) {
	for _, c := range []struct {
		name   string
		to     int
		guard  string
		count  counted
		rounds int
		end    fairlead.CourseEnd
		why    string
		weight int
	}{
		{"good", 100, guard, healthy, 40, fairlead.EndPromoted, "the weight is 100 after 20s: error_rate 0.00 %", 100},
		{"down", 0, guard, healthy, 40, fairlead.EndPromoted, "the weight is 0", 0},
		{"without a guard", 100, "", silence, 25, fairlead.EndPromoted, "the weight is 100 after 20s", 100},
		{"failing", 100, guard, failing, 10, fairlead.EndReverted, "back to the weight of 10 from 10: error_rate 20.0 %", 10},
		{"a bad one on the way down", 0, guard, counted{mine: 40, failed: 8, peers: 40}, 40, fairlead.EndPromoted, "the weight is 0", 0},
		{"few exchanges", 100, guard, quiet, 30, "", "", 10},
		{"few exchanges for too long", 100, guard, counted{mine: 0, peers: 40}, 70, fairlead.EndHeld, "left at the weight of 10 on the way from 10 to 100: held for 1m", 10},
		{"nothing is heard", 100, guard, silence, 30, "", "", 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDeck(t)
			id := d.ramp(c.to, 20*time.Second, c.guard)
			d.run(c.rounds, c.count)
			d.ended(id, c.end, c.why)
			if got := d.weight(); got != c.weight {
				t.Errorf("the weight is %d, want %d", got, c.weight)
			}
			if steps := d.weights(); !slices.IsSortedFunc(steps, func(a, b int) int { return (a - b) * (c.to - 10) }) || slices.Contains(steps, 10) || len(slices.Compact(steps)) != len(d.weights()) {
				t.Errorf("the steps were %v", steps)
			}
		})
	}
}

// TestRevertAfterSteps holds that an endpoint which begins to fail half way is sent back to where it came from.
func TestRevertAfterSteps(t *testing.T) {
	d := newDeck(t)
	id := d.ramp(100, 20*time.Second, guard)
	d.run(12, healthy)
	if w := d.weight(); w <= 20 || w >= 100 {
		t.Fatalf("half way the weight is %d", w)
	}
	d.run(10, failing)
	d.ended(id, fairlead.EndReverted, "back to the weight of 10 from ")
	if d.weight() != 10 {
		t.Errorf("the weight is %d", d.weight())
	}
}

func TestTrials(t *testing.T) {
	for _, c := range []struct {
		name   string
		guard  string
		count  counted
		rounds int
		end    fairlead.CourseEnd
		why    string
	}{
		{"good", guard, healthy, 30, fairlead.EndPromoted, "it was tried for 20s: error_rate 0.00 %"},
		{"without a guard", "", silence, 25, fairlead.EndPromoted, "it was tried for 20s"},
		{"failing", guard, failing, 10, fairlead.EndDropped, "it broke its guard: error_rate 20.0 %"},
		{"few exchanges", guard, quiet, 30, "", ""},
		{"few exchanges for too long", guard, counted{peers: 40}, 70, fairlead.EndDropped, "it could not be judged: held for 1m"},
		{"hardly asked", guard, counted{mine: 20, peers: 40, kept: 20}, 70, fairlead.EndDropped, good + " was asked by "},
		{"kept away and nothing else", guard, counted{mine: 2, peers: 40, kept: 20}, 20, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDeck(t)
			id := d.trial(20*time.Second, c.guard)
			d.run(1, silence)
			if d.told.Trial != id {
				t.Errorf("edges are told %+v", d.told)
			}
			d.run(c.rounds, c.count)
			d.ended(id, c.end, c.why)
			st, _, err := d.store.State(t.Context())
			check(t, err)
			if got := strings.Contains(string(st.Document), `"attempts":7`); got != (c.end == fairlead.EndPromoted) {
				t.Errorf("the document is %s", st.Document)
			}
		})
	}
}

// TestWatched holds what edges are told to count: the model's endpoints while a ramp goes on, and nothing after.
func TestWatched(t *testing.T) {
	d := newDeck(t)
	d.ramp(20, 5*time.Second, "")
	d.run(1, silence)
	if got := fmt.Sprint(d.told); got != "{["+good+" "+other+"] }" {
		t.Errorf("told %s", got)
	}
	d.run(10, silence)
	if d.told.Endpoints != nil {
		t.Errorf("told %v after the end", d.told)
	}
}

// TestTakenOver holds that another node goes on from the step that was reached, gathers evidence anew before it moves
// anything, and that what the first one decides from then on does nothing.
func TestTakenOver(t *testing.T) {
	d := newDeck(t)
	id := d.ramp(100, 60*time.Second, guard)
	d.run(30, healthy)
	before, weight := d.lead, d.weight()
	if weight <= 10 {
		t.Fatalf("the weight is %d", weight)
	}
	d.lead = d.takeOver()
	d.run(20, counted{mine: 1, peers: 40})
	if d.weight() != weight {
		t.Errorf("without evidence of its own it went from %d to %d", weight, d.weight())
	}
	seen, err := d.store.Course(t.Context(), id)
	check(t, err)
	if seen.Seen.Verdict != "hold" || seen.Seen.Mine == 0 {
		t.Errorf("seen: %+v", seen.Seen)
	}
	steps := len(d.weights())
	d.now = d.now.Add(3 * time.Second)
	before.Look(t.Context()) // reads what the other kept, and begins with what is there
	for range 60 {
		d.run(1, healthy)
		before.Look(t.Context())
	}
	d.run(30, healthy)
	d.ended(id, fairlead.EndPromoted, "")
	all := d.weights()
	if len(slices.Compact(slices.Clone(all))) != len(all) || !slices.IsSorted(all) || len(all) <= steps {
		t.Errorf("the steps were %v", all)
	}
}

// TestDropped holds that a decision which cannot be written is none: the next look makes it anew.
func TestDropped(t *testing.T) {
	d := newDeck(t)
	fails := true
	o := helm.Options{
		Node: "one", Store: refusing{d.store, &fails}, Publish: d.publish, Tell: func(steer.Watch) {}, Clock: func() time.Time { return d.now },
		End: func(ctx context.Context, c fairlead.Course, act fairlead.Act) (fairlead.Change, error) {
			if fails {
				return fairlead.Change{}, fairlead.Errorf(fairlead.CodeControlUnavailable, "away")
			}
			return d.config.EndCourse(ctx, c, act)
		},
	}
	d.lead = helm.Leading(o)
	id := d.ramp(100, 5*time.Second, "")
	d.run(10, silence)
	if d.weight() != 10 || len(d.weights()) > 0 {
		t.Errorf("the weight is %d after %v", d.weight(), d.weights())
	}
	fails = false
	d.run(4, silence)
	fails = true
	d.run(5, silence)
	d.ended(id, "", "")
	fails = false
	d.run(4, silence)
	d.ended(id, fairlead.EndPromoted, "")
	if all := d.weights(); len(slices.Compact(slices.Clone(all))) != 5 || len(all) != 5 {
		t.Errorf("the steps were %v", all)
	}
}

// refusing is a store that takes no steps while it fails.
type refusing struct {
	*store.Store
	fails *bool
}

func (r refusing) StepCourse(ctx context.Context, s fairlead.WeightStep) (fairlead.Change, error) {
	if *r.fails {
		return fairlead.Change{}, fairlead.Errorf(fairlead.CodeControlUnavailable, "away")
	}
	return r.Store.StepCourse(ctx, s)
}

// TestOthersWrite holds what becomes of a ramp when somebody writes: another part of the configuration lets it go on, its
// weight ends it.
func TestOthersWrite(t *testing.T) {
	d := newDeck(t)
	id := d.ramp(100, 20*time.Second, "")
	d.run(5, silence)
	st, _, err := d.store.State(t.Context())
	check(t, err)
	next := []byte(strings.Replace(string(st.Document), `"version":1`, `"settings":{"attempts":4},"version":1`, 1))
	patch := []byte(`{"settings":{"attempts":4}}`)
	_, _, err = d.store.CommitRevision(t.Context(), fairlead.Commit{
		Base: st.Revision, Document: next, Act: fairlead.Act{By: "admin", Action: "config.patch"},
		Content: fairlead.RevisionContent{Origin: fairlead.OriginPatch, Patch: patch, Weights: st.Weights},
	})
	check(t, err)
	weight := d.weight()
	d.run(3, silence)
	if d.weight() <= weight {
		t.Errorf("the ramp stands at %d", d.weight())
	}
	_, err = d.store.CommitStep(t.Context(), st.Revision+1, fairlead.StepContent{Ramp: "x", Weights: map[string]int{good: 11}}, fairlead.Act{By: "x"})
	check(t, err)
	d.run(1, silence)
	d.ended(id, fairlead.EndHeld, "somebody else has moved it")
	if d.weight() != 11 {
		t.Errorf("the weight is %d, want that of somebody else", d.weight())
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
