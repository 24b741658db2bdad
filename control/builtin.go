package control

import "fairlead"

// builtin reports whether all that is in force is the fake provider that a node without any configuration serves. Its
// address is another one at each start, so nothing that is kept may be built on it.
func (c *current) builtin() bool {
	return c.Revision == 0 && c.source == SourceBuiltin && string(c.Document) != emptyDocument
}

// patchable is what a patch builds on: what is in force, or nothing where that is the fake provider.
func (c *current) patchable() []byte {
	if c.builtin() {
		return []byte(emptyDocument)
	}
	return c.Document
}

// serves reports whether a document has models. One that cannot be read is for the compiler to refuse.
func serves(document []byte) bool {
	config, err := readDocument(document)
	return err != nil || len(config.Models) > 0
}

// errBuiltin refuses what would change the fake provider, or take it away and put nothing in its place.
func errBuiltin() error {
	return &fairlead.Error{
		Code:    fairlead.CodeConflict,
		Message: "there is no configuration yet to change: what is served is the built-in fake provider, which is gone with the first revision",
		Hint:    "write the first one: fairlead apply -f fairlead.yaml",
	}
}
