package compile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"fairlead"
)

// Reference names a credential that is kept elsewhere: ${env:X}, ${file:/path} or ${secret:NAME}.
type Reference struct {
	Kind string // env, file, secret
	Name string
}

// String is the reference as a configuration writes it. It holds no secret.
func (r Reference) String() string { return "${" + r.Kind + ":" + r.Name + "}" }

var (
	referenceShape = regexp.MustCompile(`^\$\{(env|file|secret):([^{}]+)\}$`)
	variableShape  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// errNoReference words what a credential must be; it repeats nothing of the value, which may be the
// credential itself.
var errNoReference = errors.New("must be a reference; a credential's value is never written into a configuration")

// ParseReference reads a reference, which must be the whole of s.
func ParseReference(s string) (Reference, error) {
	m := referenceShape.FindStringSubmatch(s)
	if m == nil {
		return Reference{}, errNoReference
	}
	r := Reference{Kind: m[1], Name: m[2]}
	switch {
	case r.Kind == "env" && !variableShape.MatchString(r.Name):
		return Reference{}, errors.New("the name in ${env:NAME} has letters, digits and _ only")
	case r.Kind == "file" && (!filepath.IsAbs(r.Name) || strings.ContainsFunc(r.Name, isControl)):
		return Reference{}, errors.New("the path in ${file:/path} must be absolute")
	case r.Kind == "secret" && !nameShape.MatchString(r.Name):
		return Reference{}, errors.New("the name in ${secret:NAME} has letters, digits and . _ - only")
	}
	return r, nil
}

// Resolver gives the value that a reference stands for. Its errors must not hold any part of a value.
type Resolver func(Reference) (fairlead.Secret, error)

// maxSecretFile bounds what ${file:...} reads; no key is near it.
const maxSecretFile = 64 << 10

// WithSecrets resolves ${secret:NAME} by a lookup among the stored secrets, and all else as r does. ok is false
// where there is none of that name; an error, which must hold no part of a value, says why one that is there
// cannot be read.
func (r Resolver) WithSecrets(lookup func(name string) (value fairlead.Secret, ok bool, err error)) Resolver {
	return func(ref Reference) (fairlead.Secret, error) {
		if ref.Kind != "secret" {
			return r(ref)
		}
		value, ok, err := lookup(ref.Name)
		switch {
		case err != nil:
			return fairlead.Secret{}, err
		case !ok:
			return fairlead.Secret{}, errors.New("no secret of this name is stored")
		}
		return value, nil
	}
}

// Use is a credential of a provider and the reference that stands for its value.
type Use struct {
	Reference  Reference
	Provider   string
	Credential string // its name
}

// References lists the references that a Config's credentials are resolved by, in the order of providers and of
// their credentials: also those that the provider table brings. Values that are no references are left out.
func References(c *fairlead.Config) (uses []Use) {
	for _, name := range sortedKeys(c.Providers) {
		for i, cred := range credentialsOf(name, c.Providers[name]) {
			if ref, err := ParseReference(cred.Value); err == nil {
				uses = append(uses, Use{ref, name, credentialName(i, cred)})
			}
		}
	}
	return uses
}

// ownVariables begins the names of variables that are the program's: its admin token, its secret key.
const ownVariables = "FAIRLEAD_"

var errOwn = errors.New("it is fairlead's own, and no provider's credential")

// Local resolves what this machine has: variables by lookupEnv (os.LookupEnv), and files. Stored
// secrets are looked up where WithSecrets says how. What is the node's own is resolved for nobody, for a credential is
// sent to whatever address stands beside it: FAIRLEAD_ variables, and kept, which are files and folders with all that
// is in them, whatever way leads there.
func Local(lookupEnv func(string) (string, bool), kept ...string) Resolver {
	return func(r Reference) (fairlead.Secret, error) {
		switch r.Kind {
		case "env":
			if strings.HasPrefix(strings.ToUpper(r.Name), ownVariables) { // some systems know one spelling from no other
				return fairlead.Secret{}, errOwn
			}
			v, ok := lookupEnv(r.Name)
			if !ok || v == "" {
				return fairlead.Secret{}, errors.New("the variable is not set")
			}
			return fairlead.NewSecret(v), nil
		case "file":
			if inside(r.Name, kept) {
				return fairlead.Secret{}, errOwn
			}
			return secretFile(r.Name)
		}
		return fairlead.Secret{}, fmt.Errorf("%s references cannot be resolved here", r.Kind)
	}
}

// inside reports whether a path leads to one of these files, or into one of these folders. They are compared as the
// system knows them, not by how they are written.
func inside(path string, kept []string) bool {
	plain, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false // there is nothing to read, and reading says so
	}
	for at := plain; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		for _, k := range kept {
			if own, ownErr := os.Stat(k); err == nil && ownErr == nil && os.SameFile(info, own) {
				return true
			}
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

// secretFile reads a file's whole text without its last newline, which editors add.
func secretFile(path string) (fairlead.Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read the file: %w", reason(err))
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		return fairlead.Secret{}, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read the file: %w", reason(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read the file: %w", reason(err))
	}
	if len(text) > maxSecretFile {
		return fairlead.Secret{}, errors.New("the file is larger than 64 KiB")
	}
	v := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if v == "" {
		return fairlead.Secret{}, errors.New("the file is empty")
	}
	return fairlead.NewSecret(v), nil
}

// errUnsendable says that a resolved credential is of no use.
var errUnsendable = errors.New("the value is empty, begins or ends with a space, or holds characters that no header can carry")

// reason takes the path away from a file error: the reference beside it already names it.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// sendable reports whether a credential can stand in a header. One with a line break would end the
// header and begin another of its own.
func sendable(s fairlead.Secret) bool {
	v := s.Reveal()
	return v != "" && v == strings.TrimSpace(v) && !strings.ContainsFunc(v, func(r rune) bool { return isControl(r) || r > '~' })
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
