package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// Stage is how far an exchange with a provider had come when it failed.
type Stage uint8

// The stages. In StageConnect no byte of the request was written.
const (
	StageConnect Stage = iota + 1
	StageHeader        // the request was being written or its answer awaited
	StageBody
)

// String names the stage as logs show it.
func (s Stage) String() string { return [...]string{"", "connect", "header", "body"}[s] }

// Error is a failed exchange. Its text never holds a byte of the request or of the answer.
type Error struct {
	Stage Stage
	Err   error // for a cancelled context its cause
}

// Error gives stage and cause.
func (e *Error) Error() string { return "upstream " + e.Stage.String() + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Sent reports whether any byte of the request may have reached the provider.
func (e *Error) Sent() bool { return e.Stage > StageConnect }

// Errors that an *Error may wrap, beside those of the network, of TLS, and io.ErrUnexpectedEOF for
// a connection that closed too early.
var (
	ErrMalformed      = errors.New("answer is not valid HTTP")
	ErrHeaderTooLarge = errors.New("answer's header is too large")
	ErrInvalidCall    = errors.New("invalid call")
)

var (
	errClosed = errors.New("reply is closed")
	errNoHead = errors.New("body read before the header")
)

// broken is a lost connection: it is io.ErrUnexpectedEOF, and its cause.
type broken struct{ cause error }

func (b *broken) Error() string   { return "connection lost: " + b.cause.Error() }
func (b *broken) Unwrap() []error { return []error{io.ErrUnexpectedEOF, b.cause} }

// cut says that a connection was lost in the middle of an answer.
func cut(err error) error {
	if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return &broken{err}
}

// closedUnderUs reports whether an error is the mark of a connection that the other side had closed.
func closedUnderUs(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// scrub turns an error of http.Transport into one of ours. Many of its errors quote the answer, so
// only kinds known to quote nothing pass; it exports no better mark of the others than their text.
func scrub(err error) error {
	text := err.Error()
	has := func(s string) bool { return strings.Contains(text, s) }
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &op) && !errors.Is(err, net.ErrClosed):
		return &broken{op}
	case errors.As(err, &errno):
		return &broken{errno}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, errStale):
		return io.ErrUnexpectedEOF
	case has("server closed idle connection"), has("unexpected EOF reading trailer"), has("connection lost"),
		has("GOAWAY"), has("stream error"), has("connection broken: connection"):
		return io.ErrUnexpectedEOF
	case has("response headers exceeded"), has("response header list larger"):
		return ErrHeaderTooLarge
	}
	return ErrMalformed
}
