package app

import (
	"context"
	"encoding/json"

	"fairlead/helm"
	"fairlead/steer"
)

// Kinds of words on the bus: what edges have to count, and what they counted.
const (
	watchWord    = "watch"
	evidenceWord = "evidence"
)

// steerCourses drives ramps and trials whenever this control node leads.
func (a *App) steerCourses(ctx context.Context) {
	helm.New(helm.Options{
		Node: a.Name, Store: a.store, End: a.api.Config().EndCourse, Publish: a.bus.Publish,
		Tell: a.tellWatch, Hear: a.hearEvidence, Clock: a.Clock, Log: a.Log,
	}).Run(ctx)
}

func (a *App) tellWatch(w steer.Watch) {
	body, err := json.Marshal(w)
	if err != nil {
		a.Log.Error("cannot tell edges what to count", "error", err.Error())
		return
	}
	a.bus.Tell(watchWord, body)
}

func (a *App) hearEvidence(ctx context.Context, f func(steer.Report)) error {
	return a.bus.Said(ctx, evidenceWord, func(node string, body []byte) {
		var r steer.Report
		if json.Unmarshal(body, &r) != nil {
			return
		}
		r.Node = node
		f(r)
	})
}
