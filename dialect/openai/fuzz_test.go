package openai_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/internal/jsonscan"
)

// callersError fails unless err is one that a caller can act upon.
func callersError(t *testing.T, err error) {
	t.Helper()
	var e *fairlead.Error
	if !errors.As(err, &e) || e.HTTPStatus() != 400 || e.Message == "" || !utf8.ValidString(e.Message) {
		t.Fatalf("got %v, want an error for the caller", err)
	}
}

// FuzzReadRequest holds that what was read can be written, and is then written the same for ever.
func FuzzReadRequest(f *testing.F) {
	f.Add(string(request1K))
	f.Add(`{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ==","detail":"low"}},` +
		`{"type":"file","file":{"filename":"a.pdf","file_data":"JVBE"}},{"type":"file","file":{"file_data":"data:text/plain;base64,aGk="}},{"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}}]}]}`)
	f.Add(`{"model":"m","messages":[{"role":"assistant","content":null,"reasoning":"hm","refusal":"no","reasoning_details":[{"type":"reasoning.text","signature":"s","index":0},{"type":"reasoning.encrypted","data":"x"}],` +
		`"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":[1e5]}"}}]},{"role":"tool","tool_call_id":"1","content":"r"},{"role":"assistant","function_call":{"name":"g","arguments":""}},{"role":"function","content":"r"}]}`)
	f.Add(`{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}}],"tool_choice":{"type":"function","function":{"name":"f"}},` +
		`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},"reasoning":{"max_tokens":9000},"stop":["a"],"stream":true,"stream_options":{"include_usage":true},"parallel_tool_calls":false,"logit_bias":{"1":-1},"seed":1,"n":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		d, target := openai.New(), dialect.Target{Model: "up", Usage: true}
		r, err := d.ReadRequest([]byte(body))
		if err != nil {
			callersError(t, err)
			return
		}
		first, err := d.WriteRequest(r, target)
		if err != nil {
			callersError(t, err)
			return
		}
		again, err := d.ReadRequest(first)
		if err != nil {
			t.Fatalf("read what was written: %v\n%s", err, first)
		}
		second, err := d.WriteRequest(again, target)
		if err != nil {
			t.Fatalf("write it again: %v\n%s", err, first)
		}
		// Only an id that was encoded twice is not the same after being decoded once.
		if string(first) != string(second) && !strings.Contains(string(first), "flx_") {
			t.Fatalf("first  %s\nsecond %s", first, second)
		}
	})
}

func FuzzFacts(f *testing.F) {
	f.Add(string(request1K), byte(fairlead.OpChat))
	f.Add(`{"model":"m","store":false,"input":[{"content":[{"type":"input_image"}]}],"text":{"format":{"type":"json_schema"}},"reasoning":{"effort":"low"}}`, byte(fairlead.OpResponses))
	f.Fuzz(func(t *testing.T, body string, op byte) {
		var o jsonscan.Object
		if o.Scan([]byte(body)) != nil {
			return
		}
		facts, err := openai.New().Facts(fairlead.Operation(op%6+1), &o)
		if err != nil {
			callersError(t, err)
		} else if facts.Model == "" || facts.MaxOutput < 0 {
			t.Fatalf("got %+v", facts)
		}
	})
}

// FuzzReadAnswer holds that what was read is written as JSON, and is then written the same for ever.
func FuzzReadAnswer(f *testing.F) {
	f.Add(answerWith(`{"content":"hi","reasoning_content":"hm","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"a\":"}}]}`))
	f.Add(answerWith(`{"content":[{"type":"thinking","thinking":[{"text":"hm"}]},{"type":"text","text":"hi"}],"reasoning":"a","reasoning_details":[{"type":"reasoning.text","signature":"s"},{"type":"reasoning.encrypted","data":"x"}]}`))
	f.Add(`{"error":{"message":"m","code":5}}`)
	f.Add(`{"choices":[{"text":"t","message":{"content":"a","content":"\ud800"},"finish_reason":"eos"}],"usage":{"prompt_tokens":5.5,"total_tokens":1e9}}`)
	f.Fuzz(func(t *testing.T, body string) {
		d := openai.New()
		for op := fairlead.OpChat; op <= fairlead.OpModerations; op++ {
			if seen, err := d.Inspect(op, []byte(body), new(jsonscan.Object)); err == nil && (seen.Bytes < 0 || seen.Usage.Total() < 0) {
				t.Fatalf("got %+v", seen)
			}
		}
		a, err := d.ReadAnswer([]byte(body))
		if err != nil {
			return
		}
		first := d.WriteAnswer(a)
		if !json.Valid(first) {
			t.Fatalf("not JSON: %s", first)
		}
		again, err := d.ReadAnswer(first)
		if err != nil {
			t.Fatalf("read what was written: %v\n%s", err, first)
		}
		if second := d.WriteAnswer(again); string(first) != string(second) {
			t.Fatalf("first  %s\nsecond %s", first, second)
		}
	})
}

// sums puts together what events deliver, by kind.
func sums(events []dialect.Event) (texts [dialect.EventEnd + 1]string, finish dialect.Finish) {
	for _, e := range events {
		texts[e.Kind] += e.Text + e.Name
		if e.Kind == dialect.EventFinish {
			finish = e.Finish
		}
	}
	return texts, finish
}

// FuzzDecoder holds that a stream is complete only with a finish, and that what was decoded comes through
// an encoder and a second decoder as it was.
func FuzzDecoder(f *testing.F) {
	for _, c := range streamFailures {
		f.Add(text + c.frame)
	}
	f.Add(chunk(`{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":{"x":1}}}]}`, "tool_calls") + done)
	f.Add(chunk(`{"reasoning":"hm","refusal":"no","reasoning_details":[{"type":"reasoning.text","signature":"s"},{"type":"reasoning.encrypted","data":"x"}]}`, "stop") + data(`{"choices":[],"usage":{"prompt_tokens":3}}`) + done)
	f.Fuzz(func(t *testing.T, stream string) {
		events, complete, err := decode(stream)
		want, finish := sums(events)
		finishes := 0
		for i, e := range events {
			if (e.Kind == dialect.EventStart) != (i == 0) {
				t.Fatalf("event %d is %+v", i, e)
			}
			if e.Kind == dialect.EventFinish {
				finishes++
			}
		}
		if finishes > 1 || complete != (finishes == 1) {
			t.Fatalf("Complete is %v with %d finishes", complete, finishes)
		}
		if err != nil {
			return
		}
		e := openai.New().NewEncoder(dialect.EncodeOptions{Usage: true})
		var encoded []byte
		for _, event := range events {
			encoded = e.Encode(encoded, event)
		}
		again, completeAgain, err := decode(string(encoded))
		got, finishAgain := sums(again)
		if err != nil || got != want || completeAgain != complete {
			t.Fatalf("decoded again: %v\n got %q\nwant %q", err, got, want)
		}
		if finish != dialect.FinishUnknown && finish != finishAgain {
			t.Fatalf("finish %q became %q", finish, finishAgain)
		}
	})
}

