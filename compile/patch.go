package compile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
	"fairlead/internal/jsonscan"
	"fairlead/internal/mergepatch"
)

// Merge applies a merge patch (RFC 7396) to a canonical document: a member of the patch takes the place of the
// document's, null takes it away, mappings are gone into, lists and all else are replaced whole. The result is
// canonical in form; whether it can be a configuration is Canonical's to say, which should write it again. A patch
// that is no JSON object with every name once is an error of the caller.
func Merge(doc, patch []byte) ([]byte, error) {
	if err := asObject(patch); err != nil {
		return nil, err
	}
	merged, err := mergepatch.Merge(doc, patch)
	if err != nil {
		return nil, fmt.Errorf("apply merge patch: %w", err)
	}
	if len(merged) > maxDocument {
		return nil, fairlead.Errorf(fairlead.CodeBodyTooLarge, fmt.Sprintf("the document would have %d bytes; at most %d are taken", len(merged), maxDocument))
	}
	return merged, nil
}

// Sendable says why a merge patch that somebody sends is not taken for the names in it. Those that this program makes of two
// documents may have more.
func Sendable(patch []byte) error {
	var o jsonscan.Object
	var e *jsonscan.Error
	if errors.As(o.Scan(patch), &e) && e.Kind == jsonscan.Names {
		return &fairlead.Error{
			Code: fairlead.CodeInvalidRequest, Message: fmt.Sprintf("the merge patch has more than %d names", jsonscan.MaxNames),
			Hint: "send the whole document, or the patch in two steps",
		}
	}
	return nil
}

// Patch gives the merge patch that makes one canonical document of another.
func Patch(from, to []byte) ([]byte, error) {
	patch, err := mergepatch.Make(from, to)
	if err != nil {
		return nil, fmt.Errorf("make merge patch: %w", err)
	}
	return patch, nil
}

// Between is Patch for documents that are known to be canonical, which spares writing both again. Of others it gives a
// patch that may make another document: whoever commits one has to compare.
func Between(from, to []byte) []byte { return mergepatch.Between(from, to) }

// asObject says why a merge patch is none.
func asObject(patch []byte) error {
	if len(patch) > maxDocument {
		return fairlead.Errorf(fairlead.CodeBodyTooLarge, fmt.Sprintf("the merge patch has %d bytes; at most %d are taken", len(patch), maxDocument))
	}
	var v jsontext.Value
	err := json.Unmarshal(patch, &v)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fairlead.Errorf(fairlead.CodeDuplicateField, "a name stands twice in one object of the merge patch")
	case err != nil:
		return &fairlead.Error{Code: fairlead.CodeInvalidJSON, Message: "the merge patch is not JSON", Err: err}
	case v.Kind() != '{':
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "a merge patch is a JSON object")
	case deepest(v) > maxNesting:
		return fairlead.Errorf(fairlead.CodeTooDeep, fmt.Sprintf("the merge patch nests deeper than %d levels", maxNesting))
	}
	return nil
}

// deepest is how deep valid JSON nests.
func deepest(v jsontext.Value) (most int) {
	d := jsontext.NewDecoder(bytes.NewBuffer(v))
	for {
		if _, err := d.ReadToken(); err != nil {
			return most
		}
		most = max(most, d.StackDepth())
	}
}

// SetWeight gives the canonical document in which one endpoint, by its id, has another weight; 0 drains it. An
// endpoint that is not there is CodeNotFound, with the near ids.
func SetWeight(doc []byte, endpoint string, weight int) ([]byte, error) {
	if err := possible(weight); err != nil {
		return nil, err
	}
	members, err := membersOf(doc, "models")
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	name := modelOf(endpoint)
	for _, m := range members {
		if m.name != name {
			continue
		}
		text, _, found, err := m.reweighed(doc, endpoint, weight)
		if err != nil {
			return nil, err
		}
		if found {
			return slices.Concat(doc[:m.start], text, doc[m.end:]), nil
		}
	}
	return nil, unknownEndpoint(doc, members, endpoint)
}

// Reweighed is a document with another weight, and what was made with it.
type Reweighed struct {
	Document []byte
	Config   *fairlead.Config // of the document; what it has in common with the one before is shared, and must not be changed
	Patch    []byte           // that makes the document of the one before
	Model    string           // that alone differs
}

