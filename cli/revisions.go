package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) revisions() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "revisions",
		Short:   "List the versions of the configuration, the newest first",
		Example: "  fairlead revisions\n  fairlead revisions show 12 > fairlead.yaml\n  fairlead revisions diff 11 12",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.Flags().IntVar(&limit, "limit", 20, "how many to list; 0 = all")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		list := []client.Revision{}
		for r, err := range c.Revisions(ctx) {
			if err != nil {
				return err
			}
			list = append(list, r)
			if len(list) == limit {
				break
			}
		}
		return p.print(list, func() string {
			rows := [][]string{{"REVISION", "WHEN", "WHO", "ORIGIN", "PERCENT", "WHY"}}
			for _, r := range list {
				rows = append(rows, []string{
					strconv.FormatInt(r.Number, 10), showTime(r.At), r.By, showOrigin(r), strconv.Itoa(r.Percent), r.Why,
				})
			}
			return p.list(rows, "There are no revisions yet.", "WHY")
		})
	})
	cmd.AddCommand(p.revisionsShow(), p.revisionsDiff())
	return cmd
}

func showOrigin(r client.Revision) string {
	if r.Restores != 0 {
		return fmt.Sprintf("%s of %d", r.Origin, r.Restores)
	}
	return string(r.Origin)
}

func (p *program) revisionsShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show REVISION",
		Short:   "Show a revision's document, as YAML that can be applied",
		Example: "  fairlead revisions show 12 > fairlead.yaml",
		Args:    arguments(1, 1),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		n, err := parseRevision(args[0])
		if err != nil {
			return usage(err)
		}
		if p.output == outputText {
			text, err := c.RevisionYAML(ctx, n)
			if err != nil {
				return err
			}
			_, err = p.Stdout.Write(text)
			return err
		}
		r, err := c.Revision(ctx, n)
		if err != nil {
			return err
		}
		return p.print(r, nil)
	})
	return cmd
}

func (p *program) revisionsDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff FROM TO",
		Short: "Tell what the second revision has otherwise than the first",
		Long: "Diff compares two revisions by what they mean.\n\n" +
			"Exit codes: 0 they could be compared, also where they differ; 1 they could not; 2 the command line could not be read.",
		Example: "  fairlead revisions diff 11 12",
		Args:    arguments(2, 2),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		from, err := parseRevision(args[0])
		if err != nil {
			return usage(err)
		}
		to, err := parseRevision(args[1])
		if err != nil {
			return usage(err)
		}
		diff, more, err := c.Diff(ctx, from, to)
		if err != nil {
			return err
		}
		if diff == nil {
			diff = []client.Difference{}
		}
		p.cutOff(len(diff), more)
		return p.print(diff, func() string {
			if len(diff) == 0 {
				return "no difference\n"
			}
			return differences(diff)
		})
	})
	return cmd
}
