package fakellm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// arguments makes a value for a tool's schema, always an object.
func arguments(schema any, i int) string {
	s := sample(schema, i)
	if !strings.HasPrefix(s, "{") {
		return "{}"
	}
	return s
}

// sample makes a value of a JSON schema: the first of an enum, numbers and words by their place.
func sample(schema any, i int) string { return sampleAt(schema, "value", i, 0) }

func sampleAt(schema any, name string, i, depth int) string {
	s, _ := schema.(map[string]any)
	if list, ok := s["enum"].([]any); ok && len(list) > 0 {
		return marshal(list[i%len(list)])
	}
	if v, ok := s["const"]; ok {
		return marshal(v)
	}
	kind, _ := s["type"].(string)
	if list, ok := s["type"].([]any); ok && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	if depth > 16 {
		return "null"
	}
	switch kind {
	case "integer", "number":
		return fmt.Sprint(i + 1)
	case "boolean":
		return "true"
	case "null":
		return "null"
	case "array":
		return "[" + sampleAt(s["items"], name, i, depth+1) + "]"
	case "object":
		props, _ := s["properties"].(map[string]any)
		keys := make([]string, 0, len(props))
		for k := range props {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for k, key := range keys {
			keys[k] = quote(key) + ":" + sampleAt(props[key], key, i, depth+1)
		}
		return "{" + strings.Join(keys, ",") + "}"
	default:
		return quote(fmt.Sprintf("%s %d", name, i+1))
	}
}

func marshal(v any) string {
	b, _ := json.Marshal(v) // cannot fail: it came from JSON
	return string(b)
}
