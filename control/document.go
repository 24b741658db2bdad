package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"fairlead"
	"fairlead/compile"
)

// document is a configuration that compiles.
type document struct {
	document []byte // canonical
	config   *fairlead.Config
	checked  *compile.Checked // what is said of it; nil = nobody asked for it apart
}

// lastDocument remembers the document that was read last: most reads and every write begin with the one in force.
type lastDocument struct {
	mu   sync.Mutex
	last document
}

// config reads a document of the store, or of a node's start.
func (l *lastDocument) config(doc []byte) (*fairlead.Config, *compile.Checked, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.config != nil && bytes.Equal(l.last.document, doc) {
		return l.last.config, l.last.checked, nil
	}
	c, err := readDocument(doc)
	if err == nil {
		l.last = document{doc, c, nil}
	}
	return c, nil, err
}

func (l *lastDocument) keep(d document) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = d
}

// readDocument reads what was a configuration when it was written.
func readDocument(doc []byte) (*fairlead.Config, error) {
	_, c, found := compile.Canonical(doc, "")
	if c == nil {
		return nil, fmt.Errorf("read a stored document: %w", found.Err())
	}
	return c, nil
}

// compile makes a document of a draft and says everything that is wrong with it. A secret that is not stored
// is a warning: it disables the credential that names it.
func (s *Config) compile(ctx context.Context, d draft) (document, compile.Findings, error) {
	doc, cfg, found := d.text, d.config, compile.Findings(nil)
	switch {
	case d.checked != nil:
		found = d.checked.Findings()
	case cfg != nil:
		found = compile.Check(cfg)
	default:
		doc, cfg, found = compile.Canonical(d.text, d.name)
	}
	if err := refused(found); err != nil {
		return document{}, found, err
	}
	unset, err := s.unsetSecrets(ctx, cfg)
	if err != nil {
		return document{}, found, err
	}
	return document{doc, cfg, d.checked}, append(append(compile.Findings{}, found...), unset...), nil
}

// unsetSecrets warns of the stored secrets that a configuration names and that have no value.
func (s *Config) unsetSecrets(ctx context.Context, cfg *fairlead.Config) (compile.Findings, error) {
	uses := secretUses(cfg)
	if len(uses) == 0 {
		return nil, nil
	}
	stored, err := s.Store.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	for _, secret := range stored {
		if !secret.Deleted() {
			delete(uses, secret.Name)
		}
	}
	var found compile.Findings
	for name, users := range uses {
		for _, u := range users {
			found = append(found, compile.Finding{
				Severity: compile.Warning, Path: "providers." + u.Provider + ".credentials",
				Message: "the secret " + name + " is not stored, so the credential " + u.Credential + " is out of use",
				Hint:    "fairlead secret set " + name,
			})
		}
	}
	return found, nil
}

// weights gives the configured weight of every endpoint, by id.
func weights(c *fairlead.Config) map[string]int {
	all := map[string]int{}
	for name, m := range c.Models {
		for _, e := range m.Endpoints {
			all[endpointID(name, e)] = weightOf(e)
		}
	}
	return all
}

var errNoObject = errors.New("not a JSON object")
