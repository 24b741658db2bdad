package anthropic

import (
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// Continue adds messages to a caller's body.
func (Dialect) Continue(body *jsonscan.Object, c dialect.Continuation) ([]byte, error) {
	return c.AddTo(body, "max_tokens")
}

// ResumeEncoder goes on with the events of a stream: text goes into the block that is open, if it is of
// text.
func (d Dialect) ResumeEncoder(o dialect.EncodeOptions, t *dialect.Told) dialect.Encoder {
	e := &encoder{o: o, id: string(t.ID), started: true, index: int(t.Blocks)}
	if t.Open {
		e.queue = []*pending{{kind: textBlock}}
	}
	return e
}

// Mark is dialect.Marker's.
func (e *encoder) Mark(value []byte) { e.mark = value }

// Tell is dialect.Teller's.
func (w *watcher) Tell(t *dialect.Told) { w.told = t }

// tell notes what an event tells the caller.
func (w *watcher) tell(typ string) {
	t := w.told
	switch typ {
	case "message_start":
		m, _ := w.obj.Get("message")
		id, _ := m.Get("id")
		model, _ := m.Get("model")
		t.ID, t.Model = id.AppendText(t.ID[:0]), model.AppendText(t.Model[:0])
	case "content_block_start":
		v, _ := w.obj.Get("content_block")
		w.tellBlock(kindOf(v), text(v, "text"))
	case "content_block_delta":
		v, _ := w.obj.Get("delta")
		w.tellDelta(v)
	case "content_block_stop":
		t.Open = false
	case "message_delta":
		v, _ := w.obj.Get("delta")
		reason, _ := v.Get("stop_reason")
		t.Finished = t.Finished || reason.Truthy() && !is(reason, "error")
	}
}

// tellBlock notes a block that begins. All thinking of this API is signed at its end.
func (w *watcher) tellBlock(kind blockKind, said string) {
	t := w.told
	t.Blocks++
	t.Open = kind == textBlock
	switch kind {
	case textBlock:
		if t.Barred == "" {
			t.Text = append(t.Text, said...)
			t.Grew()
		}
	case thinkingBlock, redactedBlock:
		t.Bars(dialect.BarSigned)
	case toolBlock:
		t.Bars(dialect.BarTool)
	default:
		t.Bars(dialect.BarMedia)
	}
}

func (w *watcher) tellDelta(v jsonscan.Value) {
	t := w.told
	if t.Barred != "" {
		return
	}
	typ, _ := v.Get("type")
	switch string(unquoted(typ)) {
	case "text_delta":
		m, _ := v.Get("text")
		t.Text = m.AppendText(t.Text)
		t.Grew()
	case "citations_delta":
		t.Bars(dialect.BarSources)
	}
}
