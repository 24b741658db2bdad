package control

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"fairlead"
	"fairlead/compile"
	"fairlead/steer"
)

// rampStatus is a ramp.
type rampStatus struct {
	courseStatus
	Endpoint string            `json:"endpoint"`
	From     int               `json:"from"`
	To       int               `json:"to"`
	Weight   int               `json:"weight"` // that it has reached
	Over     fairlead.Duration `json:"over"`
	Steps    int               `json:"steps"` // taken
	Of       int               `json:"of"`    // steps in all
}

type rampsAnswer struct {
	Data []rampStatus `json:"data"`
}

// rampOf reads how far a ramp has come; false where another version of this program wrote that.
func rampOf(c *fairlead.Course) (r steer.Ramp, ok bool) {
	return r, c.Kind == fairlead.CourseRamp && json.Unmarshal(c.State, &r) == nil
}

func showRamp(c *fairlead.Course) rampStatus {
	r, _ := rampOf(c)
	return rampStatus{
		courseStatus: showCourse(c, r.Guard, &r.Clock, r.Over),
		Endpoint:     c.Endpoint, From: r.From, To: r.To, Weight: reached(c, &r), Over: r.Over, Steps: r.Steps, Of: r.Total(),
	}
}

// reached is the weight at which a ramp is, or was when it ended.
func reached(c *fairlead.Course, r *steer.Ramp) int {
	if c.End == fairlead.EndReverted {
		return r.From
	}
	return r.Weight()
}

// EndedRamp is a ramp that a write ends.
type EndedRamp struct {
	Endpoint string `json:"endpoint"`
	Reached  int    `json:"reached"` // the weight in force until then
	Target   int    `json:"target"`
	Weight   *int   `json:"weight"` // the weight in force from then on; null = the endpoint is there no more
}

// endedRamps tells, by endpoint, of the ramps that are under way and end once a document takes the place of the one in force.
func endedRamps(now *current, next *fairlead.Config, d draft) []EndedRamp {
	if len(now.Weights) == 0 {
		return nil
	}
	kept, before, after := stillOver(now, next, d), weights(now.config), weights(next)
	var list []EndedRamp
	for _, id := range slices.Sorted(maps.Keys(now.Weights)) {
		if _, goesOn := kept[id]; goesOn {
			continue
		}
		ended := EndedRamp{Endpoint: id, Reached: now.Weights[id], Target: before[id]}
		if w, is := after[id]; is {
			if d.ramp != nil && d.ramp.Endpoint == id {
				w = d.ramp.From
			}
			ended.Weight = &w
		}
		list = append(list, ended)
	}
	return list
}

// maxRamps bounds what one node drives at once, and what edges count for it.
const maxRamps = 100

// beginRamp sets a weight as setWeight does, and has a ramp lead to it from the one that is in force.
func beginRamp(now *current, terms fairlead.Ramp) (draft, error) {
	d, err := setWeight(now, terms.Endpoint, terms.To)
	if err != nil {
		return d, err
	}
	if terms.From = now.inForce(terms.Endpoint); terms.From == terms.To {
		return d, nil
	}
	if _, again := now.Weights[terms.Endpoint]; !again && len(now.Weights) >= maxRamps {
		return d, &fairlead.Error{
			Code: fairlead.CodeConflict, Message: number(maxRamps) + " weights are being moved, which is as many as can be at once",
			Hint: "fairlead ramps shows them",
		}
	}
	terms.ID = fairlead.NewID("ramp_")
	r, err := steer.NewRamp(terms)
	if err != nil {
		return d, err
	}
	if err := comparable(now.Document, &r); err != nil {
		return d, err
	}
	state, err := json.Marshal(r)
	d.ramp = &r.Ramp
	d.course = &fairlead.Course{ID: r.ID, Kind: fairlead.CourseRamp, Endpoint: r.Endpoint, State: state}
	return d, err
}

// comparable refuses a guard over an endpoint that has no peers: it would hold for ever.
func comparable(doc []byte, r *steer.Ramp) error {
	peers, err := compile.Peers(doc, r.Endpoint)
	if err != nil || len(peers) > 0 || r.Guard == "" {
		return err
	}
	return &fairlead.Error{
		Code: fairlead.CodeInvalidRequest, Param: "guard", Message: "a guard compares an endpoint with its model's others, and this one is alone",
		Hint: "leave the guard out: an endpoint without others takes all exchanges at any weight",
	}
}

