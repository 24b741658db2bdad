package compile

import "fairlead"

// ReadYAML reads a document as YAML, whatever it is.
func ReadYAML(text []byte, name string) (*fairlead.Config, Findings) {
	return decode(text, newSource(name), parseYAML)
}
