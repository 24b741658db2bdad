package compile

import (
	"bytes"
	"encoding"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"fairlead"
)

// strictly are the options by which JSON is read into a Config in one go. What they refuse is read again by the
// decoder, which says why; what they take, the decoder takes as well.
var strictly = json.JoinOptions(json.RejectUnknownMembers(true), json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(readText[*fairlead.Bytes]),
	json.UnmarshalFromFunc(readText[*fairlead.Duration]),
	json.UnmarshalFromFunc(readText[*fairlead.AutoDuration]),
	json.UnmarshalFromFunc(readText[*fairlead.TokenBytes]),
	json.UnmarshalFromFunc(readPrice),
)))

var errText = errors.New("not a size or a duration")

// readText reads a size or a duration, which may be written as a number.
func readText[T encoding.TextUnmarshaler](d *jsontext.Decoder, v T) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	if k := token.Kind(); k != '"' && k != '0' {
		return errText
	}
	text := token.String()
	if len(text) > maxShown {
		return errText
	}
	return v.UnmarshalText([]byte(text))
}

// isObject reports whether a text begins as a JSON object does; a YAML mapping may, too.
func isObject(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
}

// plain reads JSON that is as it should be; false where it is not, or may not be: a null can be an absent value
// and a missing one.
func plain(text []byte, into any) bool {
	return !bytes.Contains(text, []byte("null")) && json.Unmarshal(text, into, strictly) == nil
}

// look finds the places of findings, and of what lies around them, in a JSON text that has no errors of form.
func (s *source) look(found Findings) {
	wanted := newUnread(found).around
	b := newNodes(s.text)
	b.look("", func(path string, n *yaml.Node) bool {
		if wanted[path] {
			s.at[path] = position{n.Line, n.Column}
		}
		return wanted[path]
	})
}

// look tells the place of each value within the next one, and goes into those that found wants to be gone into.
// A scalar's place is told twice, that of its name first.
func (b *nodes) look(path string, found func(path string, at *yaml.Node) bool) {
	n := b.next()
	switch n.Kind {
	case yaml.MappingNode:
		for b.in.PeekKind() == '"' {
			name := b.next()
			b.within(key(path, name.Value), name, found)
		}
	case yaml.SequenceNode:
		for i := 0; b.in.PeekKind() != ']'; i++ {
			b.seek()
			b.within(item(path, i), &yaml.Node{Line: b.line, Column: b.column}, found)
		}
	default:
		found(path, n)
		return
	}
	_, _ = b.in.ReadToken() // its end
}

func (b *nodes) within(path string, at *yaml.Node, found func(string, *yaml.Node) bool) {
	if found(path, at) {
		b.look(path, found)
		return
	}
	_ = b.in.SkipValue() // the text was read before, so that it has no errors
}

// jsonNodes makes the nodes of a JSON text that the decoder reads, with lines and columns; nil where it is no
// JSON.
func jsonNodes(text []byte) *yaml.Node {
	b := newNodes(text)
	n := b.value()
	if n == nil {
		return nil
	}
	if _, err := b.in.ReadToken(); !errors.Is(err, io.EOF) {
		return nil
	}
	return n
}

// nodes makes YAML nodes of JSON tokens.
type nodes struct {
	in           *jsontext.Decoder
	text         []byte
	offset       int // line and column are those of it
	line, column int
}

func newNodes(text []byte) *nodes {
	return &nodes{text: text, line: 1, column: 1, in: jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))}
}

// maxNesting is deeper than anything that a configuration has.
const maxNesting = 100

// value makes the node of the next value; nil where there is none.
func (b *nodes) value() *yaml.Node {
	n := b.next()
	if n == nil || b.in.StackDepth() > maxNesting {
		return nil
	}
	end := jsontext.Kind(0)
	switch n.Kind {
	case yaml.MappingNode:
		end = '}'
	case yaml.SequenceNode:
		end = ']'
	default:
		return n
	}
	for b.in.PeekKind() != end {
		c := b.value()
		if c == nil {
			return nil
		}
		n.Content = append(n.Content, c)
	}
	_, err := b.in.ReadToken()
	if err != nil {
		return nil
	}
	return n
}

// next makes the node of the next token.
func (b *nodes) next() *yaml.Node {
	b.in.PeekKind()
	b.seek()
	token, err := b.in.ReadToken()
	if err != nil {
		return nil
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: b.line, Column: b.column}
	switch token.Kind() {
	case '{':
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	case '[':
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	case '"':
		n.Tag, n.Value = "!!str", token.String()
	case '0':
		n.Tag, n.Value = "!!int", token.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case 't', 'f':
		n.Tag, n.Value = "!!bool", token.String()
	case 'n':
		n.Tag, n.Value = "!!null", token.String()
	default:
		return nil
	}
	return n
}

// seek goes to where the next token begins.
func (b *nodes) seek() {
	to := int(b.in.InputOffset())
	for to < len(b.text) && strings.IndexByte(" \t\r\n,:", b.text[to]) >= 0 {
		to++
	}
	passed := b.text[b.offset:to]
	if n := bytes.Count(passed, []byte{'\n'}); n > 0 {
		b.line, b.column = b.line+n, 1
		passed = passed[bytes.LastIndexByte(passed, '\n')+1:]
	}
	b.column += utf8.RuneCount(passed)
	b.offset = to
}
