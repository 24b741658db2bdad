package control

import (
	"fairlead"
	"fairlead/compile"
)

// refusedError is the error of a configuration that cannot be, with all that is wrong with it.
type refusedError struct {
	err   *fairlead.Error
	found compile.Findings
}

// Error gives the first of the findings, for logs.
func (e *refusedError) Error() string { return e.err.Error() }

// Unwrap gives the *fairlead.Error.
func (e *refusedError) Unwrap() error { return e.err }

func refused(found compile.Findings) error {
	if err := found.Err(); err != nil {
		return &refusedError{fairlead.AsError(err), found}
	}
	return nil
}

func (s *Config) fileIsTruth() error {
	return &fairlead.Error{
		Code: fairlead.CodeConflict, Message: "the file " + s.File + " is the truth about the configuration",
		Hint: "edit the file: it is watched, and a valid edit applies at once",
	}
}

// unfit says why this node's own data plane would refuse a configuration.
func (s *Config) unfit(c *fairlead.Config) error {
	if s.Fits == nil {
		return nil
	}
	if err := s.Fits(c); err != nil {
		return refused(compile.Findings{{Severity: compile.Error, Path: "providers", Message: err.Error()}})
	}
	return nil
}

// allowed refuses, from who is not of level admin, a document by which credentials, or other files of the nodes, would go
// where they do not go now: with an address of one's own beside them they could be read there. A dry run warns.
func allowed(e edit, now, next *fairlead.Config) (compile.Findings, error) {
	if e.level == "" || e.level.Allows(fairlead.LevelAdmin) {
		return nil, nil
	}
	names := compile.Reaches(now, next)
	if len(names) == 0 {
		return nil, nil
	}
	text := "where a provider's credentials go, and its certificates and proxy, is for a token of level admin to write"
	if e.dry {
		found := compile.Findings{}
		for _, name := range names {
			found = append(found, compile.Finding{Severity: compile.Warning, Path: "providers." + name, Message: text})
		}
		return found, nil
	}
	return nil, &fairlead.Error{
		Code: fairlead.CodeNotAllowed, Param: "providers." + shortened(names[0]), Message: "provider " + shortened(names[0]) + ": " + text,
		Hint: "weights, drains, routes, models and endpoints at the providers that are there are an operator's to write",
	}
}

func staleError(want, is int64) error {
	return &fairlead.Error{
		Code: fairlead.CodeStale, Param: "If-Match",
		Message: "the configuration is at revision " + number(is) + ", not " + number(want),
		Hint:    "read it again, and write what is to change of that",
	}
}
