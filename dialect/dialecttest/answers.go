package dialecttest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

type answerCase struct {
	name   string
	answer *dialect.Answer
}

// usage has every price class, so that none can be mistaken for another.
var usage = fairlead.Usage{Input: 11, CacheRead: 200, CacheWrite: 3000, Output: 41, Reasoning: 7}

// answerCases are answers that differ from a plain one in the thing they are named after.
func answerCases() []answerCase {
	var cases []answerCase
	add := func(name string, change func(*dialect.Answer)) {
		a := &dialect.Answer{
			ID: "msg_1", Model: "upstream-model", Finish: dialect.FinishStop, Usage: usage, HasUsage: true,
			Parts: []dialect.Part{said("It is 4 C.")},
		}
		change(a)
		cases = append(cases, answerCase{name, a})
	}
	parts := func(name string, finish dialect.Finish, list ...dialect.Part) {
		add(name, func(a *dialect.Answer) { a.Parts, a.Finish = list, finish })
	}
	thought := dialect.Part{Kind: dialect.PartThinking, Text: "hm", Signature: "c2ln"}
	unsigned := dialect.Part{Kind: dialect.PartThinking, Text: "hm"}
	redacted := dialect.Part{Kind: dialect.PartRedacted, Data: "b3BhcXVl"}
	add("text", func(*dialect.Answer) {})
	add("text of every kind", func(a *dialect.Answer) { a.Parts[0].Text = "\"q\" \\ \n\t\x01 \u2028 <&> é 漢字 \U0001F600" })
	add("without usage", func(a *dialect.Answer) { a.Usage, a.HasUsage = fairlead.Usage{}, false })
	add("created", func(a *dialect.Answer) { a.Created = 1790000000 })
	add("stop sequence", func(a *dialect.Answer) { a.StopSequence = "END" })
	add("length", func(a *dialect.Answer) { a.Finish = dialect.FinishLength })
	add("filter", func(a *dialect.Answer) { a.Finish = dialect.FinishFilter })
	parts("empty", dialect.FinishStop)
	parts("text in parts", dialect.FinishStop, said("one"), said("two"))
	parts("refusal", dialect.FinishFilter, dialect.Part{Kind: dialect.PartRefusal, Text: "No."})
	parts("thinking", dialect.FinishStop, thought, said("4 C"))
	parts("thinking, unsigned", dialect.FinishStop, unsigned, said("4 C"))
	parts("thinking, redacted", dialect.FinishStop, redacted, said("4 C"))
	parts("thinking, several", dialect.FinishStop, thought, redacted, dialect.Part{Kind: dialect.PartThinking, Text: "so", Signature: "bW9yZQ"}, said("4 C"))
	parts("tool use", dialect.FinishTools, use("call_1", `{"city":"Oslo"}`))
	parts("tool use after text", dialect.FinishTools, said("I will look."), use("call_1", `{}`))
	parts("tool use with a strange id", dialect.FinishTools, use("call:1/é", `{}`))
	parts("tool uses, parallel", dialect.FinishTools, thought, use("call_1", `{"city":"Oslo"}`), use("call_2", `{"n":[1,null]}`))
	return cases
}

// answers writes each case and reads it back.
func (s *suite) answers(t *testing.T) {
	for _, c := range answerCases() {
		t.Run(c.name, func(t *testing.T) { s.answer(t, c) })
	}
}

