package anthropic

import "fairlead/internal/jsonscan"

// Acts reports whether the provider is asked to do more than write text. A tool without a type, or of type
// custom, is run by the caller; of those that the vendor defines some are run by itself.
func (Dialect) Acts(body *jsonscan.Object) bool {
	if servers, ok := body.Get("mcp_servers"); ok && !servers.IsNull() && (servers.Kind() != jsonscan.KindArray || !empty(servers)) {
		return true
	}
	tools, ok := body.Get("tools")
	if !ok || tools.IsNull() {
		return false
	}
	if tools.Kind() != jsonscan.KindArray {
		return true
	}
	for tool := range tools.Elements() {
		if typ, ok := tool.Get("type"); ok && !typ.IsNull() && !is(typ, "custom") {
			return true
		}
	}
	return false
}
