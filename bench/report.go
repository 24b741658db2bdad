package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Report is what a run found.
type Report struct {
	Facts Facts    `json:"facts"`
	Rows  []Row    `json:"rows"`
	Notes []string `json:"notes,omitempty"`
}

// Row is one measurement. A measure that does not apply is nil.
type Row struct {
	Name     string   `json:"name"` // a stable short name
	What     string   `json:"what"`
	Unit     string   `json:"unit,omitempty"`
	Target   string   `json:"target,omitempty"`
	Fairlead *Measure `json:"fairlead,omitempty"`
	Nginx    *Measure `json:"nginx,omitempty"`
	Direct   *Measure `json:"direct,omitempty"`
	Ratio    *Measure `json:"ratio,omitempty"` // fairlead to nginx, in the same round
	Verdict  string   `json:"verdict"`
	Note     string   `json:"note,omitempty"`
}

const notCompared = "not compared"

func (r *Report) add(rows ...Row) { r.Rows = append(r.Rows, rows...) }

// Missed lists the rows that did not meet their target or could not be measured.
func (r *Report) Missed() []Row {
	var list []Row
	for _, row := range r.Rows {
		if strings.HasPrefix(row.Verdict, "missed") || strings.HasPrefix(row.Verdict, "failed") {
			list = append(list, row)
		}
	}
	return list
}

// atMost sets the verdict over the ratio to nginx.
func (r *Row) atMost(bound float64) {
	r.Target = "<= " + strconv.FormatFloat(bound, 'f', 1, 64) + " x nginx"
	r.Verdict = notCompared
	if r.Ratio != nil {
		r.judge(r.Ratio.Value, bound, "")
	}
}

// judge sets the verdict over a value that must not be more than bound.
func (r *Row) judge(value, bound float64, unit string) {
	if value <= bound {
		r.Verdict = "met"
		return
	}
	r.Verdict = fmt.Sprintf("missed by %s (%+.0f%%)", strings.TrimSpace(number(value-bound)+" "+unit), (value/bound-1)*100)
}

// Text is the report as an aligned table.
func (r *Report) Text() string {
	var b strings.Builder
	b.WriteString(r.Facts.Text())
	b.WriteString("\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\ttarget\tfairlead\tnginx\tdirect\tratio\tverdict")
	for _, row := range r.Rows {
		fmt.Fprintln(w, strings.Join(row.cells(), "\t"))
	}
	_ = w.Flush() // a strings.Builder takes everything
	b.WriteString("\nMedians of rounds, with (least to most); ratios are made within a round.\n")
	for _, row := range r.Rows {
		if row.Note != "" {
			fmt.Fprintf(&b, "- %s: %s.\n", row.What, row.Note)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

// Markdown is the report as a page to keep.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# fairlead bench, %s\n\n", r.Facts.Date.Format("2006-01-02"))
	for line := range strings.Lines(r.Facts.Text()) {
		fmt.Fprintf(&b, "- %s\n", strings.TrimSpace(line))
	}
	b.WriteString("\n| what | target | fairlead | nginx | direct | ratio | verdict |\n|---|---|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		cells := row.cells()
		for i := range cells {
			cells[i] = strings.NewReplacer("|", "\\|", "\n", " ").Replace(cells[i])
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	b.WriteString("\nMedians of rounds, with (least to most); ratios are made within a round.\n\n")
	for _, row := range r.Rows {
		if row.Note != "" {
			fmt.Fprintf(&b, "- %s: %s.\n", row.What, row.Note)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

func (r *Row) cells() []string {
	verdict := strings.ReplaceAll(r.Verdict, "\n", " ")
	return []string{
		r.What, dash(r.Target), show(r.Fairlead, r.Unit), show(r.Nginx, r.Unit), show(r.Direct, r.Unit), show(r.Ratio, ""), verdict,
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// show writes a measure with its extremes where they differ.
func show(m *Measure, unit string) string {
	if m == nil {
		return "-"
	}
	s := strings.TrimSpace(number(m.Value) + " " + unit)
	if number(m.Min) == number(m.Max) {
		return s
	}
	return s + " (" + number(m.Min) + " to " + number(m.Max) + ")"
}

// number writes three significant digits, and whole numbers as they are.
func number(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 100, v == math.Trunc(v):
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
