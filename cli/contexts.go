package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"fairlead"
	"fairlead/client"
	"fairlead/control"
)

// contexts is the file of the control planes that somebody works with, $XDG_CONFIG_HOME/fairlead/contexts.yaml. It
// holds no token: those are in files of their own, or in variables.
type contexts struct {
	Current  string                  `yaml:"current,omitempty"`
	Contexts map[string]contextPlace `yaml:"contexts"`
}

// contextPlace is one control plane, and where its token is; without either the token is found as without a context.
type contextPlace struct {
	Control   string `yaml:"control"`
	TokenFile string `yaml:"token_file,omitempty"`
	TokenEnv  string `yaml:"token_env,omitempty"`
}

const maxContexts = 1 << 20 // bytes of the file

// configFolder gives the folder of this user's files, "" where there is no home.
func (p *program) configFolder() string {
	// The specification of XDG_CONFIG_HOME says that a relative path is to be ignored.
	if v, _ := p.Lookup("XDG_CONFIG_HOME"); filepath.IsAbs(v) {
		return filepath.Join(v, "fairlead")
	}
	if v, _ := p.Lookup("HOME"); filepath.IsAbs(v) {
		return filepath.Join(v, ".config", "fairlead")
	}
	return ""
}

// readContexts reads the file; where there is none, there are no contexts.
func (p *program) readContexts() (contexts, error) {
	none := contexts{Contexts: map[string]contextPlace{}}
	dir := p.configFolder()
	if dir == "" {
		return none, nil
	}
	path := filepath.Join(dir, "contexts.yaml")
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("read contexts: %w", err)
	}
	defer f.Close()
	decoder := yaml.NewDecoder(io.LimitReader(f, maxContexts))
	decoder.KnownFields(true)
	read := none
	if err := decoder.Decode(&read); err != nil && !errors.Is(err, io.EOF) {
		return none, fmt.Errorf("read contexts: %s: %w", path, err)
	}
	return read, nil
}

// writeContexts replaces the file whole.
func (p *program) writeContexts(c contexts) error {
	text, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode contexts: %w", err)
	}
	return p.writePrivate("contexts.yaml", text)
}

// writePrivate writes a file that its owner alone can read into the folder of this user's files.
func (p *program) writePrivate(name string, text []byte) error {
	dir := p.configFolder()
	if dir == "" {
		return usage(errors.New("there is no home folder for contexts: set XDG_CONFIG_HOME or HOME"))
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return replaceFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// replaceFile writes a private file beside the place and renames it there once it is whole and on the disk.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		if place := (*fs.PathError)(nil); errors.As(err, &place) {
			err = place.Err // its path is a name that nobody gave
		}
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// context finds a context by its name.
func (c contexts) context(name string) (contextPlace, error) {
	place, ok := c.Contexts[name]
	if !ok {
		return place, &hintError{fmt.Errorf("there is no context %q", name), "'fairlead context list' shows them, 'fairlead context add' makes one"}
	}
	return place, nil
}

// contextClient makes a client of a context's control plane.
func (p *program) contextClient(name string) (*client.Client, error) {
	all, err := p.readContexts()
	if err != nil {
		return nil, err
	}
	place, err := all.context(name)
	if err != nil {
		return nil, err
	}
	return p.placeClient(name, place)
}

// placeClient shows a context's token to that context's control plane alone, and no other token to it where it has one.
func (p *program) placeClient(name string, place contextPlace) (*client.Client, error) {
	address := controlURLs(place.Control)
	token, err := p.placeToken(name, place)
	if err != nil {
		return nil, err
	}
	c, err := client.New(address, token)
	if err != nil {
		return nil, fmt.Errorf("context %s: %w", name, err)
	}
	return c, nil
}

func (p *program) placeToken(name string, place contextPlace) (fairlead.Secret, error) {
	switch {
	case place.TokenFile != "":
		token, err := control.ReadTokenFile(place.TokenFile)
		if err != nil {
			return token, &hintError{fmt.Errorf("context %s: %w", name, err), "give the context another with 'fairlead context add " + name + " --control " + place.Control + "'"}
		}
		return token, nil
	case place.TokenEnv != "":
		v, _ := p.Lookup(place.TokenEnv)
		if v = strings.TrimSpace(v); v == "" {
			return fairlead.Secret{}, &hintError{fmt.Errorf("no admin token for context %s", name), "set " + place.TokenEnv + " to it: the context takes it from there"}
		}
		return fairlead.NewSecret(v), nil
	}
	return p.findToken("", controlURLs(place.Control))
}
