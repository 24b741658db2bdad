package control

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
	"fairlead/compile"
)

// EndpointStatus is a live endpoint.
type EndpointStatus struct {
	ID       string           `json:"id"`
	Model    string           `json:"model"`
	Provider string           `json:"provider"`
	Dialect  fairlead.Dialect `json:"dialect"`
	Upstream string           `json:"upstream,omitempty"` // "" under a wildcard
	Region   string           `json:"region,omitempty"`
	// Weight is the one that this node decides by; Configured is the document's, where it is known.
	Weight     int           `json:"weight"`
	Configured *int          `json:"configured_weight,omitempty"`
	Tried      *int          `json:"trial_weight,omitempty"` // that of the revision on trial, where it is another
	Fleet      *FleetHealth  `json:"fleet,omitempty"`        // what all live edges hold against it
	Context    int           `json:"context,omitempty"`      // tokens; left out = unknown
	Price      *PriceStatus  `json:"price"`                  // null = unknown
	Health     *HealthStatus `json:"health,omitempty"`       // left out = nothing is held against it
	Trial      bool          `json:"trial,omitempty"`        // only the revision on trial has it
}

// HealthStatus is what is held against an endpoint on this node.
type HealthStatus struct {
	State  string    `json:"state"` // closed, with a share of its weight; half_open, cooling, open, disabled
	Reason string    `json:"reason,omitempty"`
	Share  int       `json:"share,omitempty"` // per cent of its weight, while closed
	Until  time.Time `json:"until,omitzero"`  // when that may change by itself
}

type endpointsAnswer struct {
	Data []EndpointStatus `json:"data"`
}

// forgottenAnswer says who has forgotten: this node's data plane, and how many live edges were told to.
type forgottenAnswer struct {
	Forgotten bool `json:"forgotten"`
	Edges     int  `json:"edges"`
}

// endpointBody sets a weight, or drains and ends that; one of them. A weight may be moved to over a time, as long as a guard holds.
type endpointBody struct {
	Weight *int               `json:"weight,omitempty"`
	Drain  *bool              `json:"drain,omitempty"`
	Ramp   *fairlead.Duration `json:"ramp,omitempty"`
	Guard  string             `json:"guard,omitempty"`
}

func (b *endpointBody) check() error {
	text := ""
	switch {
	case (b.Weight == nil) == (b.Drain == nil):
		text = "the body has either a weight, or drain: true or false"
	case b.Ramp != nil && b.Weight == nil:
		text = "a ramp leads to a weight"
	case b.Guard != "" && b.Ramp == nil:
		text = "a guard watches over a ramp: say how long it takes, such as \"ramp\": \"10m\""
	default:
		return nil
	}
	return fairlead.Errorf(fairlead.CodeInvalidRequest, text)
}

// Endpoints shows every endpoint of a snapshot, and then those that only the one on trial beside it has.
func Endpoints(s *fairlead.Snapshot) []EndpointStatus {
	list := showEndpoints(s.Endpoints)
	if s.Trial == nil {
		return list
	}
	return withTrial(list, showEndpoints(s.Trial.Snapshot.Endpoints))
}

// withTrial adds the endpoints of a trial that the document beside it lacks.
func withTrial(list, tried []EndpointStatus) []EndpointStatus {
	has := make(map[string]bool, len(list))
	for i := range list {
		has[list[i].ID] = true
	}
	for _, e := range tried {
		if !has[e.ID] {
			e.Trial = true
			list = append(list, e)
		}
	}
	return list
}

func showEndpoints(endpoints []*fairlead.Endpoint) []EndpointStatus {
	list := make([]EndpointStatus, 0, len(endpoints))
	for _, e := range endpoints {
		show := EndpointStatus{
			ID: e.ID, Model: e.Model.Name, Provider: e.Provider.Name, Dialect: e.Provider.Dialect,
			Upstream: e.Upstream, Region: e.Region, Weight: e.Weight, Context: e.Context,
			Price: showPrice(e.Price),
		}
		list = append(list, show)
	}
	return list
}

