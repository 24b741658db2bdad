package provider

import (
	"slices"

	"fairlead"
	"fairlead/internal/jsonscan"
)

// splice copies the caller's body with the few bytes changed that an endpoint of the same dialect
// needs: the model's name, usage on streams, and names that the place spells otherwise.
func splice(a *Ask, model string, q *fairlead.Quirks) []byte {
	var few [6]jsonscan.Edit
	edits := few[:0]
	if model != a.Facts.Model {
		if m, ok := a.Top.Find("model"); ok {
			edits = append(edits, jsonscan.Edit{Start: m.Start, End: m.End, Text: jsonscan.AppendString(nil, model)})
		}
	}
	if a.Caller.Name() == fairlead.OpenAI {
		edits = streamOptions(edits, a, q)
		edits = renames(edits, a.Top, q)
	}
	if len(edits) == 0 {
		return a.Body
	}
	slices.SortFunc(edits, func(x, y jsonscan.Edit) int { return x.Start - y.Start })
	extra := 0
	for _, e := range edits {
		extra += len(e.Text)
	}
	return jsonscan.Splice(make([]byte, 0, len(a.Body)+extra), a.Body, edits...)
}

var (
	askUsage       = []byte(`"stream_options":{"include_usage":true}`)
	askUsageMember = []byte(`"include_usage":true`)
)

// streamOptions asks for usage on a stream. A caller's own stream_options are kept and completed. A
// place that refuses the field does not get it, the caller's own included: without it the answer is
// the same but for the usage frame.
func streamOptions(edits []jsonscan.Edit, a *Ask, q *fairlead.Quirks) []jsonscan.Edit {
	if !a.Facts.Stream || (a.Op != fairlead.OpChat && a.Op != fairlead.OpCompletions) {
		return edits
	}
	m, ok := a.Top.Find("stream_options")
	switch {
	case q.NoStreamOptions && ok:
		return append(edits, remove(a.Top, m))
	case q.NoStreamOptions, ok && a.Facts.StreamUsage:
		return edits
	case !ok:
		last := a.Top.Members[len(a.Top.Members)-1].End
		return append(edits, jsonscan.Edit{Start: last, End: last, Text: slices.Concat([]byte{','}, askUsage)})
	}
	return append(edits, completeOptions(m, jsonscan.Value(a.Body[m.Start:m.End])))
}

// completeOptions replaces stream_options by itself with include_usage true in front; an
// include_usage of the caller's own, which is not true, is left out.
func completeOptions(m *jsonscan.Member, v jsonscan.Value) jsonscan.Edit {
	text := append([]byte{'{'}, askUsageMember...)
	if v.Kind() == jsonscan.KindObject {
		for name, value := range v.Members() {
			if string(name) != "include_usage" {
				text = append(jsonscan.AppendString(append(text, ','), string(name)), ':')
				text = append(text, value...)
			}
		}
	}
	return jsonscan.Edit{Start: m.Start, End: m.End, Text: append(text, '}')}
}

// remove takes a member out with the comma that belongs to it.
func remove(top *jsonscan.Object, m *jsonscan.Member) jsonscan.Edit {
	i := slices.IndexFunc(top.Members, func(x jsonscan.Member) bool { return x.NameStart == m.NameStart })
	switch {
	case i+1 < len(top.Members):
		return jsonscan.Edit{Start: m.NameStart, End: top.Members[i+1].NameStart}
	case i > 0:
		return jsonscan.Edit{Start: top.Members[i-1].End, End: m.End}
	}
	return jsonscan.Edit{Start: m.NameStart, End: m.End}
}

// renames gives fields the names that the place knows them by. A field that is there under both
// names stays as it is.
func renames(edits []jsonscan.Edit, top *jsonscan.Object, q *fairlead.Quirks) []jsonscan.Edit {
	for _, r := range q.Rename {
		m, ok := top.Find(r[0])
		if !ok {
			continue
		}
		if _, both := top.Find(r[1]); !both {
			edits = append(edits, jsonscan.Edit{Start: m.NameStart, End: m.NameEnd, Text: jsonscan.AppendString(nil, r[1])})
		}
	}
	return edits
}

// renamed applies the renames to a body that a dialect wrote.
func renamed(body []byte, q *fairlead.Quirks) []byte {
	var top jsonscan.Object
	if top.Scan(body) != nil {
		return body
	}
	edits := renames(nil, &top, q)
	slices.SortFunc(edits, func(x, y jsonscan.Edit) int { return x.Start - y.Start })
	return jsonscan.Splice(nil, body, edits...)
}
