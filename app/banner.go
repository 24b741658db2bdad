package app

import (
	"fmt"
	"strings"

	"fairlead"
	"fairlead/provider"
)

// Banner says what is served where, with a line ready to paste: for a person at a terminal.
func (a *App) Banner() string {
	var b strings.Builder
	a.whereServed(&b)
	paste := false
	switch revision := a.revision(); {
	case a.file != nil:
		fmt.Fprintf(&b, "The file %s is the truth: it is watched and applied when it changes.\n", a.file.path)
	case a.Role == fairlead.RoleEdge:
		fmt.Fprintf(&b, "This edge is %s; its control nodes are the truth, and it serves revision %d.\n", a.Name, revision)
	case a.Role == fairlead.RoleControl:
		fmt.Fprintf(&b, "The store is the truth: 'fairlead apply -f FILE' writes the configuration, and edges join by 'fairlead nodes add NAME'.\n")
	case revision > 0:
		fmt.Fprintf(&b, "The store is the truth: revision %d is served, and 'fairlead apply -f FILE' writes the next one.\n", revision)
	case a.base.fake != nil:
		paste = true
		b.WriteString("No configuration and no provider key in the environment: serving the built-in fake provider.\n")
	default:
		paste = true
		fmt.Fprintf(&b, "No configuration: serving the providers whose keys are in the environment: %s.\n", strings.Join(a.base.providers, ", "))
	}
	if a.NoAuth && a.hasEdge() {
		reached := "this address"
		if a.everywhere() {
			reached = "this machine by any of its addresses"
		}
		fmt.Fprintf(&b, "WARNING: --no-auth: everyone who reaches %s is let in, without a key.\n", reached)
	}
	if paste {
		fmt.Fprintf(&b, "Try it%s:\n\n  %s\n\n", a.blank(), a.example())
	}
	return b.String()
}

func (a *App) whereServed(b *strings.Builder) {
	if !a.hasEdge() {
		fmt.Fprintf(b, "fairlead's control plane is on %s\n", a.ControlURL())
		return
	}
	all := ""
	if a.everywhere() {
		all = " (all interfaces)"
	}
	plane := "control plane"
	if !a.hasControl() {
		plane = "metrics"
	}
	fmt.Fprintf(b, "fairlead serves on %s%s; %s on %s\n", a.DataURL(), all, plane, a.ControlURL())
}

// revision is the one in force; 0 = none is that somebody wrote.
func (a *App) revision() int64 {
	if a.gateway == nil || a.gateway.Snapshot() == nil {
		return 0
	}
	return a.gateway.Snapshot().Revision
}

// blankModel stands in the line to paste where no model is sure to be served.
const blankModel = "MODEL"

// example is a request that works as it stands, with the key of a start without configuration.
func (a *App) example() string {
	key := ""
	if a.first.Set() {
		key = " -H 'Authorization: Bearer " + a.first.Reveal() + "'"
	}
	return fmt.Sprintf(`curl %s/v1/chat/completions%s -d '{"model":"%s","messages":[{"role":"user","content":"Hello"}]}'`, a.DataURL(), key, a.exampleModel())
}

// exampleModel is a model of the first provider that has one known to be there.
func (a *App) exampleModel() string {
	if a.base.fake != nil {
		return "fake/echo"
	}
	for _, name := range a.base.providers {
		if p, ok := provider.Lookup(name); ok && p.Example != "" {
			return name + "/" + p.Example
		}
	}
	return a.base.providers[0] + "/" + blankModel
}

// blank says what is left to fill in.
func (a *App) blank() string {
	if model := a.exampleModel(); strings.HasSuffix(model, "/"+blankModel) {
		return ", with the name of one of " + strings.TrimSuffix(model, "/"+blankModel) + "'s models in place of " + blankModel
	}
	return ""
}