// Reweigh is SetWeight for a canonical document whose Config is known: it reads no more of it than the model.
func Reweigh(doc []byte, c *fairlead.Config, endpoint string, weight int) (Reweighed, error) {
	if err := possible(weight); err != nil {
		return Reweighed{}, err
	}
	m, there := modelIn(doc, modelOf(endpoint))
	if !there {
		_, err := SetWeight(doc, endpoint, weight) // says what there is
		return Reweighed{}, cmp.Or(err, errNotCanonical)
	}
	text, model, found, err := m.reweighed(doc, endpoint, weight)
	if err == nil && !found {
		_, err = SetWeight(doc, endpoint, weight)
		err = cmp.Or(err, errNotCanonical)
	}
	if err != nil {
		return Reweighed{}, err
	}
	n := *c
	n.Models = maps.Clone(c.Models)
	n.Models[m.name] = model
	return Reweighed{
		Document: slices.Concat(doc[:m.start], text, doc[m.end:]), Config: &n, Model: m.name,
		Patch: mergepatch.BetweenAt(doc[m.start:m.end], text, "models", m.name),
	}, nil
}

var errNotCanonical = errors.New("read document: it is not canonical")

func possible(weight int) error {
	if weight < 0 || weight > maxWeight {
		return fairlead.Errorf(fairlead.CodeInvalidRequest, fmt.Sprintf("a weight is 0 to %d", maxWeight))
	}
	return nil
}

// modelIn finds a model in a canonical document.
func modelIn(doc []byte, name string) (m span, ok bool) {
	m.name = name
	for _, of := range []string{"models", name} {
		w := jsonscan.Value(doc[m.start:]).Walk()
		ok = w.Object()
		for ; ok; ok = w.More() {
			if string(w.Name()) == of {
				break
			}
		}
		if !ok {
			return m, false
		}
		m.start += w.Offset()
		m.end = m.start + len(w.Value())
	}
	return m, true
}

// reweighed is the text of a model in which one endpoint has another weight; false where it has no such endpoint.
func (m span) reweighed(doc []byte, endpoint string, weight int) (text []byte, model fairlead.ModelConfig, found bool, err error) {
	if !plain(doc[m.start:m.end], &model) {
		return nil, model, false, fmt.Errorf("read document: model %s is not canonical", m.name)
	}
	for i := range model.Endpoints {
		if e := &model.Endpoints[i]; endpointID(m.name, *e) == endpoint {
			e.Weight = &weight
			return encode(&model), model, true, nil
		}
	}
	return nil, model, false, nil
}

// modelOf is the model in an endpoint's id: names of providers and of endpoints hold no @.
func modelOf(endpoint string) string { return endpoint[:max(strings.LastIndexByte(endpoint, '@'), 0)] }

func unknownEndpoint(doc []byte, members []span, endpoint string) error {
	var ids []string
	for _, m := range members {
		var model fairlead.ModelConfig
		if plain(doc[m.start:m.end], &model) {
			for _, e := range model.Endpoints {
				ids = append(ids, endpointID(m.name, e))
			}
		}
	}
	e := fairlead.Errorf(fairlead.CodeNotFound, "there is no endpoint "+show(endpoint))
	e.Hint = cmp.Or(meant(endpoint, ids), "an endpoint's id is author/name@provider, or author/name@provider~name")
	return e
}

// span is where the value of a member stands in a document, and where its name begins.
type span struct {
	name         string
	begin, start int
	end          int
}

// membersOf finds the members of one of a document's own members, in their order.
func membersOf(doc []byte, of string) (members []span, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(doc))
	top := func(m span) error {
		if m.name == of {
			return eachMember(d, doc, func(m span) error {
				err := d.SkipValue()
				m.end = int(d.InputOffset())
				members = append(members, m)
				return err
			})
		}
		return d.SkipValue()
	}
	return members, eachMember(d, doc, top)
}

// eachMember goes through the members of the object that d is before; each reads the value.
func eachMember(d *jsontext.Decoder, doc []byte, each func(span) error) error {
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return cmp.Or(err, errors.New("not a JSON object"))
	}
	for d.PeekKind() == '"' {
		begin := int(d.InputOffset())
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		m := span{name: name.String(), begin: begin, start: int(d.InputOffset())}
		m.begin, m.start = gap(doc, m.begin), gap(doc, m.start)
		if err := each(m); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// gap skips what stands between two tokens.
func gap(doc []byte, at int) int {
	for at < len(doc) && strings.IndexByte(" \t\r\n,:", doc[at]) >= 0 {
		at++
	}
	return at
}
