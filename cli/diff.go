package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fairlead/client"
)

// exitDiffers is the exit code of diff where there is a difference.
const exitDiffers = 1

func (p *program) diff() *cobra.Command {
	var file, from string
	cmd := &cobra.Command{
		Use:        "diff {-f FILE | --from CONTEXT[@REVISION]}",
		SuggestFor: []string{"plan"},
		Short:      "Tell what applying a configuration would change, and change nothing",
		Long: "Diff compares a configuration (- is standard input) with the one in force, by what they mean: the order of\n" +
			"names, comments and YAML or JSON make no difference. With --from it is that of another control plane, by its context:\n" +
			"the one in force there, or the one named behind @. While a revision is being tried, the one in force is the one\n" +
			"beside it.\n\n" +
			"Exit codes: 0 they are the same, 1 they differ, 2 they could not be compared.",
		Example: "  fairlead diff -f fairlead.yaml\n  fairlead diff --from staging@12",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.Flags())
	cmd.Flags().StringVarP(&file, "file", "f", "", "the configuration's file")
	cmd.Flags().StringVar(&from, "from", "", "the context whose configuration it is, with @REVISION for another than the one in force")
	oneOf(cmd, whichConfiguration, "file", "from")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
			w, err := p.compare(ctx, c, file, from)
			if err != nil {
				return err
			}
			if p.output == outputText {
				p.remarks(w)
			}
			err = p.print(w, func() string {
				if len(w.Diff) == 0 {
					return "no difference from " + comparedWith(w) + "\n"
				}
				if w.Beside != "" {
					return changes(w) + "compared with " + comparedWith(w) + "\n"
				}
				return changes(w)
			})
			if err == nil && len(w.Diff) > 0 { // another order of the same is none
				return &exitError{code: exitDiffers}
			}
			return err
		})(cmd, args)
		// Whatever goes wrong must not look like a difference.
		if e := (*exitError)(nil); errors.As(err, &e) && e.err != nil {
			e.code = exitUsage
		}
		return err
	}
	return cmd
}

// compare asks what a file, or else a context's configuration, has otherwise.
func (p *program) compare(ctx context.Context, c *client.Client, file, from string) (client.Written, error) {
	if from == "" {
		return p.putFile(ctx, c, file, client.Write{DryRun: true})
	}
	document, _, err := p.elsewhere(ctx, from)
	if err != nil {
		return client.Written{}, err
	}
	return c.PutConfig(ctx, document, client.Write{DryRun: true})
}

// putFile sends a file's document; its findings name the file.
func (p *program) putFile(ctx context.Context, c *client.Client, file string, w client.Write) (client.Written, error) {
	text, err := p.readConfig(file)
	if err != nil {
		return client.Written{}, within("read configuration", err)
	}
	done, err := c.PutConfig(ctx, text, w)
	nameFile(done.Findings, file)
	var refused *client.RefusedError
	if errors.As(err, &refused) {
		nameFile(refused.Findings, file)
	}
	return done, err
}

func nameFile(list []client.Finding, file string) {
	for i := range list {
		if list[i].Line > 0 {
			list[i].File = file
		}
	}
}
