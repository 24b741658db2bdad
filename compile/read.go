// Package compile makes a snapshot of a configuration: Read turns a YAML (or JSON) document into a
// fairlead.Config and says everything that is wrong with it, Check says what can be said of a Config
// that came from no document, Compile fills in defaults and the provider table and resolves
// references. The control plane runs it to refuse a bad configuration, every edge before it swaps.
//
// What is stored and carried is a canonical document, JSON: Canonical makes it of what people write, Merge and
// Patch are its changes, SetWeight the most frequent of them, Diff and Risks say what a change means. FromState
// makes the snapshot of what an edge holds, Incremental one after another.
//
// The package is pure but for the Resolver that Local gives: no clock, no watching of files.
package compile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"fairlead"
)

// Bounds of a document. Ten thousand endpoints written out fit many times. The YAML library bounds
// nesting itself.
const (
	maxDocument = 8 << 20
	maxAliased  = 100_000 // values reached through YAML aliases, counted each time
)

// position is a place in a document; both count from 1.
type position struct{ line, column int }

// source is where a configuration came from: its name and the place of every value in it.
type source struct {
	name string
	at   map[string]position
	text []byte // JSON in which places are looked for when they are asked for; nil = all are known
}

// Read makes a Config of a document; name stands in the findings. The findings hold everything that
// is wrong, with lines: what cannot be read, and what Check says. The Config is nil where any of
// them is an error.
func Read(data []byte, name string) (*fairlead.Config, Findings) {
	c, _, found := read(data, name)
	return c, found
}

// Load reads a document and compiles it: Read and Compile in one, with lines in all findings and
// none of them twice. The Config and the Snapshot are nil where any finding is an error.
func Load(data []byte, name string, revision int64, resolve Resolver) (*fairlead.Config, *fairlead.Snapshot, Findings) {
	c, src, found := read(data, name)
	if c == nil {
		return nil, nil, found
	}
	s, more := build(c, revision, resolve)
	return c, s, append(found, src.locate(more)...).sorted()
}

func read(data []byte, name string) (*fairlead.Config, *source, Findings) {
	src := newSource(name)
	if c := new(fairlead.Config); len(data) <= maxDocument && isObject(data) && plain(data, c) {
		src.text = data
		found := src.locate(check(c)).sorted()
		if found.Err() != nil {
			return nil, src, found
		}
		return c, src, found
	}
	c, found := decode(data, src, parse)
	return c, src, found
}

// decode reads a document node by node, as parse gives them.
func decode(data []byte, src *source, parse func([]byte) (*yaml.Node, *Finding)) (*fairlead.Config, Findings) {
	root, refused := parse(data)
	if refused != nil {
		refused.Severity, refused.File = Error, src.name
		return nil, Findings{*refused}
	}
	var c fairlead.Config
	d := newDecoder(src)
	d.document(root, &c)
	found := d.found
	if !d.stopped && !outlineWrong(found) {
		not := newUnread(d.found)
		for _, f := range src.locate(check(&c)) {
			if !not.has(f.Path) {
				found = append(found, f)
			}
		}
	}
	found = found.sorted()
	if found.Err() != nil {
		return nil, found
	}
	return &c, found
}

// outlineWrong reports whether providers or models as a whole could not be read, or a name of the
// outline is unknown: what Check would then say of missing ones is only the echo of that.
func outlineWrong(found Findings) bool {
	for _, f := range found {
		if !strings.ContainsAny(f.Path, ".[") && f.Path != "version" && f.Path != "settings" {
			return true
		}
	}
	return false
}

// unread are the values that could not be read, to keep Check from saying so again in other words.
type unread struct {
	paths  map[string]bool
	around map[string]bool // those paths and all that they lie in
}

func newUnread(found Findings) unread {
	u := unread{map[string]bool{}, map[string]bool{"": len(found) > 0}}
	for _, f := range found {
		u.paths[f.Path] = true
		for path := f.Path; path != "" && !u.around[path]; path = parent(path) {
			u.around[path] = true
		}
	}
	return u
}

// has reports whether path, something within it or something around it could not be read.
func (u unread) has(path string) bool {
	if u.around[path] {
		return true
	}
	for ; path != ""; path = parent(path) {
		if u.paths[path] {
			return true
		}
	}
	return false
}

// parent cuts the last part of a path; "" is the document. It may stop within a quoted name, at what
// is nothing's path.
func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

func newSource(name string) *source {
	return &source{name: name, at: map[string]position{"": {1, 1}}}
}

// locate gives findings the place of their path, or of the nearest value around it.
func (s *source) locate(found Findings) Findings {
	if s.text != nil && len(found) > 0 {
		s.look(found)
	}
	for i := range found {
		f := &found[i]
		f.File = s.name
		path := f.Path
		at, ok := s.at[path]
		for !ok {
			path = parent(path)
			at, ok = s.at[path]
		}
		f.Line, f.Column = at.line, at.column
	}
	return found
}

// parse reads the one YAML or JSON document that data must be.
func parse(data []byte) (*yaml.Node, *Finding) {
	if len(data) > maxDocument {
		return nil, &Finding{Message: fmt.Sprintf("the document has %d bytes; at most %d are taken", len(data), maxDocument)}
	}
	if isObject(data) {
		if root := jsonNodes(data); root != nil {
			return root, nil
		}
	}
	return parseYAML(data)
}

func parseYAML(data []byte) (*yaml.Node, *Finding) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, syntax(err)
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntax(err)
	default:
		return nil, &Finding{
			Line: second.Line, Column: second.Column, Message: "a second document begins here",
			Hint: "a configuration is one document; take the --- away",
		}
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || isNull(doc.Content[0]) {
		return nil, empty()
	}
	return doc.Content[0], nil
}

func empty() *Finding {
	return &Finding{Message: "the document is empty", Hint: "it begins with: version: 1"}
}

// yamlLine finds the line that the YAML library names in an error.
var yamlLine = regexp.MustCompile(`^line (\d+): `)

// syntax words an error of the YAML library. Its texts name what it saw of the syntax, never a value.
func syntax(err error) *Finding {
	if errors.Is(err, io.EOF) {
		return empty()
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	f := &Finding{}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Column = 1
		text = text[len(m[0]):]
	}
	f.Message = "not YAML: " + text
	if strings.Contains(text, "cannot start any token") {
		f.Hint = "indent with spaces, not with tabs, and quote values that begin with a sign such as @ or `"
	}
	return f
}