func (s *suite) answer(t *testing.T, c answerCase) {
	exception := s.exception("answer/" + c.name)
	written := copyOf(c.answer)
	body := s.dialect.WriteAnswer(written)
	same(t, "WriteAnswer changed its answer", written, c.answer)
	if !json.Valid(body) {
		t.Fatalf("not JSON: %s", body)
	}
	got, err := s.dialect.ReadAnswer(body)
	if err != nil {
		t.Fatalf("ReadAnswer: %v\n%s", err, body)
	}
	want := copyOf(c.answer)
	if exception.Answer != nil {
		exception.Answer(want)
		if equal(normalAnswer(got), normalAnswer(c.answer)) {
			t.Error("the exception is not needed: the answer came back as it was written")
		}
	}
	same(t, "read back", normalAnswer(got), normalAnswer(want))

	seen, err := s.dialect.Inspect(fairlead.OpChat, body, new(jsonscan.Object))
	if err != nil {
		t.Fatalf("Inspect: %v\n%s", err, body)
	}
	if seen.Usage != got.Usage || seen.HasUsage != got.HasUsage {
		t.Errorf("Inspect sees usage %+v, ReadAnswer %+v", seen.Usage, got.Usage)
	}
	s.half(t, body)
	s.usage(t, body, got)
	if empty := len(c.answer.Parts) == 0; seen.Empty != empty || (seen.Bytes == 0) != (bytesOf(c.answer) == 0) {
		t.Errorf("Inspect sees empty %v and %d bytes in\n%s", seen.Empty, seen.Bytes, body)
	}
}

// half holds that an answer is none once the reason why it ended is gone or null: it may be half of one, and
// whoever writes it in another wire would have to make the reason up.
func (s *suite) half(t *testing.T, body []byte) {
	t.Helper()
	for _, gone := range []bool{true, false} {
		var whole any
		if err := json.Unmarshal(body, &whole); err != nil {
			t.Fatal(err)
		}
		if withoutReason(whole, gone) == 0 {
			t.Fatalf("no member of the answer is named after a reason\n%s", body)
		}
		cut, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		var f *dialect.Fault
		if got, err := s.dialect.ReadAnswer(cut); err == nil || errors.As(err, &f) {
			t.Errorf("ReadAnswer without a reason gives %+v, %v; want an error that is no *dialect.Fault\n%s", got, err, cut)
		}
		if seen, err := s.dialect.Inspect(fairlead.OpChat, cut, new(jsonscan.Object)); err == nil || errors.As(err, &f) {
			t.Errorf("Inspect without a reason gives %+v, %v; want an error that is no *dialect.Fault\n%s", seen, err, cut)
		}
	}
}

// withoutReason takes out the members whose name ends with reason, or makes them null, and counts them.
func withoutReason(v any, gone bool) (n int) {
	switch v := v.(type) {
	case map[string]any:
		for name, m := range v {
			switch {
			case !strings.HasSuffix(strings.ToLower(name), "reason"):
				n += withoutReason(m, gone)
				continue
			case gone:
				delete(v, name)
			default:
				v[name] = nil
			}
			n++
		}
	case []any:
		for _, m := range v {
			n += withoutReason(m, gone)
		}
	}
	return n
}

// usage holds that the usage member alone says what the whole answer does.
func (s *suite) usage(t *testing.T, body []byte, whole *dialect.Answer) {
	t.Helper()
	for _, nothing := range []string{"", "null", "{}", "[]", "7", `"usage"`, "{", `{"`} {
		if u, ok := s.dialect.ReadUsage(jsonscan.Value(nothing)); ok || u != (fairlead.Usage{}) {
			t.Errorf("ReadUsage of %q gives %+v, %v", nothing, u, ok)
		}
	}
	for _, m := range jsonscan.Value(body).Members() {
		u, ok := s.dialect.ReadUsage(m)
		if ok && u != whole.Usage {
			t.Errorf("ReadUsage gives %+v, ReadAnswer %+v\n%s", u, whole.Usage, m)
		}
		if ok {
			return
		}
	}
	if whole.HasUsage {
		t.Errorf("ReadUsage reads no member of the answer\n%s", body)
	}
}

// normalAnswer is a copy with tool ids as they were before the wire's spelling.
func normalAnswer(answer *dialect.Answer) *dialect.Answer {
	a := copyOf(answer)
	for i := range a.Parts {
		a.Parts[i].ID = dialect.DecodeToolID(a.Parts[i].ID)
	}
	return a
}

// bytesOf counts what an answer says.
func bytesOf(a *dialect.Answer) (n int) {
	for _, p := range a.Parts {
		n += len(p.Text) + len(p.Input)
	}
	return n
}
