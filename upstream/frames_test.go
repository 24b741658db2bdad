package upstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/anthropic"
	"fairlead/dialect/openai"
	"fairlead/internal/sse"
)

func toolDelta(index int, id, arguments string) sse.Frame {
	data := fmt.Sprintf(`{"id":"1","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":%d,%s"function":{%s"arguments":%q}}]},"finish_reason":null}]}`,
		index, id, map[bool]string{true: `"name":"f",`}[id != ""], arguments)
	return sse.Frame{Data: []byte(data)}
}

// TestTranslationIsBounded holds that a provider cannot make fairlead hold back without end: calls that
// wait behind one that is never finished end the stream.
func TestTranslationIsBounded(t *testing.T) {
	tr := newTranslation(openai.New().NewDecoder(), anthropic.New().NewEncoder(dialect.EncodeOptions{Model: "m"}), nil)
	var dst []byte
	take := func(f sse.Frame) error {
		var err error
		dst, _, _, err = tr.take(dst[:0], f)
		return err
	}
	if err := take(toolDelta(0, `"id":"a",`, `{"a":`)); err != nil {
		t.Fatal(err)
	}
	if err := take(toolDelta(1, `"id":"b",`, `{"b":"`)); err != nil {
		t.Fatal(err)
	}
	piece, given := strings.Repeat("x", 256<<10), 0
	for {
		err := take(toolDelta(1, "", piece))
		if errors.Is(err, errHeldTooMuch) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if given += len(piece); given > 2*maxFrame {
			t.Fatalf("%d bytes are held back", given)
		}
	}
	if given < maxFrame/2 {
		t.Errorf("the stream ended after %d bytes", given)
	}
}

func TestSeeTail(t *testing.T) {
	for _, c := range []struct {
		name, tail string
		want       fairlead.Usage
		ok         bool
	}{
		{"last", `0.1,0.2]}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}`, fairlead.Usage{Input: 7}, true},
		{"not quite last", `]}],"usage":{"prompt_tokens":7,"total_tokens":7},"x":[1]} ` + "\n", fairlead.Usage{Input: 7}, true},
		{"none", `0.1,0.2]}],"model":"m"}`, fairlead.Usage{}, false},
		{"in a text", `{"content":"\"usage\":{\"prompt_tokens\":9}"}}`, fairlead.Usage{}, false},
		{"cut", `"usage":{"prompt_tokens":7,"total`, fairlead.Usage{}, false},
		{"null", `"usage":null}`, fairlead.Usage{}, false},
	} {
		a := Answer{read: openai.New().ReadUsage}
		a.SeeTail([]byte(c.tail))
		if a.Seen.Usage != c.want || a.Seen.HasUsage != c.ok {
			t.Errorf("%s: %+v, %v", c.name, a.Seen.Usage, a.Seen.HasUsage)
		}
	}
}

// TestRefusedFramesAreNotTold holds that text in a frame that cannot be used, of which the caller gets nothing,
// does not count as told: the next attempt says it.
func TestRefusedFramesAreNotTold(t *testing.T) {
	var told dialect.Told
	tr := newTranslation(openai.New().NewDecoder(), anthropic.New().NewEncoder(dialect.EncodeOptions{Model: "m"}), &told)
	good := sse.Frame{Data: []byte(`{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"kept"},"finish_reason":null}]}`)}
	bad := sse.Frame{Data: []byte(`{"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"lost","tool_calls":[7]},"finish_reason":null}]}`)}
	if _, _, _, err := tr.take(nil, good); err != nil {
		t.Fatal(err)
	}
	if out, _, _, err := tr.take(nil, bad); err == nil || len(out) > 0 || string(told.Text) != "kept" {
		t.Errorf("gave %q, %v, told %q", out, err, told.Text)
	}
}
