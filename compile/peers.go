package compile

import (
	"fmt"
	"slices"
)

// Peers gives the ids of a model's other endpoints in a canonical document, by one of them. One that is not there is
// CodeNotFound, with the near ids.
func Peers(doc []byte, endpoint string) ([]string, error) {
	members, err := membersOf(doc, "models")
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	name := modelOf(endpoint)
	for _, m := range members {
		if m.name != name {
			continue
		}
		ids, err := endpointsOf(name, doc[m.start:m.end])
		if err != nil {
			return nil, err
		}
		if i := slices.Index(ids, endpoint); i >= 0 {
			return slices.Delete(ids, i, i+1), nil
		}
	}
	return nil, unknownEndpoint(doc, members, endpoint)
}
