package compile

import (
	"fmt"
	"slices"

	"fairlead"
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

// endpointsOf gives the ids of the endpoints of a model, as a canonical document has it.
func endpointsOf(name string, text []byte) ([]string, error) {
	var model fairlead.ModelConfig
	if !plain(text, &model) {
		return nil, fmt.Errorf("read document: model %s is not canonical", name)
	}
	ids := make([]string, len(model.Endpoints))
	for i, e := range model.Endpoints {
		ids[i] = endpointID(name, e)
	}
	return ids, nil
}
