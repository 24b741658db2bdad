package bus

import (
	"context"
	"encoding/json"
	"errors"

	"fairlead"
)

// The first byte of an answer says whether it is one.
const (
	answerOK    = '+'
	answerError = '-'
)

// refusal is an error on the wire: its code and the message for the caller; the cause stays where it was logged.
type refusal struct {
	Code    fairlead.Code `json:"code"`
	Message string        `json:"message"`
}

func answer(body []byte, err error) []byte {
	if err == nil {
		return append([]byte{answerOK}, body...)
	}
	e := fairlead.AsError(err)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		e = fairlead.Errorf(fairlead.CodeControlUnavailable, "the control plane does not answer in time")
	}
	text, _ := json.Marshal(refusal{e.Code, e.Message}) // two texts; cannot fail
	return append([]byte{answerError}, text...)
}

func readAnswer(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, errFrame
	}
	switch data[0] {
	case answerOK:
		return data[1:], nil
	case answerError:
		var r refusal
		if json.Unmarshal(data[1:], &r) != nil || r.Code == "" {
			return nil, errFrame
		}
		return nil, fairlead.Errorf(r.Code, r.Message)
	}
	return nil, errFrame
}
