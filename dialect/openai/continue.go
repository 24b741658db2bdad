package openai

import (
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// Continue adds messages to a caller's body.
func (Dialect) Continue(body *jsonscan.Object, c dialect.Continuation) ([]byte, error) {
	return c.AddTo(body, "max_tokens", "max_completion_tokens")
}

// ResumeEncoder goes on with the chunks of a stream: they have its id, time and model.
func (d Dialect) ResumeEncoder(o dialect.EncodeOptions, t *dialect.Told) dialect.Encoder {
	e := d.NewEncoder(o).(*encoder)
	e.begun(string(t.ID), string(t.Model), t.Created)
	return e
}

// Mark is dialect.Marker's.
func (e *encoder) Mark(value []byte) { e.mark = value }

// Tell is dialect.Teller's.
func (w *watcher) Tell(t *dialect.Told) { w.told = t }

// End writes the [DONE] that some servers leave out.
func (w *watcher) End(dst []byte) []byte { return append(dst, "data: [DONE]\n\n"...) }

// named notes what every chunk says of the answer.
func (w *watcher) named(t *dialect.Told) {
	if len(t.ID) == 0 {
		t.ID = w.id.AppendText(t.ID)
		t.Created = createdOf(w.created)
	}
	if len(t.Model) == 0 {
		t.Model = w.model.AppendText(t.Model)
	}
}

// tell notes what a choice tells the caller.
func (c *choice) tell(t *dialect.Told) {
	t.Finished = t.Finished || c.finished
	if t.Barred != "" {
		return
	}
	if c.index > 0 {
		t.Bars(dialect.BarChoices)
		return
	}
	switch c.turn.content.Kind() {
	case jsonscan.KindString:
		t.Text = c.turn.content.AppendText(t.Text)
	case jsonscan.KindArray:
		for _, p := range arrayPieces(c.turn.content) {
			if p.thinking {
				t.Reasoning = true
			} else {
				t.Text = append(t.Text, p.text...)
			}
		}
	}
	t.Grew()
	if !c.turn.plain() {
		c.turn.bars(t)
	}
}

// bars notes what a delta holds beside text.
func (d *turn) bars(t *dialect.Told) {
	for v := range d.details.Elements() {
		if e, ok := readDetail(v); ok && (e.encrypted || e.signature != "") {
			t.Bars(dialect.BarSigned)
		}
	}
	switch {
	case holdsAny(d.toolCalls), d.functionCall.Truthy():
		t.Bars(dialect.BarTool)
	case d.refusal.Truthy():
		t.Bars(dialect.BarRefusal)
	case d.audio.Kind() == jsonscan.KindObject, holdsAny(d.images):
		t.Bars(dialect.BarMedia)
	case holdsAny(d.annotations):
		t.Bars(dialect.BarSources)
	}
	t.Reasoning = t.Reasoning || d.reasoning.Truthy() || holdsAny(d.details)
}
