package provider

import (
	"fairlead"
	"fairlead/internal/jsonscan"
)

// splice copies the caller's body with the few members changed that an endpoint of the same dialect
// needs: the model's name, usage on streams, and names that the place spells otherwise. All other bytes
// stay as they came.
func (c *Call) splice(a *Ask, model string, q *fairlead.Quirks) []byte {
	var few [6]jsonscan.Change
	changes := few[:0]
	if model != a.Facts.Model {
		c.model = jsonscan.AppendString(c.model[:0], model)
		changes = append(changes, jsonscan.Change{Name: "model", Value: c.model})
	}
	if a.Caller.Name() == fairlead.OpenAI {
		changes = streamOptions(changes, a, q)
		changes = renames(changes, a.Top, q)
	}
	if len(changes) == 0 {
		return a.Body
	}
	c.room = a.Top.Rewrite(c.room[:0], changes...)
	return c.room
}

var askUsage = jsonscan.Value(`{"include_usage":true}`)

// streamOptions asks for usage on a stream. A caller's own stream_options are kept and completed. A
// place that refuses the field does not get it, the caller's own included: without it the answer is
// the same but for the usage frame.
func streamOptions(changes []jsonscan.Change, a *Ask, q *fairlead.Quirks) []jsonscan.Change {
	if !a.Facts.Stream || (a.Op != fairlead.OpChat && a.Op != fairlead.OpCompletions) {
		return changes
	}
	own, ok := a.Top.Get("stream_options")
	switch {
	case q.NoStreamOptions && ok:
		return append(changes, jsonscan.Change{Name: "stream_options"})
	case q.NoStreamOptions, ok && a.Facts.StreamUsage:
		return changes
	}
	return append(changes, jsonscan.Change{Name: "stream_options", Value: completed(own)})
}

// completed gives stream_options with include_usage true in front; an include_usage of the caller's
// own, which is not true, is left out.
func completed(own jsonscan.Value) jsonscan.Value {
	if own.Kind() != jsonscan.KindObject {
		return askUsage
	}
	text := append(jsonscan.Value(nil), askUsage[:len(askUsage)-1]...)
	for name, value := range own.Members() {
		if string(name) != "include_usage" {
			text = append(jsonscan.AppendString(append(text, ','), string(name)), ':')
			text = append(text, value...)
		}
	}
	return append(text, '}')
}

// renames gives fields the names that the place knows them by: they go to the object's end. A field
// that is there under both names stays as it is.
func renames(changes []jsonscan.Change, top *jsonscan.Object, q *fairlead.Quirks) []jsonscan.Change {
	for _, r := range q.Rename {
		v, ok := top.Get(r[0])
		if !ok {
			continue
		}
		if _, both := top.Find(r[1]); !both {
			changes = append(changes, jsonscan.Change{Name: r[0]}, jsonscan.Change{Name: r[1], Value: v})
		}
	}
	return changes
}

// renamed applies the renames to a body that a dialect wrote.
func renamed(body []byte, q *fairlead.Quirks) []byte {
	var top jsonscan.Object
	if top.Scan(body) != nil {
		return body
	}
	changes := renames(nil, &top, q)
	if len(changes) == 0 {
		return body
	}
	return top.Rewrite(nil, changes...)
}

// unfinished asks a server to go on with the last message instead of answering it. The two members exclude
// each other's defaults (vLLM, SGLang).
func unfinished(body []byte) ([]byte, error) {
	var top jsonscan.Object
	if err := top.Scan(body); err != nil {
		return nil, err
	}
	return top.Rewrite(nil,
		jsonscan.Change{Name: "continue_final_message", Value: jsonscan.Value("true")},
		jsonscan.Change{Name: "add_generation_prompt", Value: jsonscan.Value("false")},
	), nil
}
