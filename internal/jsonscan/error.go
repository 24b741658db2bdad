package jsonscan

import (
	"fmt"
	"unicode/utf8"
)

// ErrorKind says what is wrong with a text.
type ErrorKind uint8

// The kinds of errors.
const (
	Syntax    ErrorKind = iota + 1 // not one JSON object
	Duplicate                      // a name stands twice in one object
	Depth                          // nested deeper than MaxDepth
	UTF8                           // invalid UTF-8, or half a surrogate pair in \u escapes
	Names                          // more names open than the scan takes
)

// maxErrorName is how many bytes of a duplicate name an error shows.
const maxErrorName = 64

// Error is what Scan found wrong. It quotes nothing of the text but a duplicate name.
type Error struct {
	Kind   ErrorKind
	Offset int    // in the text, where it was found
	Name   string // of a Duplicate: the name, unescaped and cut to 64 bytes
}

// Error says what is wrong and where.
func (e *Error) Error() string {
	switch e.Kind {
	case Duplicate:
		return fmt.Sprintf("duplicate name %q at byte %d", e.Name, e.Offset)
	case Depth:
		return fmt.Sprintf("nested deeper than %d levels at byte %d", MaxDepth, e.Offset)
	case UTF8:
		return fmt.Sprintf("invalid UTF-8 at byte %d", e.Offset)
	case Names:
		return fmt.Sprintf("too many names at byte %d", e.Offset)
	}
	return fmt.Sprintf("invalid JSON at byte %d", e.Offset)
}

// cutName cuts a valid name to what an error shows, at the end of a letter.
func cutName(name []byte) string {
	if len(name) <= maxErrorName {
		return string(name)
	}
	end := maxErrorName
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return string(name[:end])
}
