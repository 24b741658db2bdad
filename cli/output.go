package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"fairlead"
	"fairlead/client"
)

// The forms of output.
const (
	outputText = "text"
	outputJSON = "json"
)

// print writes a result: v as JSON, or what text gives.
func (p *program) print(v any, text func() string) error {
	if p.output == outputJSON {
		e := json.NewEncoder(p.Stdout)
		e.SetEscapeHTML(false) // guards have a <
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return nil
	}
	_, err := fmt.Fprint(p.Stdout, text())
	return err
}

// shownError is an error as `-o json` writes it, in the form of the control API.
type shownError struct {
	Error struct {
		Code    fairlead.Code `json:"code,omitempty"`
		Message string        `json:"message"`
		Hint    string        `json:"hint,omitempty"`
		// Findings are all that is wrong with a configuration that was refused.
		Findings []client.Finding `json:"findings,omitempty"`
	} `json:"error"`
}

// printError says what went wrong on standard error.
func (p *program) printError(err error) {
	var show shownError
	show.Error.Message = err.Error()
	var e *fairlead.Error
	if errors.As(err, &e) {
		show.Error.Code, show.Error.Message, show.Error.Hint = e.Code, e.Message, e.Hint
	}
	var h *hintError
	if errors.As(err, &h) {
		show.Error.Message, show.Error.Hint = h.err.Error(), h.hint
	}
	var refused *client.RefusedError
	if errors.As(err, &refused) {
		show.Error.Message, show.Error.Findings = "the configuration is refused", refused.Findings
		if show.Error.Hint == "" {
			show.Error.Hint = "nothing was changed; mend what is listed. 'fairlead check -c FILE' lists it without a control plane"
		}
	}
	if p.output == outputJSON {
		b, err := json.Marshal(show)
		if err == nil {
			fmt.Fprintf(p.Stderr, "%s\n", b)
			return
		}
	}
	for _, f := range show.Error.Findings {
		fmt.Fprintln(p.Stderr, printable(f.String()))
	}
	fmt.Fprintf(p.Stderr, "fairlead: %s\n", printable(show.Error.Message))
	if show.Error.Hint != "" {
		fmt.Fprintf(p.Stderr, "Hint: %s\n", printable(show.Error.Hint))
	}
}

// hintError adds what to do about an error.
type hintError struct {
	err  error
	hint string
}

func (h *hintError) Error() string { return h.err.Error() }
func (h *hintError) Unwrap() error { return h.err }

// within says of an error at what it came about, also where only its message is shown.
func within(doing string, err error) error {
	var h *hintError
	var e *fairlead.Error
	switch {
	case errors.As(err, &h):
		return &hintError{fmt.Errorf("%s: %w", doing, h.err), h.hint}
	case errors.As(err, &e):
		told := *e
		told.Message = doing + ": " + e.Message
		return &told
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// table lays rows out in columns; the first row is the heading.
func table(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, plain(cell))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// list is a table, or the sentence that says that there is nothing in it. wide is the heading of a column that is cut to
// fit the terminal that shows the table, if one does; -o json has it whole.
func (p *program) list(rows [][]string, none, wide string) string {
	if len(rows) == 1 {
		return none + "\n"
	}
	if width := p.width(); width > 0 {
		fit(rows, slices.Index(rows[0], wide), width)
	}
	return table(rows)
}

// leastCell is how far a cell is cut at most.
const leastCell = 12

// fit cuts the cells of a column to what the others leave of a line.
func fit(rows [][]string, column, width int) {
	if column < 0 {
		return
	}
	for i := range rows[0] {
		if i == column {
			continue
		}
		most := 0
		for _, row := range rows {
			most = max(most, utf8.RuneCountInString(plain(row[i])))
		}
		width -= most + 2
	}
	width = max(width, leastCell)
	for _, row := range rows {
		if cell := []rune(plain(row[column])); len(cell) > width {
			row[column] = string(cell[:width-1]) + "…"
		}
	}
}

// plain escapes what would not print as itself, such as a name that moves the cursor.
func plain(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return s
	}
	return strings.Trim(strconv.Quote(s), `"`)
}

// count writes a number of things, of which one is named; their plural has an s.
func count[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func showTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// showMoment is showTime to the millisecond, for what comes many a second.
func showMoment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000Z") }
