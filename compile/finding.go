package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fairlead"
)

// Severity says whether a finding refuses the configuration.
type Severity uint8

// The severities. An Error refuses the configuration; with a Warning it applies.
const (
	Error Severity = iota + 1
	Warning
)

// String is the severity as findings are printed.
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// MarshalText writes the severity as String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing to say about a configuration. No finding holds a credential.
type Finding struct {
	Severity Severity `json:"severity"`
	Path     string   `json:"path,omitempty"` // models.openai/gpt-4o.endpoints[1].weight; "" = the document
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`   // from 1; 0 = unknown, for the configuration came from no document
	Column   int      `json:"column,omitempty"` // from 1
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"` // what to do about it
	// Reference is the one that is not resolved, where the finding is about that: ${secret:NAME}, never a value.
	Reference string `json:"reference,omitempty"`
}

// String gives one line: FILE:LINE:COL: error: path: message (hint).
func (f Finding) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(f.Severity.String() + ": ")
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}

// Findings is all that can be said about a configuration, in the order of its document.
type Findings []Finding

// maxFindings bounds a list: whoever has that many mistakes reads the first ones.
const maxFindings = 500

// maxCollected bounds what is collected before it is sorted. Warnings have less room, so that they
// never push out an error.
const (
	maxCollected = 20 * maxFindings
	maxWarnings  = maxCollected / 2
)

// with adds a finding as long as there is room.
func (fs Findings) with(f Finding) Findings {
	if len(fs) < maxWarnings || (f.Severity == Error && !fs.full()) {
		return append(fs, f)
	}
	return fs
}

// full reports whether looking further is of no use.
func (fs Findings) full() bool { return len(fs) >= maxCollected }

// Unresolved lists the references that are not resolved, sorted and each once.
func (fs Findings) Unresolved() (list []string) {
	for _, f := range fs {
		if f.Reference != "" {
			list = append(list, f.Reference)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// String gives one line a finding, each ended by a newline.
func (fs Findings) String() string {
	var b strings.Builder
	for _, f := range fs {
		b.WriteString(f.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Err is nil where nothing refuses the configuration, else a *fairlead.Error that lists the errors.
func (fs Findings) Err() error {
	var lines []string
	for _, f := range fs {
		if f.Severity == Error {
			lines = append(lines, f.String())
		}
	}
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "the configuration has an error: "+lines[0])
	}
	return fairlead.Errorf(fairlead.CodeInvalidRequest,
		fmt.Sprintf("the configuration has %d errors:\n%s", len(lines), strings.Join(lines, "\n")))
}

// sorted puts findings in the order of the document and bounds their number. Equal findings, which
// an alias used twice can give, stand once.
func (fs Findings) sorted() Findings {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Message, b.Message))
	})
	fs = slices.Compact(fs)
	if len(fs) <= maxFindings {
		return fs
	}
	// Errors come first where not all can be listed: a warning must not push out what refuses the document.
	slices.SortStableFunc(fs, func(a, b Finding) int { return cmp.Compare(a.Severity, b.Severity) })
	rest := Finding{Severity: fs[maxFindings].Severity, File: fs[0].File, Message: fmt.Sprintf("and %d more findings", len(fs)-maxFindings)}
	if len(fs) >= maxWarnings {
		rest.Message = "and many more findings"
	}
	return append(fs[:maxFindings:maxFindings], rest)
}

// key is the path of a name within p. Names with other characters than these are quoted, so that a
// path can be read in one way only.
func key(p, name string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-/:@*~+", r)
	})
	switch {
	case !plain:
		return p + "[" + show(name) + "]"
	case p == "":
		return name
	}
	return p + "." + name
}

// item is the path of the i-th item of the list p, from 0.
func item(p string, i int) string { return p + "[" + strconv.Itoa(i) + "]" }

// maxShown is how much of a value a message repeats, in runes.
const maxShown = 60

// show quotes a value for a message, cut to a bound.
func show(s string) string {
	if len(s) > maxShown {
		if r := []rune(s[:min(len(s), 4*maxShown)]); len(r) > maxShown {
			s = string(r[:maxShown]) + "…"
		}
	}
	return strconv.Quote(s)
}
