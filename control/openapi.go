package control

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object of the OpenAPI document.
type object = map[string]any

// describe makes the OpenAPI 3.1 document of the table.
func describe(table []route) []byte {
	s := &schemas{made: object{}}
	paths := object{}
	for i := range table {
		row := &table[i]
		at := pathParameter.ReplaceAllString(row.path, "{$1}")
		if paths[at] == nil {
			paths[at] = object{}
		}
		paths[at].(object)[strings.ToLower(row.method)] = operation(row, s)
	}
	b, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "fairlead control API", "version": "1",
			"description": "Steers a fleet while it runs. Path parameters are percent-encoded: the slash in an endpoint's id is %2F, or stands as it is.",
		},
		"paths": paths,
		"components": object{
			"schemas":         s.made,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
		},
		"security": []object{{"token": []string{}}},
	})
	if err != nil {
		panic("control: the table of the API cannot be described: " + err.Error()) // it is the same at every start
	}
	return b
}

// pathParameter is a part of a pattern of http.ServeMux that stands for anything.
var pathParameter = regexp.MustCompile(`\{([a-z]+)(?:\.\.\.)?\}`)

func operation(row *route, s *schemas) object {
	op := object{
		"operationId": row.id,
		"summary":     row.summary,
		"parameters":  parameters(row),
		"responses": object{
			strconv.Itoa(row.success()): object{"description": "Done", "content": contents(row, s), "headers": answerHeaders(row)},
			"default":                   object{"description": "It cannot be; the code says why", "content": object{jsonType: object{"schema": s.of(errorAnswer{})}}},
		},
	}
	if row.level == "" {
		op["security"] = []object{}
	} else {
		op["description"] = "Needs a token of level " + string(row.level) + "."
	}
	if body := requestBody(row, s); body != nil {
		op["requestBody"] = body
	}
	return op
}

func parameters(row *route) []object {
	list := []object{}
	for _, m := range pathParameter.FindAllStringSubmatch(row.path, -1) {
		list = append(list, object{"name": m[1], "in": "path", "required": true, "schema": pathSchema(m[1])})
	}
	for _, p := range row.query {
		schema := object{"type": "string"}
		switch {
		case p.most > 0:
			schema = object{"type": "integer", "minimum": 1, "maximum": p.most}
		case len(p.oneOf) > 0:
			schema["enum"] = p.oneOf
		}
		list = append(list, object{"name": p.name, "in": "query", "description": p.text + ".", "schema": schema})
	}
	if row.revises() {
		list = append(list, object{
			"name": "If-Match", "in": "header", "schema": object{"type": "string"},
			"description": `The revision that the write is meant for, as in the ETag: "7". Another one in force is answered 412.`,
		})
	}
	if slices.ContainsFunc(row.query, func(p param) bool { return p.name == why.name }) {
		list = append(list, object{"name": "X-Fairlead-Why", "in": "header", "description": "The same as why.", "schema": object{"type": "string", "maxLength": maxWhy}})
	}
	return list
}

// pathSchema is what a parameter of a path may be.
func pathSchema(name string) object {
	if slices.Contains([]string{"n", "a", "b"}, name) {
		return object{"type": "integer", "minimum": 1}
	}
	return object{"type": "string", "minLength": 1}
}

// revises reports whether the row writes the configuration.
func (r *route) revises() bool {
	_, ok := r.answer.(Written)
	return ok
}

func answerHeaders(row *route) object {
	if row.revises() || row.path == v1+"config" || row.path == v1+"revisions/{n}" {
		return object{"ETag": object{"description": "The revision, in quotes.", "schema": object{"type": "string"}}}
	}
	return object{}
}

func contents(row *route, s *schemas) object {
	content := object{}
	if row.answer != nil {
		content[jsonType] = object{"schema": s.of(row.answer)}
	}
	switch row.gives {
	case yamlType:
		content[yamlType] = object{"schema": object{"type": "string"}}
	case eventType:
		content[eventType] = object{"schema": object{
			"type": "string", "description": "Events of type record, whose data is a RecordAnswer, and of type notice, whose data is a NoticeAnswer.",
		}}
		s.of(recordAnswer{})
		s.of(noticeAnswer{})
	case gzipType:
		content[gzipType] = object{"schema": object{"type": "string", "format": "binary"}}
	}
	return content
}

func requestBody(row *route, s *schemas) object {
	config := object{"schema": object{"type": "object", "description": "A configuration; docs/configuration.md says what is in it."}}
	switch {
	case row.takes == takesDocument:
		return object{"required": true, "content": object{jsonType: config, yamlType: config}}
	case row.takes == takesPatch:
		patch := object{"schema": object{"type": "object", "description": "A part of a configuration; null takes a name away, a list replaces the list."}}
		return object{"required": true, "content": object{"application/merge-patch+json": patch, jsonType: patch}}
	case row.body != nil:
		return object{"required": !row.optional, "content": object{jsonType: object{"schema": s.closed(row.body)}}}
	}
	return nil
}