// listEndpoints shows this node's endpoints beside what the document, or the one on trial, says of them.
func (c *Control) listEndpoints(a *ask) (any, error) {
	now, err := c.config.current(a.Context())
	if err != nil {
		return nil, err
	}
	if now.Trial != nil {
		return c.whole(a, func() (any, error) { return showStated(now, c.Status().Endpoints) })
	}
	list := c.Status().Endpoints
	if list == nil {
		return c.whole(a, func() (any, error) { return showStated(now, nil) })
	}
	return showStated(now, list)
}

// showStated shows endpoints of a data plane beside what is stated of them; nil = there is none, and those of the document are shown.
func showStated(now *current, list []EndpointStatus) (any, error) {
	var tried map[string]int
	var trial *fairlead.Config
	var err error
	if now.Trial != nil {
		if trial, err = now.tried(); err != nil {
			return nil, err
		}
		tried = weights(trial)
	}
	if list == nil {
		if list, err = compiled(now, trial); err != nil {
			return nil, err
		}
	}
	untried := weights(now.config)
	answer := endpointsAnswer{Data: append([]EndpointStatus{}, list...)}
	for i := range answer.Data {
		e := &answer.Data[i]
		of := untried
		if e.Trial {
			of = tried
		}
		if w, ok := of[e.ID]; ok {
			e.Configured = &w
		}
		if w, ok := tried[e.ID]; ok && !e.Trial && w != e.Weight {
			e.Tried = &w
		}
	}
	return answer, nil
}

// compiled shows the endpoints of a document, and those that only the one on trial has; trial nil = there is none.
func compiled(now *current, trial *fairlead.Config) ([]EndpointStatus, error) {
	s, found := compile.Compile(now.config, now.Revision, nil)
	if err := found.Err(); err != nil {
		return nil, err
	}
	list := Endpoints(s)
	for i := range list {
		if w, ok := now.Weights[list[i].ID]; ok {
			list[i].Weight = w
		}
	}
	if trial == nil {
		return list, nil
	}
	s, found = compile.Compile(trial, now.Trial.Revision, nil)
	if err := found.Err(); err != nil {
		return nil, err
	}
	return withTrial(list, Endpoints(s)), nil
}

// patchEndpoint sets the weight of one endpoint in whatever document is in force by then.
func (c *Control) patchEndpoint(a *ask) (any, error) {
	id := a.PathValue("id")
	var body endpointBody
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	if err := body.check(); err != nil {
		return nil, err
	}
	e := edit{act: a.act(c.Now(), "endpoint.weight", shortened(id)), origin: fairlead.OriginWeight, trial: true}
	switch {
	case body.Ramp != nil:
		e.act.Action = "ramp.begin"
	case body.Weight != nil:
	case *body.Drain:
		e.act.Action = "endpoint.drain"
	default:
		e.act.Action = "endpoint.undrain"
	}
	e.next = func(ctx context.Context, now *current) (draft, error) {
		if now.builtin() {
			return draft{}, errBuiltin()
		}
		weight, err := c.config.weightAsked(ctx, now, id, body)
		if err != nil {
			return draft{}, err
		}
		if body.Ramp != nil {
			return beginRamp(now, fairlead.Ramp{Endpoint: id, To: weight, Over: *body.Ramp, Guard: body.Guard})
		}
		return setWeight(now, id, weight)
	}
	return c.writeConfig(a, e)
}

// weightAsked says which weight a body asks for.
func (s *Config) weightAsked(ctx context.Context, now *current, id string, body endpointBody) (int, error) {
	if body.Weight != nil {
		return *body.Weight, nil
	}
	stated, known := weights(now.config)[id]
	switch {
	case *body.Drain, !known: // setting it says that it is not known, and what is near
		return 0, nil
	case stated > 0:
		return stated, nil
	}
	return s.weightBefore(ctx, now.Revision, id)
}

