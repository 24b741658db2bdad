package openai

import (
	"strings"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// responseWatcher watches events of the responses operation.
type responseWatcher struct {
	chunk
	ended    bool
	total    fairlead.Usage
	hasTotal bool
}

// Watch looks at one event. response.failed and error are *dialect.Fault.
func (w *responseWatcher) Watch(f sse.Frame) (dialect.Sight, error) {
	if f.Comment() {
		return dialect.Sight{}, nil
	}
	switch kind, err := w.chunk.read(f); {
	case err != nil:
		return dialect.Sight{}, err
	case kind == kindDone:
		return dialect.Sight{Terminal: true, Meaningful: w.ended}, nil
	case kind == kindNothing:
		return dialect.Sight{}, nil
	}
	event := w.event(f)
	if event == "error" || event == "response.failed" || w.truthy("error") {
		return dialect.Sight{}, faultOf(w.object.Src)
	}
	return w.sight(event), nil
}

// event names an event: the member type, else the frame's own word.
func (w *responseWatcher) event(f sse.Frame) string {
	v, _ := w.object.Get("type")
	for i := range responseEvents { // saves the allocation for what comes often
		if string(v) == responseEvents[i].quoted {
			return responseEvents[i].name
		}
	}
	if name, ok := v.Text(); ok {
		return name
	}
	return string(f.Event)
}

// responseEvents are those that make up most of a stream.
var responseEvents = [...]struct{ quoted, name string }{
	{`"response.output_text.delta"`, "response.output_text.delta"},
	{`"response.reasoning_text.delta"`, "response.reasoning_text.delta"},
	{`"response.reasoning_summary_text.delta"`, "response.reasoning_summary_text.delta"},
	{`"response.function_call_arguments.delta"`, "response.function_call_arguments.delta"},
}

func (w *responseWatcher) truthy(name string) bool {
	v, _ := w.object.Get(name)
	return v.Truthy()
}

func (w *responseWatcher) sight(event string) (seen dialect.Sight) {
	switch event {
	case "response.completed", "response.incomplete", "response.cancelled":
		w.ended = true
		whole, _ := w.object.Get("response")
		usage, _ := whole.Get("usage")
		if u, ok := readUsage(usage); ok {
			w.total, w.hasTotal = u, true
		}
		return dialect.Sight{Terminal: true, Meaningful: true, Bounded: bounded(whole)}
	case "response.output_item.added":
		item, _ := w.object.Get("item")
		switch kind, _ := textOf(item, "type"); kind {
		case "":
		case "message":
			seen.Phase = dialect.PhaseText
		case "reasoning":
			seen.Phase = dialect.PhaseReasoning
		default:
			seen.Meaningful, seen.Phase = true, dialect.PhaseTools
		}
		return seen
	}
	switch {
	case strings.HasSuffix(event, ".partial_image"):
		seen.Meaningful, seen.Phase = true, dialect.PhaseTools
	case strings.HasSuffix(event, ".delta"):
		delta, _ := w.object.Get("delta")
		seen.Bytes = delta.StringBytes()
		seen.Meaningful = seen.Bytes > 0 || delta.Kind() == jsonscan.KindObject
		if strings.HasSuffix(event, "audio.delta") {
			seen.Bytes = 0 // base64 of sound, not text
		}
		if seen.Meaningful {
			seen.Phase = phaseOf(event)
		}
	}
	return seen
}

// phaseOf is the phase that the name of a delta tells.
func phaseOf(event string) dialect.Phase {
	what := strings.TrimPrefix(event, "response.")
	switch {
	case strings.HasPrefix(what, "reasoning"):
		return dialect.PhaseReasoning
	case strings.HasPrefix(what, "output_text"), strings.HasPrefix(what, "refusal"), strings.HasPrefix(what, "audio"), strings.HasPrefix(what, "output_audio"):
		return dialect.PhaseText
	}
	return dialect.PhaseTools
}

// Complete reports whether the response was brought to its end.
func (w *responseWatcher) Complete() bool { return w.ended }

// Usage is what the last event reported.
func (w *responseWatcher) Usage() (fairlead.Usage, bool) { return w.total, w.hasTotal }
