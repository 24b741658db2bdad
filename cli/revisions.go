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
		Use:        "revisions",
		SuggestFor: []string{"history", "log"},
		Short:      "List the versions of the configuration, the newest first",
		Long: "Revisions lists who wrote each version, when and why, with the share of the exchanges that it was made for. STATE marks\n" +
			"the one in force and the one on trial; a weight that was set during a trial is on both sides.",
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
		var now client.Config
		if p.output == outputText && len(list) > 0 {
			var err error
			if now, err = c.Config(ctx); err != nil {
				return err
			}
		}
		return p.print(list, func() string {
			rows := [][]string{{"REVISION", "STATE", "WHEN", "WHO", "ORIGIN", "PERCENT", "WHY"}}
			for _, r := range list {
				rows = append(rows, []string{
					strconv.FormatInt(r.Number, 10), revisionState(r.Number, &now), showTime(r.At), r.By, showOrigin(r), strconv.Itoa(r.Percent), orDash(r.Why),
				})
			}
			return p.list(rows, "There are no revisions yet.", "WHY")
		})
	})
	cmd.AddCommand(p.revisionsShow(), p.revisionsDiff())
	return cmd
}

// revisionState says whether a revision is in force or being tried. The one in force beside a trial is the one before
// it, or that of a weight which was set since, on both sides.
func revisionState(n int64, now *client.Config) string {
	inForce := now.Revision
	if t := now.Trial; t != nil {
		if n == t.Revision {
			return "on trial"
		}
		if inForce == t.Revision {
			inForce--
		}
	}
	if n == inForce {
		return "in force"
	}
	return "-"
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
