package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) tail() *cobra.Command {
	var filter string
	cmd := &cobra.Command{
		Use:        "tail",
		SuggestFor: []string{"logs"},
		Short:      "Show records as they come up",
		Long: "Tail shows the records of the whole fleet about a second after their exchanges have ended, at most 20 a second; what\n" +
			"it leaves out is counted on standard error. Terms are divided by spaces or commas, and all must hold:\n" +
			filterNames() + ".\n\nIt goes on until it is interrupted.",
		Example: "  fairlead tail --filter 'status>=500 provider=openai'\n  fairlead tail --filter duration>=5s -o json",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.Flags())
	cmd.Flags().StringVar(&filter, "filter", "", "only records that match")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		f, err := parseFilter(filter)
		if err != nil {
			return usage(err)
		}
		err = c.Tail(ctx, f, (&tailed{program: p}).show)
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	return cmd
}

// tailed shows records as they come.
type tailed struct {
	*program
	widths []int // of the columns, of what was shown; nil = nothing was
}

// tailWidths are the columns' widths at the begin, which fit most records.
var tailWidths = []int{24, 6, 24, 32, 5, 7, 11, 12, 8, 0}

// show shows a record in one line, below the titles, and what is missing beside it.
func (t *tailed) show(r *client.Record, n *client.Notice) error {
	if n != nil {
		fmt.Fprintf(t.Stderr, "(%d more match; of %s there is no record)\n", n.Dropped, count(n.LeftOut, "exchange"))
		return nil
	}
	if t.output == outputJSON {
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode output: %w", err)
		}
		_, err = fmt.Fprintf(t.Stdout, "%s\n", b)
		return err
	}
	text := ""
	if t.widths == nil {
		t.widths = slices.Clone(tailWidths)
		text = t.line(recordTitles)
	}
	_, err := fmt.Fprint(t.Stdout, text+t.line(recordRow(r)))
	return err
}

// line lays a row out in columns, which grow with what comes.
func (t *tailed) line(row []string) string {
	var b strings.Builder
	for i, cell := range row {
		cell = plain(cell)
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		if i == len(row)-1 {
			b.WriteString(cell + "\n")
			break
		}
		fmt.Fprintf(&b, "%-*s  ", t.widths[i], cell)
	}
	return b.String()
}
