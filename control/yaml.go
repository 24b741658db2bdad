package control

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// lastYAML remembers the YAML of the document that was shown last: mostly the one in force.
type lastYAML struct {
	mu             sync.Mutex
	document, text []byte
}

func (l *lastYAML) yaml(doc []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text != nil && bytes.Equal(l.document, doc) {
		return l.text, nil
	}
	b, err := YAML(doc)
	if err == nil {
		l.document, l.text = doc, b
	}
	return b, err
}

// yamlPart is how much of a document, in bytes about, is made YAML at once: the tree of it takes a hundred times as much.
const yamlPart = 64 << 10

// YAML writes a canonical document as people do: its names in the order of the document's bytes, without quotes
// where none are needed.
func YAML(doc []byte) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(doc))
	var b bytes.Buffer
	if _, err := d.ReadToken(); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err == nil {
			err = yamlMember(&b, name.String(), d)
		}
		if err != nil {
			return nil, fmt.Errorf("write document as YAML: %w", err)
		}
	}
	if b.Len() == 0 {
		return []byte("{}\n"), nil
	}
	return b.Bytes(), nil
}

// yamlMember writes a member of the document whose value is the next one: of an object part after part, each as if it were
// all of it, without the line that names it again. The names of a configuration's members take one line.
func yamlMember(b *bytes.Buffer, name string, d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		v, err := yamlNode(d)
		if err != nil {
			return err
		}
		return yamlEncode(b, name, v, false)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for again := false; !again || d.PeekKind() == '"'; again = true {
		part, err := yamlMembers(d)
		if err == nil {
			err = yamlEncode(b, name, part, again)
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// yamlMembers makes a node of the next members of an object, as many as a part has.
func yamlMembers(d *jsontext.Decoder) (*yaml.Node, error) {
	part := &yaml.Node{Kind: yaml.MappingNode}
	for from := d.InputOffset(); d.PeekKind() == '"' && d.InputOffset() < from+yamlPart; {
		for range 2 { // name and value
			n, err := yamlNode(d)
			if err != nil {
				return nil, err
			}
			part.Content = append(part.Content, n)
		}
	}
	if len(part.Content) == 0 {
		part.Style = yaml.FlowStyle
	}
	return part, nil
}

func yamlEncode(b *bytes.Buffer, name string, value *yaml.Node, nameless bool) error {
	var part bytes.Buffer
	e := yaml.NewEncoder(&part)
	e.SetIndent(2)
	err := e.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, value}})
	text := part.Bytes()
	if nameless {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	b.Write(text)
	return err
}

// yamlNode makes a node of the next value.
func yamlNode(d *jsontext.Decoder) (*yaml.Node, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: t.String()}
	switch t.Kind() {
	case '{':
		n.Kind, n.Value = yaml.MappingNode, ""
	case '[':
		n.Kind, n.Value = yaml.SequenceNode, ""
	case '"':
		n.Tag = "!!str" // what reads as another type is quoted
		return n, nil
	case '0':
		n.Tag = "!!int"
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
		return n, nil
	default:
		return n, nil
	}
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		c, err := yamlNode(d)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, c)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err = d.ReadToken()
	return n, err
}