// setWeight sets a weight in the document and in what is tried beside it.
func setWeight(now *current, id string, weight int) (draft, error) {
	d := draft{touched: []string{id}, trial: now.Trial}
	var err error
	if now.known {
		var r compile.Reweighed
		if r, err = compile.Reweigh(now.Document, now.config, id, weight); err == nil {
			d.text, d.config, d.patch = r.Document, r.Config, r.Patch
			d.checked = now.rechecked(r)
		}
	} else {
		d.text, err = compile.SetWeight(now.Document, id, weight)
	}
	if err != nil || now.Trial == nil {
		return d, err
	}
	tried, err := compile.Merge(now.Document, now.Trial.Patch)
	if err != nil {
		return d, err
	}
	if next, err := compile.SetWeight(tried, id, weight); err == nil { // an endpoint that the trial lacks stays so
		tried = next
	}
	t := *now.Trial
	t.Patch, err = compile.Patch(d.text, tried)
	d.trial = &t
	return d, err
}

// maxHistory bounds how many revisions are looked through for a weight.
const maxHistory = 1000

// weightBefore finds the weight that a drained endpoint had last. A revision's patch carries the endpoints of
// every model in which it changed anything, and the first revision carries all.
func (s *Config) weightBefore(ctx context.Context, n int64, id string) (int, error) {
	for range min(n, maxHistory) {
		r, err := s.Store.Revision(ctx, n)
		if err != nil {
			return 0, err
		}
		change, err := s.Store.Change(ctx, r.Change)
		if err != nil {
			return 0, err
		}
		var content struct {
			Patch struct {
				Models map[string]jsontext.Value `json:"models"`
			} `json:"patch"`
			Weights map[string]int `json:"weights"`
		}
		if err := json.Unmarshal(change.Content, &content); err != nil {
			return 0, err
		}
		w := patchedWeight(content.Patch.Models, id)
		if _, ok := content.Weights[id]; ok { // then the document has what a ramp was to reach
			if w, err = s.weightReached(ctx, n, id); err != nil {
				return 0, err
			}
		}
		if w > 0 {
			return w, nil
		}
		n--
	}
	return defaultWeight, nil
}

// weightReached gives the weight that the ramp had reached which moved an endpoint's in a revision; 0 = none is known.
func (s *Config) weightReached(ctx context.Context, n int64, id string) (int, error) {
	list, err := s.Store.Courses(ctx, fairlead.CourseRamp, maxHistory)
	if err != nil {
		return 0, err
	}
	for i := range list {
		if r, ok := rampOf(&list[i]); ok && list[i].Endpoint == id && list[i].Revision <= n {
			return r.Weight(), nil
		}
	}
	return 0, nil
}

// defaultWeight is that of an endpoint of which none is stated.
const defaultWeight = 100

func patchedWeight(models map[string]jsontext.Value, id string) int {
	for name, patch := range models {
		var m struct {
			Endpoints []fairlead.EndpointConfig `json:"endpoints"`
		}
		if patch.Kind() != '{' || json.Unmarshal(patch, &m) != nil {
			continue
		}
		for _, e := range m.Endpoints {
			if endpointID(name, e) == id {
				return weightOf(e)
			}
		}
	}
	return 0
}

// endpointID is author/name@provider, or author/name@provider~NAME.
func endpointID(model string, c fairlead.EndpointConfig) string {
	id := model + "@" + c.Provider
	if c.Name != "" {
		id += "~" + c.Name
	}
	return id
}

func weightOf(c fairlead.EndpointConfig) int {
	if c.Weight == nil {
		return defaultWeight
	}
	return *c.Weight
}

// forgetHealth drops everything that is held against endpoints, on this node and on all edges that hear it: open breakers,
// cooldowns, credentials that were refused, what was learned of their speed.
func (c *Control) forgetHealth(a *ask) (any, error) {
	if err := c.Store.Note(a.Context(), a.act(c.Now(), "health.forget", "")); err != nil {
		return nil, err
	}
	answer := forgottenAnswer{Forgotten: c.Forget != nil}
	if c.Forget != nil {
		c.Forget()
	}
	if c.TellForget != nil {
		c.TellForget()
		answer.Edges = len(c.Fleet.edges())
	}
	return answer, nil
}
