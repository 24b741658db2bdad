package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) tail() *cobra.Command {
	var filter string
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show records as they come up",
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
		err = c.Tail(ctx, f, p.showTailed)
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	return cmd
}

// showTailed shows a record in one line, and what is missing beside it.
func (p *program) showTailed(r *client.Record, n *client.Notice) error {
	if n != nil {
		fmt.Fprintf(p.Stderr, "(%d more match; of %d exchanges there is no record)\n", n.Dropped, n.LeftOut)
		return nil
	}
	if p.output == outputJSON {
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode output: %w", err)
		}
		_, err = fmt.Fprintf(p.Stdout, "%s\n", b)
		return err
	}
	row := recordRow(r)
	for i := range row {
		row[i] = plain(row[i])
	}
	_, err := fmt.Fprintln(p.Stdout, strings.Join(row, "  "))
	return err
}
