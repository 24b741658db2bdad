package anthropic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

var d = anthropic.New()

// sameJSON compares two texts as JSON values.
func sameJSON(t *testing.T, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := decodeJSON(got, &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := decodeJSON([]byte(want), &w); err != nil {
		t.Fatalf("%v in the wanted %s", err, want)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func decodeJSON(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode(v)
}

// wantError checks code and field of an error, and that its message names the field.
func wantError(t *testing.T, err error, code fairlead.Code, param string) {
	t.Helper()
	var e *fairlead.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want %s of %s", err, code, param)
	}
	if e.Code != code || e.Param != param {
		t.Errorf("got %s of %q, want %s of %q", e.Code, e.Param, code, param)
	}
	if e.Message == "" {
		t.Error("the error has no message")
	}
}

func scan(t testing.TB, body string) *jsonscan.Object {
	t.Helper()
	var o jsonscan.Object
	if err := o.Scan([]byte(body)); err != nil {
		t.Fatal(err)
	}
	return &o
}

// frames splits a stream.
func frames(t testing.TB, stream string) []sse.Frame {
	t.Helper()
	var list []sse.Frame
	rest := []byte(stream)
	for {
		f, n, ok := sse.Next(rest)
		if !ok {
			break
		}
		list = append(list, f)
		rest = rest[n:]
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		t.Fatalf("the stream ends in the middle of a frame: %q", rest)
	}
	return list
}

// decodeAll reads a stream into events; err is that of the frame it stopped at.
func decodeAll(t testing.TB, stream string) (events []dialect.Event, complete bool, err error) {
	t.Helper()
	dec := d.NewDecoder()
	for _, f := range frames(t, stream) {
		if events, err = dec.Decode(events, f); err != nil {
			break
		}
	}
	return events, dec.Complete(), err
}

// encodeAll writes events as a stream.
func encodeAll(events ...dialect.Event) string {
	enc := d.NewEncoder(dialect.EncodeOptions{RequestID: "req_9", Model: "asked"})
	var dst []byte
	for _, e := range events {
		dst = enc.Encode(dst, e)
	}
	return string(dst)
}

func textPart(s string) dialect.Part { return dialect.Part{Kind: dialect.PartText, Text: s} }

func userSays(s string) dialect.Message {
	return dialect.Message{Role: dialect.User, Parts: []dialect.Part{textPart(s)}}
}

func TestName(t *testing.T) {
	if d.Name() != fairlead.Anthropic {
		t.Errorf("the dialect is called %q", d.Name())
	}
}
