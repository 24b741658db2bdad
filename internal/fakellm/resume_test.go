package fakellm

import (
	"fmt"
	"strings"
	"testing"
)

// TestVary asserts that no two attempts say the same, not even at two servers of one seed.
func TestVary(t *testing.T) {
	_, one := Start(t, Options{Seed: 1})
	_, two := Start(t, Options{Seed: 1})
	seen := map[string]bool{}
	for i := range 20 {
		url := one
		if i%2 == 1 {
			url = two
		}
		_, body := post(t, url+"/v1/chat/completions", chatBody("vary", false))
		text := value(t, body, "choices.0.message.content").(string)
		id := value(t, body, "id").(string)
		if seen[text] || seen[id] || !strings.HasPrefix(text, takeMark) {
			t.Fatalf("said before, or no take: %s %q", id, text)
		}
		seen[text], seen[id] = true, true
	}
}

// TestContinue interrupts a take at every byte and asserts who goes on with it and who starts anew.
func TestContinue(t *testing.T) {
	_, begun := Start(t, Options{})
	_, next := Start(t, Options{})
	_, body := post(t, begun+"/v1/chat/completions", chatBody("x:vary,tokens=12", false))
	whole := value(t, body, "choices.0.message.content").(string)
	chat := func(model, extra, messages string) string {
		_, body := post(t, next+"/v1/chat/completions", fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"go"},%s]%s}`, model, messages, extra))
		return value(t, body, "choices.0.message.content").(string)
	}
	message := func(model, messages string) string {
		_, body := post(t, next+"/v1/messages", fmt.Sprintf(`{"model":%q,"max_tokens":99,"messages":[{"role":"user","content":"go"},%s]}`, model, messages))
		if len(value(t, body, "content").([]any)) == 0 {
			return ""
		}
		return value(t, body, "content.0.text").(string)
	}
	const final = `,"continue_final_message":true,"add_generation_prompt":false`
	for at := 16; at <= len(whole); at++ {
		said := strings.TrimRight(whole[:at], " ")
		rest := whole[len(said):]
		turn := fmt.Sprintf(`{"role":"assistant","content":%q}`, said)
		prefixed := fmt.Sprintf(`{"role":"assistant","content":%q,"prefix":true}`, said)
		for name, got := range map[string]string{
			"final":              chat("x:vary,tokens=12", final, turn),
			"prefix":             chat("x:vary,tokens=12", "", prefixed),
			"prefill, told so":   chat("x:vary,tokens=12,honour=prefill", "", turn),
			"Anthropic prefills": message("x:vary,tokens=12", turn),
		} {
			if got != rest {
				t.Fatalf("%s behind %q: %q, want %q", name, said, got, rest)
			}
		}
		for name, got := range map[string]string{
			"OpenAI does not prefill": chat("x:vary,tokens=12", "", turn),
			"honours nothing":         chat("x:vary,tokens=12,honour=none", final, turn),
			"honours another way":     message("x:vary,tokens=12,honour=anchor", turn),
		} {
			if !strings.HasPrefix(got, takeMark) || got[:14] == whole[:14] {
				t.Fatalf("%s behind %q: %q, want another take", name, said, got)
			}
		}
	}
}

// TestAnchor asserts that an instruction that quotes the end of the interrupted text is honoured by
// repeating the quote and going on.
func TestAnchor(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := post(t, url+"/v1/messages", messageBody("x:vary,tokens=20", false))
	whole := value(t, body, "content.0.text").(string)
	said := whole[:60]
	ask := func(model, anchor string) string {
		_, body := post(t, url+"/v1/chat/completions", fmt.Sprintf(
			`{"model":%q,"messages":[{"role":"user","content":"go"},{"role":"assistant","content":%q},{"role":"user","content":%q}]}`,
			model, said, "Your answer was cut off. Begin by repeating exactly: <<"+anchor+">> and go on."))
		return value(t, body, "choices.0.message.content").(string)
	}
	anchor := said[30:]
	if got := ask("x:vary,tokens=20", anchor); got != anchor+whole[60:] {
		t.Errorf("got %q, want %q", got, anchor+whole[60:])
	}
	for _, c := range []struct{ model, anchor string }{
		{"x:vary,tokens=20", said[len(said)-leastAnchor+1:]}, // too short to be one
		{"x:vary,tokens=20", said[:30]},                      // not the end
		{"x:vary,tokens=20,honour=final", anchor},
	} {
		if got := ask(c.model, c.anchor); !strings.HasPrefix(got, takeMark) || got[:14] == whole[:14] {
			t.Errorf("%s with %q: %q, want another take", c.model, c.anchor, got)
		}
	}
}

// TestContinueSteady asserts that a model with one text goes on with it too.
func TestContinueSteady(t *testing.T) {
	_, url := Start(t, Options{})
	_, body := post(t, url+"/v1/messages", messageBody("x:seed=3", false))
	whole := value(t, body, "content.0.text").(string)
	_, body = post(t, url+"/v1/messages", fmt.Sprintf(`{"model":"other:seed=3","max_tokens":99,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":%q}]}`, whole[:20]))
	if got := value(t, body, "content.0.text"); got != whole[20:] {
		t.Errorf("got %q, want %q", got, whole[20:])
	}
	_, body = post(t, url+"/v1/messages", `{"model":"other:seed=3","max_tokens":99,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"something else"}]}`)
	if got := value(t, body, "content.0.text"); got != whole {
		t.Errorf("a text of another model: got %q, want the whole %q", got, whole)
	}
}
