package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

const (
	maxRescan = 1 << 20 // bytes of an answer that is worth a second look
	noChoice  = 1 << 20 // an index that no request brings about
)

var errMalformed = errors.New("malformed answer")

// scanAnswer scans what a provider sent. Grammatical JSON that Scan refuses (a name twice, half of a
// surrogate pair) is made sound first: the last of two stands, halves become U+FFFD.
func scanAnswer(o *jsonscan.Object, data []byte) error {
	if err := o.Scan(data); err != nil {
		return rescan(o, data, err)
	}
	return nil
}

// rescan is the rare second look, apart so that the first one allocates nothing.
func rescan(o *jsonscan.Object, data []byte, err error) error {
	var e *jsonscan.Error
	if !errors.As(err, &e) || (e.Kind != jsonscan.UTF8 && e.Kind != jsonscan.Duplicate) {
		return err
	}
	if len(data) > maxRescan || !json.Valid(data) {
		return err
	}
	var sound map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&sound) != nil {
		return err
	}
	text, marshalErr := json.Marshal(sound)
	if marshalErr != nil {
		return err
	}
	return o.Scan(text)
}

// chunk is one frame's object, its memory reused from frame to frame.
type chunk struct {
	object jsonscan.Object

	choices, usage, groq jsonscan.Value
	id, model, created   jsonscan.Value
}

// kind says what a frame is.
type kind uint8

const (
	kindNothing kind = iota // a comment or an empty event
	kindDone                // [DONE]
	kindObject              // chunk holds its object
)

// read reads a frame of a stream. A *dialect.Fault is an error that the provider sent in any of the ways
// that are known; any other error means that the frame is malformed.
func (c *chunk) read(f sse.Frame) (kind, error) {
	switch {
	case f.Error != nil:
		return 0, streamFault(f.Error)
	case f.Bare != nil:
		if fault := embeddedFault(f.Bare); fault != nil {
			return 0, fault
		}
	}
	switch {
	case string(f.Event) == "error":
		return 0, streamFault(f.Data)
	case blank(f.Data):
		return kindNothing, nil
	case f.Data[0] != '{' && string(bytes.TrimSpace(f.Data)) == "[DONE]":
		return kindDone, nil
	}
	if err := scanAnswer(&c.object, f.Data); err != nil {
		return 0, fmt.Errorf("read chunk: %w", err)
	}
	return kindObject, nil
}

// chat reads the members of a chat completion chunk, or of a completion's.
func (c *chunk) chat() error {
	c.choices, c.usage, c.groq, c.id, c.model, c.created = nil, nil, nil, nil, nil, nil
	for i := range c.object.Members {
		m := &c.object.Members[i]
		switch string(m.Name) {
		case "error":
			if v := c.object.Value(m); v.Truthy() {
				return faultOf(c.object.Src)
			}
		case "choices":
			c.choices = c.object.Value(m)
		case "usage":
			c.usage = c.object.Value(m)
		case "x_groq":
			c.groq = c.object.Value(m)
		case "id":
			c.id = c.object.Value(m)
		case "model":
			c.model = c.object.Value(m)
		case "created":
			c.created = c.object.Value(m)
		}
	}
	if c.choices != nil && c.choices.Kind() != jsonscan.KindArray && !c.choices.IsNull() {
		return fmt.Errorf("read choices: %w", errMalformed)
	}
	if c.groq == nil {
		return nil
	}
	if e, ok := c.groq.Get("error"); ok && e.Truthy() {
		return faultOf(c.groq)
	}
	if c.usage == nil || c.usage.IsNull() {
		c.usage, _ = c.groq.Get("usage")
	}
	return nil
}

// choice is one element of choices.
type choice struct {
	index    int
	turn     turn           // delta, or the message of servers that send it whole
	hasTurn  bool           // there is one, and it is an object
	text     jsonscan.Value // of completions
	finished bool           // it has a finish_reason, which means finish
	finish   dialect.Finish
}

// read reads the element of choices that the walk has come to. A *dialect.Fault is an error that stands
// in it.
func (c *choice) read(w *jsonscan.Walk) (err error) {
	if w.Kind() != jsonscan.KindObject {
		return fmt.Errorf("read choice: %w", errMalformed)
	}
	*c = choice{}
	var reason jsonscan.Value
	delta := false
	for ok := w.Object(); ok; ok = w.More() {
		name, kind := w.Name(), w.Kind()
		if kind == jsonscan.KindNull {
			continue
		}
		switch string(name) {
		case "index":
			n, ok := w.Value().Int()
			if !ok || n < 0 || n >= noChoice {
				return fmt.Errorf("read choice index: %w", errMalformed)
			}
			c.index = int(min(n, maxChoices))
		case "delta", "message":
			if delta {
				continue // a delta goes before a message
			}
			delta, c.hasTurn = string(name) == "delta", kind == jsonscan.KindObject
			c.turn.read(w)
		case "text":
			c.text = w.Value()
		case "finish_reason":
			reason = w.Value()
		case "error":
			if v := w.Value(); v.Truthy() {
				return faultOf([]byte(`{"error":` + string(v) + `}`))
			}
		}
	}
	if reason.Truthy() {
		c.finished = true
		c.finish, err = readFinish(reason)
	}
	return err
}

// finishes says what the known reasons mean.
var finishes = map[string]dialect.Finish{
	"stop":           dialect.FinishStop,
	"eos":            dialect.FinishStop,
	"stop_sequence":  dialect.FinishStop,
	"length":         dialect.FinishLength,
	"model_length":   dialect.FinishLength,
	"max_tokens":     dialect.FinishLength,
	"tool_calls":     dialect.FinishTools,
	"function_call":  dialect.FinishTools,
	"content_filter": dialect.FinishFilter,
}

// failures are reasons that are errors, with the status they stand for.
var failures = map[string]int{
	"error":                        502,
	"ERROR":                        502,
	"abort":                        502,
	"TIMEOUT":                      504,
	"insufficient_system_resource": 503,
}

// readFinish reads a finish_reason. An error-like one is a *dialect.Fault; one that is not known is
// FinishUnknown, for it ends the answer all the same.
func readFinish(v jsonscan.Value) (dialect.Finish, error) {
	var space [40]byte
	word := v.AppendText(space[:0])
	if finish, ok := finishes[string(word)]; ok {
		return finish, nil
	}
	if status, ok := failures[string(word)]; ok {
		name := string(word)
		return "", &dialect.Fault{Status: status, Type: "finish_reason", Code: name, Message: "the answer ended with finish_reason " + name}
	}
	return dialect.FinishUnknown, nil
}
