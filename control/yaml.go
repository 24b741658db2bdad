package control

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

func yamlText(doc []byte) (any, error) {
	b, err := YAML(doc)
	return text{yamlType, b}, err
}

// YAML writes a canonical document as people do: its names in the order of the document's bytes, without quotes
// where none are needed.
func YAML(doc []byte) ([]byte, error) {
	root, err := yamlNode(jsontext.NewDecoder(bytes.NewReader(doc)))
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("write document as YAML: %w", err)
	}
	return b.Bytes(), nil
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