// inForce is the weight by which edges decide.
func (c *current) inForce(endpoint string) int {
	if w, ok := c.Weights[endpoint]; ok {
		return w
	}
	return weights(c.config)[endpoint]
}

func (c *Control) listRamps(a *ask) (any, error) {
	most, err := a.number("limit", 100, pageSize)
	if err != nil {
		return nil, err
	}
	list, err := c.Store.Courses(a.Context(), fairlead.CourseRamp, int(most))
	if err != nil {
		return nil, err
	}
	answer := rampsAnswer{Data: []rampStatus{}}
	for i := range list {
		answer.Data = append(answer.Data, showRamp(&list[i]))
	}
	return answer, nil
}

func (c *Control) getRamp(a *ask) (any, error) {
	course, err := c.ramp(a.Context(), a.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return showRamp(&course), nil
}

func (c *Control) ramp(ctx context.Context, id string) (fairlead.Course, error) {
	course, err := c.Store.Course(ctx, id)
	if err == nil && course.Kind != fairlead.CourseRamp {
		err = &fairlead.Error{Code: fairlead.CodeNotFound, Message: "there is no ramp of this id", Hint: "fairlead ramps lists them"}
	}
	return course, err
}

// stopRamp ends a ramp at the weight that it has reached. One that has ended stays as it is.
func (c *Control) stopRamp(a *ask) (any, error) {
	id := a.PathValue("id")
	course, err := c.ramp(a.Context(), id)
	if err != nil {
		return nil, err
	}
	e := edit{act: a.act(c.Now(), "ramp.held", course.Endpoint), origin: fairlead.OriginRamp, trial: true}
	e.next = func(ctx context.Context, now *current) (draft, error) {
		course, err := c.ramp(ctx, id) // as it is kept by then
		if err != nil {
			return draft{}, err
		}
		return ended(now, endedBy(course, fairlead.EndHeld, e.act))
	}
	return c.writeConfig(a, e)
}

// EndCourse makes the revision with which a ramp or a trial ends, in the version of it that is given, and publishes it. CodeStale
// where that was kept by another since, or a write came between.
func (s *Config) EndCourse(ctx context.Context, c fairlead.Course, act fairlead.Act) (fairlead.Change, error) {
	e := edit{act: act, origin: fairlead.OriginRamp, base: anyBase, once: true, trial: true, own: true}
	if c.Kind == fairlead.CourseTrial {
		e.origin = fairlead.OriginTrial
	}
	e.next = func(_ context.Context, now *current) (draft, error) { return ended(now, c) }
	_, change, err := s.write(ctx, e)
	if err == nil && change.Number > 0 && s.Publish != nil {
		s.Publish(change)
	}
	return change, err
}

// ended makes what is in force once a course has ended as it says, and nothing else where it had ended before.
func ended(now *current, c fairlead.Course) (draft, error) {
	keeping := draft{text: now.Document, trial: now.Trial}
	if c.End == "" {
		return keeping, nil
	}
	if c.Kind == fairlead.CourseTrial {
		d := draft{text: now.Document, course: &c}
		if c.End != fairlead.EndPromoted || now.Trial == nil {
			return d, nil
		}
		var err error
		d.text, err = compile.Merge(now.Document, now.Trial.Patch)
		return d, err
	}
	weight := now.inForce(c.Endpoint)
	if r, ok := rampOf(&c); ok {
		switch c.End {
		case fairlead.EndPromoted:
			weight = r.To
		case fairlead.EndReverted:
			weight = r.From
		}
	}
	d, err := setWeight(now, c.Endpoint, weight)
	d.course = &c
	return d, err
}

// endedBy is a course that somebody ends; one that has ended already is marked so that nothing is written.
func endedBy(c fairlead.Course, end fairlead.CourseEnd, act fairlead.Act) fairlead.Course {
	if !c.Ended.IsZero() {
		c.End = ""
		return c
	}
	c.Ended, c.End, c.Why = act.At, end, "by "+act.By
	if act.Why != "" {
		c.Why += ": " + act.Why
	}
	return c
}
