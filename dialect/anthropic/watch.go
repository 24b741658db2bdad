package anthropic

import (
	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// watcher looks at a stream that passes unchanged.
type watcher struct {
	obj      jsonscan.Object
	tally    tally
	finished bool
	stopped  bool
	told     *dialect.Told // nil: nothing is noted
}

// NewWatcher makes a watcher of one stream; of this dialect's operations only messages stream.
func (Dialect) NewWatcher(fairlead.Operation) dialect.Watcher { return new(watcher) }

// Complete reports whether the stream came to its proper end: a reason to stop, then message_stop.
func (w *watcher) Complete() bool { return w.stopped }

// Usage is what the stream has reported so far.
func (w *watcher) Usage() (fairlead.Usage, bool) { return w.tally.usage, w.tally.seen }

// Watch looks at one frame.
func (w *watcher) Watch(f sse.Frame) (dialect.Sight, error) {
	var s dialect.Sight
	typ, err := scanFrame(&w.obj, &f)
	if err != nil {
		return s, err
	}
	if w.told != nil {
		w.tell(typ)
	}
	switch typ {
	case "content_block_delta":
		v, _ := w.obj.Get("delta")
		watchDelta(&s, v)
	case "content_block_start":
		v, _ := w.obj.Get("content_block")
		watchBlock(&s, v)
	case "message_start":
		m, _ := w.obj.Get("message")
		usage, _ := m.Get("usage")
		w.tally.add(usage)
	case "message_delta":
		v, _ := w.obj.Get("delta")
		reason, _ := v.Get("stop_reason")
		if is(reason, "error") {
			return s, errorReason()
		}
		if reason.Truthy() {
			w.finished = true
			s.Meaningful, s.Bounded = true, finish(reason) == dialect.FinishLength
		}
		usage, _ := w.obj.Get("usage")
		w.tally.add(usage)
	case "message_stop":
		if !w.finished {
			return s, errNoReason
		}
		w.stopped = true
		s.Terminal, s.Meaningful = true, true
	}
	return s, nil
}

// watchDelta looks at the delta of a block. A signature alone shows a caller nothing.
func watchDelta(s *dialect.Sight, v jsonscan.Value) {
	typ, _ := v.Get("type")
	switch string(unquoted(typ)) {
	case "text_delta":
		watchText(s, v, "text", dialect.PhaseText)
	case "thinking_delta":
		watchText(s, v, "thinking", dialect.PhaseReasoning)
	case "input_json_delta":
		watchText(s, v, "partial_json", dialect.PhaseTools)
	case "citations_delta":
		citation, _ := v.Get("citation")
		s.Meaningful, s.Phase = citation.Truthy(), dialect.PhaseText
	}
}

// watchText looks at a member with text, which may be empty.
func watchText(s *dialect.Sight, v jsonscan.Value, name string, p dialect.Phase) {
	m, _ := v.Get(name)
	s.Bytes = m.StringBytes()
	s.Meaningful, s.Phase = s.Bytes > 0, p
}

// watchBlock looks at the start of a block. Text and thinking usually start empty; any other block is
// something that the caller sees begin.
func watchBlock(s *dialect.Sight, v jsonscan.Value) {
	switch kindOf(v) {
	case textBlock:
		watchText(s, v, "text", dialect.PhaseText)
	case thinkingBlock:
		watchText(s, v, "thinking", dialect.PhaseReasoning)
	case redactedBlock:
		s.Meaningful, s.Phase = true, dialect.PhaseReasoning
	default:
		s.Meaningful, s.Phase = true, dialect.PhaseTools
	}
}
