package compile

import (
	"maps"

	"fairlead"
)

// Checked is what Check says of a Config, with what it says of each model apart, so that little has to be said again of one
// that differs in a weight: BenchmarkChecked. It is never changed.
type Checked struct{ i Incremental }

// NewChecked checks all of a Config.
func NewChecked(c *fairlead.Config) *Checked {
	k := &Checked{Incremental{c: c}}
	k.i.apart()
	return k
}

// Reweighed is NewChecked for a Config that differs in the weights of one model alone.
func (k *Checked) Reweighed(c *fairlead.Config, model string) *Checked {
	if k.i.models == nil {
		return NewChecked(c)
	}
	n := &Checked{Incremental{c: c, names: k.i.names, around: k.i.around, models: maps.Clone(k.i.models)}}
	delete(n.i.models, model)
	if found := n.i.model(model, c.Models[model]); len(found) > 0 {
		n.i.models[model] = found
	}
	return n
}

// Findings is what Check says.
func (k *Checked) Findings() Findings { return k.i.found().sorted() }
