package fakellm

import "strings"

// Text is the text of n tokens that a model with the settings `seed` and `size` (0 = without) says, so
// that a test can hold an answer to it to the letter.
func Text(seed uint64, n, size int) string { return strings.Join(tokens(mix(seed), n, size), "") }

// Take is the whole text of n tokens that a model with the setting `vary` says, by how it begins; ok is
// false where no such model begins so.
func Take(begin string, n, size int) (text string, ok bool) {
	id, ok := takeOf(begin)
	if !ok {
		return "", false
	}
	return strings.Join(take(id, n, size), ""), true
}

// continues says how a request asks for the rest of an interrupted answer.
func (a *ask) continues() string {
	_, quoted := a.anchor()
	switch {
	case a.final:
		return "final"
	case a.prefill:
		return "prefill"
	case quoted != "":
		return "anchor"
	}
	return ""
}

// noPrefill is how Anthropic's newer models refuse to go on with the assistant's message.
var noPrefill = &problem{
	status: 400, kind: "invalid_request_error",
	message: "This model does not support assistant message prefill. The conversation must end with a user message.",
}
