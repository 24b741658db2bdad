package app

import (
	"fmt"
	"strings"

	"fairlead/provider"
)

// Banner says what is served where, with a line ready to paste: for a person at a terminal.
func (a *App) Banner() string {
	var b strings.Builder
	all, reached := "", "this address"
	if a.everywhere() {
		all, reached = " (all interfaces)", "this machine by any of its addresses"
	}
	fmt.Fprintf(&b, "fairlead serves on %s%s; control plane on %s\n", a.DataURL(), all, a.ControlURL())
	switch {
	case a.config.file != "":
		fmt.Fprintf(&b, "The file %s is the truth: it is watched and applied when it changes.\n", a.config.file)
	case a.fake != nil:
		b.WriteString("No configuration and no provider key in the environment: serving the built-in fake provider.\n")
	default:
		fmt.Fprintf(&b, "No configuration: serving the providers whose keys are in the environment: %s.\n", strings.Join(a.config.providers, ", "))
	}
	if a.NoAuth {
		fmt.Fprintf(&b, "WARNING: --no-auth: everyone who reaches %s is let in, without a key.\n", reached)
	}
	if a.config.file == "" {
		fmt.Fprintf(&b, "Try it%s:\n\n  %s\n\n", a.blank(), a.example())
	}
	return b.String()
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
	if a.fake != nil {
		return "fake/echo"
	}
	for _, name := range a.config.providers {
		if p, ok := provider.Lookup(name); ok && p.Example != "" {
			return name + "/" + p.Example
		}
	}
	return a.config.providers[0] + "/" + blankModel
}

// blank says what is left to fill in.
func (a *App) blank() string {
	if model := a.exampleModel(); strings.HasSuffix(model, "/"+blankModel) {
		return ", with the name of one of " + strings.TrimSuffix(model, "/"+blankModel) + "'s models in place of " + blankModel
	}
	return ""
}
