package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) rollback() *cobra.Command {
	var how writing
	var yes bool
	cmd := &cobra.Command{
		Use:        "rollback [REVISION] -m WHY",
		SuggestFor: []string{"undo", "revert"},
		Short:      "Bring an earlier configuration back, as a new revision",
		Long: "Rollback brings the document of an earlier revision back. Without a number it takes the last one that held all\n" +
			"exchanges and was not itself undone; again, it goes on backwards. It shows where it goes and what that changes\n" +
			"first and, on a terminal, asks.\n\n" +
			"It undoes nothing but the configuration: keys, secrets, nodes and tokens stay as they are.\n\n" +
			"Exit codes: 0 it was changed, 3 there was nothing to change, 1 it was refused, 2 the command line could not be read.",
		Example: "  fairlead rollback -m 'errors since noon'\n  fairlead rollback 12 -m 'before the new prices' -y",
		Args:    arguments(0, 1),
	}
	addControlFlags(cmd.Flags())
	how.flags(cmd.Flags())
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		w, err := how.write()
		if err != nil {
			return err
		}
		var to int64
		if len(args) == 1 {
			if to, err = parseRevision(args[0]); err != nil {
				return usage(err)
			}
		}
		if w.Why == "" {
			return usage(errors.New("say why with -m: it stands in the revision"))
		}
		preview := w
		preview.DryRun = true
		shown, err := c.Rollback(ctx, to, preview)
		if err != nil {
			return err
		}
		if !shown.Changed {
			return p.written(shown, exitSame)
		}
		if err := p.preview(ctx, c, shown); err != nil {
			return err
		}
		if !yes {
			if err := p.confirm(ctx, fmt.Sprintf("Roll back to revision %d?", shown.Restores)); err != nil {
				return err
			}
		}
		w.IfMatch = &shown.Revision // what is done is what was shown
		done, err := c.Rollback(ctx, shown.Restores, w)
		if err != nil {
			return err
		}
		if p.output == outputText {
			done.Diff, done.Ended, done.LeftOut = nil, nil, 0 // it was shown
		}
		return p.written(done, exitSame)
	})
	return cmd
}

// preview shows from where to where a rollback goes.
func (p *program) preview(ctx context.Context, c *client.Client, w client.Written) error {
	if p.output != outputText {
		return nil
	}
	for _, end := range []struct {
		name string
		n    int64
	}{{"now:   ", w.Revision}, {"target:", w.Restores}} {
		r, err := c.Revision(ctx, end.n)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s revision %d of %s by %s (%s) %s", end.name, r.Number, showTime(r.At), plain(r.By), showOrigin(r), plain(r.Why))
		fmt.Fprintln(p.Stderr, strings.TrimSpace(line))
	}
	if w.Beside != "" {
		fmt.Fprintf(p.Stderr, "The trial of revision %d ends with it.\n", w.Tried)
	}
	fmt.Fprint(p.Stderr, changes(w), "Keys, secrets, nodes and tokens stay as they are.\n")
	return nil
}
