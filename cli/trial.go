package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
)

func (p *program) trial() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trial",
		Short: "Show the revision that is being tried, and what is seen of it",
		Long: "Trial shows the revision that is being tried ('fairlead apply --percent'): on how much, for how long, what it has\n" +
			"otherwise, and what the node that leads saw when it looked last. Without one under way it shows the last one.",
		Example: "  fairlead trial\n  fairlead trial promote -m 'good'\n  fairlead trial drop -m 'not before the weekend'",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		t, err := c.Trial(ctx)
		var e *fairlead.Error
		if errors.As(err, &e) && e.Code == fairlead.CodeNotFound {
			return p.print(nil, func() string { return "There is no trial yet.\n" })
		}
		if err != nil {
			return err
		}
		if p.output == outputText {
			p.cutOff(len(t.Diff), t.LeftOut)
		}
		return p.print(t, func() string {
			return fmt.Sprintf("revision %d on %d %% of the exchanges, %s\nguard: %s\nheld:  %s, and then it is dropped\nstate: %s\nwhy:   %s\n%sid:    %s\n",
				t.Revision, t.Percent, showPace(time.Duration(t.Ran), time.Duration(t.Hold)),
				orDash(t.Guard), courseHeld(&t.Course), courseState(&t.Course), plain(courseWhy(&t.Course)), differences(t.Diff), t.ID)
		})
	})
	cmd.AddCommand(
		p.trialEnd(cobra.Command{
			Use: "promote", Short: "Put what is being tried in force",
			Long:    "Promote makes the revision that is being tried the one in force, as a new revision.\n\n" + exitCodesOfWrites,
			Example: "  fairlead trial promote -m 'good'",
		}, (*client.Client).PromoteTrial),
		p.trialEnd(cobra.Command{
			Use: "drop", Short: "End the trial; what was in force stays",
			Long:    "Drop ends the trial, as a new revision with the configuration that was in force beside it.\n\n" + exitCodesOfWrites,
			Example: "  fairlead trial drop -m 'not before the weekend'",
		}, (*client.Client).DropTrial),
	)
	return cmd
}

func (p *program) trialEnd(command cobra.Command, end func(*client.Client, context.Context, client.Write) (client.Written, error)) *cobra.Command {
	var how writing
	cmd := &command
	cmd.Args = arguments(0, 0)
	how.flags(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		w, err := how.write()
		if err != nil {
			return err
		}
		done, err := end(c, ctx, w)
		if err != nil {
			return err
		}
		return p.written(done, exitSame)
	})
	return cmd
}
