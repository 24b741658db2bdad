package openai

import "fairlead/internal/jsonscan"

// acting are the fields that have a provider search, whoever of the vendors knows them: OpenAI, OpenRouter,
// xAI.
var acting = []string{"web_search_options", "plugins", "search_parameters"}

// Acts reports whether the provider is asked to do more than write text. Functions are run by the caller;
// every other type of tool may be run by the provider.
func (Dialect) Acts(body *jsonscan.Object) bool {
	for _, name := range acting {
		if v, ok := body.Get(name); ok && v.Truthy() {
			return true
		}
	}
	if v, ok := body.Get("audio"); ok && v.Truthy() {
		return true
	}
	if v, ok := body.Get("modalities"); ok && !v.IsNull() && !all(v, func(e jsonscan.Value) bool { return isText(e, "text") }) {
		return true
	}
	tools, ok := body.Get("tools")
	return ok && !tools.IsNull() && !all(tools, func(tool jsonscan.Value) bool {
		kind, _ := tool.Get("type")
		return isText(kind, "function")
	})
}

// all reports whether v is an array of which every element holds.
func all(v jsonscan.Value, holds func(jsonscan.Value) bool) bool {
	if v.Kind() != jsonscan.KindArray {
		return false
	}
	for e := range v.Elements() {
		if !holds(e) {
			return false
		}
	}
	return true
}

func isText(v jsonscan.Value, want string) bool {
	got, ok := v.Text()
	return ok && got == want
}
