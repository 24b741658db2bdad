package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"fairlead"
	"fairlead/internal/jsonscan"
)

// The readers below give what a caller's value must be, or a *fairlead.Error whose Message is a
// predicate ("must be a string") and whose Param is relative to the value. Whoever knows the value's
// place adds it with at; sentence makes the whole sentence of it.

// invalid says that a field has a value that nobody can take.
func invalid(param, predicate string) *fairlead.Error {
	return &fairlead.Error{Code: fairlead.CodeInvalidRequest, Param: param, Message: predicate}
}

// unsupported says that a field cannot be expressed on the way to this endpoint.
func unsupported(param, predicate string) *fairlead.Error {
	return &fairlead.Error{Code: fairlead.CodeUnsupportedParameter, Param: param, Message: predicate}
}

// at puts a place before the error's own: a member's name, or an index as "[3]".
func at(place string, err error) error {
	var e *fairlead.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Param == "":
		e.Param = place
	case e.Param[0] == '[':
		e.Param = place + e.Param
	default:
		e.Param = place + "." + e.Param
	}
	return e
}

// atIndex is at for an element of an array.
func atIndex(i int, err error) error { return at("["+strconv.Itoa(i)+"]", err) }

// sentence makes the message of an error that has reached the top of the body.
func sentence(err error) error {
	var e *fairlead.Error
	if errors.As(err, &e) && e.Param != "" {
		e.Message = e.Param + " " + e.Message
	}
	return err
}

func text(v jsonscan.Value) (string, error) {
	s, ok := v.Text()
	if !ok {
		return "", invalid("", "must be a string")
	}
	return s, nil
}

func boolean(v jsonscan.Value) (bool, error) {
	b, ok := v.Bool()
	if !ok {
		return false, invalid("", "must be true or false")
	}
	return b, nil
}

func integer(v jsonscan.Value, least, most int64) (int64, error) {
	n, ok := v.Int()
	if !ok || n < least || n > most {
		return 0, invalid("", fmt.Sprintf("must be an integer from %d to %d", least, most))
	}
	return n, nil
}

func number(v jsonscan.Value, least, most float64) (json.Number, error) {
	if v.Kind() == jsonscan.KindNumber {
		if f, err := strconv.ParseFloat(string(v), 64); err == nil && f >= least && f <= most {
			return json.Number(v), nil
		}
	}
	return "", invalid("", fmt.Sprintf("must be a number from %g to %g", least, most))
}

func object(v jsonscan.Value) (json.RawMessage, error) {
	if v.Kind() != jsonscan.KindObject {
		return nil, invalid("", "must be an object")
	}
	return json.RawMessage(v), nil
}

// member reads a named member of an object with one of the readers above; one that is absent or null
// gives the zero value.
func member[T any](v jsonscan.Value, name string, read func(jsonscan.Value) (T, error)) (T, error) {
	var zero T
	m, ok := v.Get(name)
	if !ok || m.IsNull() {
		return zero, nil
	}
	got, err := read(m)
	if err != nil {
		return zero, at(name, err)
	}
	return got, nil
}

// oneOf reads a string of a closed list.
func oneOf(v jsonscan.Value, names ...string) (string, error) {
	if s, ok := v.Text(); ok {
		for _, name := range names {
			if s == name {
				return s, nil
			}
		}
	}
	return "", invalid("", fmt.Sprintf("must be one of %q", names))
}
