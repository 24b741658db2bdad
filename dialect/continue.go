package dialect

import (
	"bytes"
	"strconv"

	"fairlead"
	"fairlead/internal/jsonscan"
)

// maxTold bounds how much of an answer's text is remembered, in bytes: a longer one is not continued.
const maxTold = 256 << 10

// Continuations goes on elsewhere with a streamed answer of the chat operation that broke off.
type Continuations interface {
	// Continue writes a caller's body with what was said so far as a further turn. Errors mean that the
	// body has no place for it.
	Continue(body *jsonscan.Object, c Continuation) ([]byte, error)
	// ResumeEncoder makes the encoder for the rest of a stream of this dialect whose beginning passed
	// unchanged: t says what the caller has of it.
	ResumeEncoder(o EncodeOptions, t *Told) Encoder
}

// Continuation is how a request goes on with an answer that broke off.
type Continuation struct {
	Said      string // the answer so far, a turn of the assistant's; "" = none
	Ask       string // what the user says to it then; "" = nothing, so that the assistant's turn is the last
	MaxOutput int64  // tokens; 0 = as the caller said
}

// AddTo writes a body with the turns of c at the end of its messages, in the form that both wires share. bounds
// names the members that bound the answer's length; those that the body states are stated anew.
func (c Continuation) AddTo(body *jsonscan.Object, bounds ...string) ([]byte, error) {
	var changes []jsonscan.Change
	if c.Said != "" {
		messages, _ := body.Get("messages")
		text, ok := bytes.CutSuffix(bytes.TrimSpace(messages), []byte("]"))
		if !ok {
			return nil, &fairlead.Error{Code: fairlead.CodeInvalidRequest, Param: "messages", Message: "messages must be an array"}
		}
		text = appendTurn(bytes.Clone(bytes.TrimSpace(text)), Assistant, c.Said)
		if c.Ask != "" {
			text = appendTurn(text, User, c.Ask)
		}
		changes = append(changes, jsonscan.Change{Name: "messages", Value: append(text, ']')})
	}
	for _, name := range bounds {
		if v, ok := body.Get(name); ok && !v.IsNull() && c.MaxOutput > 0 {
			changes = append(changes, jsonscan.Change{Name: name, Value: strconv.AppendInt(nil, c.MaxOutput, 10)})
		}
	}
	return body.Rewrite(nil, changes...), nil
}

// appendTurn adds a message to an array that is not closed.
func appendTurn(array []byte, role Role, content string) []byte {
	if array[len(array)-1] != '[' {
		array = append(array, ',')
	}
	array = append(array, `{"role":`...)
	array = jsonscan.AppendString(array, string(role))
	array = append(array, `,"content":`...)
	return append(jsonscan.AppendString(array, content), '}')
}

// Teller is a Watcher that can note what its frames tell the caller.
type Teller interface {
	// Tell has the frames from now on noted in t.
	Tell(t *Told)
}

// Marker is an Encoder that can say in its last frames that the answer was put together.
type Marker interface {
	// Mark gives the value of the member "fairlead" of those frames, which is JSON.
	Mark(value []byte)
}

// Told is what a stream has told its caller, as far as it takes to go on with it elsewhere.
type Told struct {
	ID, Model []byte // of the answer, as Text: memory that serves one stream after another
	Created   int64  // Unix seconds; 0 = none
	Text      []byte
	Reasoning bool  // some was told; none of it is signed
	Finished  bool  // the reason to stop was told
	Blocks    int64 // content blocks that have begun, of dialects that have them
	Open      bool  // the last of them is of text and may be added to
	Barred    Bar
}

// Bar is why an answer cannot be gone on with elsewhere; "" = it can.
type Bar string

// What a stream can tell that no other one could go on with.
const (
	BarChoices Bar = "several answers"
	BarTool    Bar = "a tool call"
	BarRefusal Bar = "a refusal"
	BarSigned  Bar = "signed reasoning"
	BarMedia   Bar = "media"
	BarSources Bar = "citations"
	BarLong    Bar = "too long"
)

// Begin forgets everything but the memory, for another stream.
func (t *Told) Begin() { *t = Told{ID: t.ID[:0], Model: t.Model[:0], Text: t.Text[:0]} }

// Bars notes that the answer cannot be gone on with. The first reason stands.
func (t *Told) Bars(b Bar) {
	if t.Barred == "" {
		t.Barred, t.Text = b, nil
	}
}

// Grew checks Text, to which something was added.
func (t *Told) Grew() {
	if len(t.Text) > maxTold {
		t.Bars(BarLong)
	}
}

// See notes an event.
func (t *Told) See(e *Event) {
	if t.Barred != "" {
		return
	}
	switch e.Kind {
	case EventText:
		t.Text = append(t.Text, e.Text...)
		t.Grew()
	case EventReasoning:
		t.Reasoning = true
	case EventSignature, EventRedacted:
		t.Bars(BarSigned)
	case EventRefusal:
		t.Bars(BarRefusal)
	case EventToolStart, EventToolInput:
		t.Bars(BarTool)
	case EventFinish:
		t.Finished = true
	}
}