func FuzzWatcher(f *testing.F) {
	for _, c := range streamFailures {
		f.Add(text+c.frame, true)
	}
	f.Add(textChunk+toolChunk+done, true)
	f.Add(responseChunk+data(`{"type":"response.completed","response":{"usage":{"input_tokens":3}}}`), false)
	f.Fuzz(func(t *testing.T, stream string, chat bool) {
		op := fairlead.OpResponses
		if chat {
			op = fairlead.OpChat
		}
		w := openai.New().NewWatcher(op)
		for _, frame := range frames(stream) {
			sight, err := w.Watch(frame)
			if err != nil {
				return
			}
			if sight.Bytes < 0 || sight.Bytes > 3*len(frame.Raw) || (sight.UsageOnly && sight.Meaningful) {
				t.Fatalf("got %+v from %q", sight, frame.Raw)
			}
			if sight.Terminal && sight.Meaningful != w.Complete() {
				t.Fatalf("a terminal frame that is meaningful %v in a stream that is Complete %v", sight.Meaningful, w.Complete())
			}
		}
	})
}

// FuzzReadFault holds that any body that is announced as an error gives a bounded one.
func FuzzReadFault(f *testing.F) {
	f.Add(`{"error":{"message":"m","type":"t","param":"p","code":5,"metadata":{"error_type":"x"}}}`)
	f.Add(`{"detail":[{"loc":["body",0],"msg":"m","type":"t"}]}`)
	f.Add(`[{"error":{"status":"INVALID_ARGUMENT"}}]`)
	f.Add(`<html><title>t`)
	f.Add(`{"fault":{"faultstring":"m","detail":{"errorcode":"e"}},"errors":["a"],"response":{"error":"x"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		got := announced(t, body)
		if len(got.Message) > 4096 || len(got.Type)+len(got.Code)+len(got.Param) > 768 || !utf8.ValidString(got.Message+got.Type+got.Code+got.Param) {
			t.Fatalf("got %+v", got)
		}
	})
}
