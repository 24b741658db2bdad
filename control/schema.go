package control

import (
	"encoding"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
)

// schemas makes JSON schemas (2020-12, as OpenAPI 3.1 has them) of the types of bodies and answers, by their json tags.
// A field that is left out where it says nothing is not required; a pointer that always stands may be null.
type schemas struct{ made object }

// of gives a reference to the schema of a value's type.
func (s *schemas) of(v any) object { return s.ofType(reflect.TypeOf(v)) }

// closed is the schema of a body, which may have no other fields.
func (s *schemas) closed(v any) object {
	ref := s.of(v)
	name := strings.TrimPrefix(ref["$ref"].(string), schemaPlace)
	s.made[name].(object)["additionalProperties"] = false
	return ref
}

const schemaPlace = "#/components/schemas/"

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[jsontext.Value]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

// words are the values of types that have few.
var words = map[reflect.Type][]string{
	reflect.TypeFor[fairlead.Role]():       {string(fairlead.RoleAll), string(fairlead.RoleControl), string(fairlead.RoleEdge)},
	reflect.TypeFor[fairlead.Level]():      {string(fairlead.LevelViewer), string(fairlead.LevelOperator), string(fairlead.LevelAdmin)},
	reflect.TypeFor[Source]():              {string(SourceStore), string(SourceFile), string(SourceEnvironment), string(SourceBuiltin)},
	reflect.TypeFor[fairlead.ChangeKind](): {string(fairlead.ChangeRevision), string(fairlead.ChangeStep), string(fairlead.ChangeKey), string(fairlead.ChangeSecret), string(fairlead.ChangeBlock), string(fairlead.ChangeNode), string(fairlead.ChangeAccount)},
	reflect.TypeFor[fairlead.Origin](): {
		string(fairlead.OriginApply), string(fairlead.OriginPatch), string(fairlead.OriginRollback), string(fairlead.OriginWeight),
		string(fairlead.OriginFile), string(fairlead.OriginRamp), string(fairlead.OriginTrial),
	},
}

func (s *schemas) ofType(t reflect.Type) object {
	switch {
	case t == timeType:
		return object{"type": "string", "format": "date-time"}
	case t == rawType || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && t.Name() == "RawMessage":
		return object{"type": "object"}
	case words[t] != nil:
		return object{"type": "string", "enum": words[t]}
	case t.Implements(textType) || reflect.PointerTo(t).Implements(textType):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.ofType(t.Elem())
	case reflect.Struct:
		return s.structure(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.ofType(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.ofType(t.Elem())}
	case reflect.Interface:
		return object{}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		return object{"type": "string"}
	default:
		return object{"type": "integer"}
	}
}

// structure makes a named schema once and gives a reference to it.
func (s *schemas) structure(t reflect.Type) object {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if _, ok := s.made[name]; !ok {
		schema := object{"type": "object", "properties": object{}, "required": []string{}}
		s.made[name] = schema
		s.fields(t, schema)
	}
	return object{"$ref": schemaPlace + name}
}

func (s *schemas) fields(t reflect.Type, schema object) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
			continue
		case f.Anonymous && name == "":
			s.fields(f.Type, schema)
			continue
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		value := s.ofType(f.Type)
		if f.Type.Kind() == reflect.Pointer && !optional {
			value = object{"anyOf": []object{value, {"type": "null"}}}
		}
		schema["properties"].(object)[name] = value
		if !optional {
			schema["required"] = append(schema["required"].([]string), name)
		}
	}
}
