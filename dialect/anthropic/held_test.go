package anthropic_test

import (
	"strconv"
	"strings"
	"testing"

	"fairlead/dialect"
)

// TestEncoderCountsWhatItHolds holds that nothing a provider can send grows an encoder without growing
// what it says it holds, so that its caller can end the stream.
func TestEncoderCountsWhatItHolds(t *testing.T) {
	long := strings.Repeat("x", 1000)
	open := []dialect.Event{start("a"), tool(0, "t0"), input(0, `{"a":`)}
	finished := append(append([]dialect.Event(nil), open...), finish(dialect.FinishTools))
	told := append(append([]dialect.Event(nil), finished...), used(dialect.Event{}.Usage))
	cases := []struct {
		name   string
		before []dialect.Event
		next   func(i int) dialect.Event
		least  int // bytes held after a thousand events
		most   int
	}{
		{"text behind an open call", open, func(int) dialect.Event { return say(long) }, 1_000_000, 1_200_000},
		{"thinking behind it", open, func(int) dialect.Event { return think(long) }, 1_000_000, 1_200_000},
		{"signatures behind it", open, func(int) dialect.Event { return sign(long) }, 1_100_000, 1_700_000},
		{"redacted thinking behind it", open, func(int) dialect.Event { return redact(long) }, 1_100_000, 1_700_000},
		{"calls without input", open, func(i int) dialect.Event { return tool(i+1, "") }, 100_000, 700_000},
		{"calls with long ids", open, func(i int) dialect.Event { return tool(i+1, long) }, 1_100_000, 2_300_000},
		{"calls with long names", open, func(i int) dialect.Event {
			return dialect.Event{Kind: dialect.EventToolStart, Tool: i + 1, ID: "t", Name: long}
		}, 1_100_000, 1_700_000},
		{"input of a call that waits", append(append([]dialect.Event(nil), open...), tool(1, "t1")), func(int) dialect.Event { return input(1, long) }, 1_000_000, 1_200_000},
		{"input of the open call", open, func(int) dialect.Event { return input(0, long) }, 0, 0},
		{"text", []dialect.Event{start("a")}, func(int) dialect.Event { return say(long) }, 0, 0},
		{"calls after the end", told, func(i int) dialect.Event { return tool(i+1, long) }, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := d.NewEncoder(dialect.EncodeOptions{RequestID: "req_1"})
			holder, ok := e.(dialect.Holder)
			if !ok {
				t.Fatal("the encoder does not say what it holds")
			}
			for _, event := range c.before {
				e.Encode(nil, event)
			}
			for i := range 1000 {
				e.Encode(nil, c.next(i))
			}
			if n := holder.Held(); n < c.least || n > c.most {
				t.Errorf("holds %d bytes, want %d to %d", n, c.least, c.most)
			}
			e.Encode(nil, finish(dialect.FinishTools))
			if n := holder.Held(); n != 0 {
				t.Errorf("holds %d bytes after the answer is finished", n)
			}
		})
	}
}

// TestEncoderLetsGo holds that what was held counts no more once it is written.
func TestEncoderLetsGo(t *testing.T) {
	e := d.NewEncoder(dialect.EncodeOptions{RequestID: "req_1"})
	var out []byte
	encode := func(events ...dialect.Event) {
		for _, event := range events {
			out = e.Encode(out, event)
		}
	}
	encode(start("a"), tool(0, "t0"), input(0, `{`))
	for i := 1; i < 50; i++ {
		encode(think("hm"), sign("Ep"), redact("x"), say("so"), tool(i, strconv.Itoa(i)), input(i, `{"n":1}`))
	}
	if e.(dialect.Holder).Held() == 0 {
		t.Error("nothing is held behind an open call")
	}
	encode(input(0, `}`))
	if n := e.(dialect.Holder).Held(); n != 0 {
		t.Errorf("%d bytes are held after everything was written", n)
	}
	if n := strings.Count(string(out), "event: content_block_start"); n != 1+49*4 {
		t.Errorf("%d blocks were written", n)
	}
}

// TestDecoderBoundsOpenBlocks holds that inputs which wait for the end of their blocks are bounded together.
func TestDecoderBoundsOpenBlocks(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	decoder := d.NewDecoder()
	for i := range 100 {
		block := ev("content_block_start", `"index":`+strconv.Itoa(i)+`,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":"`+long+`"}}`)
		for _, f := range frames(t, block) {
			if _, err := decoder.Decode(nil, f); err != nil {
				return
			}
		}
	}
	t.Error("a hundred open blocks of 1 MiB are taken")
}
