package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
)

func (p *program) ramps() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "ramps",
		Short: "List the weights that are being moved, and what is seen of them",
		Long: "Ramps lists the ramps under way: how far each has come, and what the node that leads saw when it looked last.\n" +
			"HELD is for how long it stood still for lack of evidence; once that is all of what is allowed, it ends where it is.\n" +
			"With --all it lists those that have ended, too, and why.",
		Example: "  fairlead ramps\n  fairlead ramps stop openai/gpt-4o-mini@openai",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.Flags().BoolVar(&all, "all", false, "also those that have ended, the last hundred")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Ramps(ctx)
		if err != nil {
			return err
		}
		shown := []client.Ramp{}
		for _, r := range list {
			if all || r.End == "" {
				shown = append(shown, r)
			}
		}
		return p.print(shown, func() string {
			rows := [][]string{{"ENDPOINT", "FROM", "TO", "WEIGHT", "STEP", "TIME", "HELD", "STATE", "WHY", "RAMP"}}
			for _, r := range shown {
				rows = append(rows, []string{
					r.Endpoint, strconv.Itoa(r.From), strconv.Itoa(r.To), strconv.Itoa(r.Weight),
					fmt.Sprintf("%d/%d", r.Steps, r.Of), showPace(time.Duration(r.Ran), time.Duration(r.Over)), courseHeld(&r.Course), courseState(&r.Course), courseWhy(&r.Course), r.ID,
				})
			}
			none := "There are no ramps under way."
			if all {
				none = "There are no ramps."
			}
			return p.list(rows, none, "WHY")
		})
	})
	cmd.AddCommand(p.rampsStop())
	return cmd
}

func (p *program) rampsStop() *cobra.Command {
	var how writing
	cmd := &cobra.Command{
		Use:     "stop {RAMP | ENDPOINT}",
		Short:   "End a ramp: its endpoint keeps the weight that it has reached",
		Long:    "Stop ends a ramp, as a new revision; its endpoint keeps the weight that it has reached.\n\n" + exitCodesOfWrites,
		Example: "  fairlead ramps stop openai/gpt-4o-mini@openai -m 'enough for today'",
		Args:    arguments(1, 1),
	}
	how.flags(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		w, err := how.write()
		if err != nil {
			return err
		}
		id, err := rampOf(ctx, c, args[0])
		if err != nil {
			return err
		}
		done, err := c.StopRamp(ctx, id, w)
		if err != nil {
			return err
		}
		return p.written(done, exitSame)
	})
	return cmd
}

// rampOf gives the id of an endpoint's ramp under way; any other name is taken for an id.
func rampOf(ctx context.Context, c *client.Client, name string) (string, error) {
	if !strings.Contains(name, "@") {
		return name, nil
	}
	list, err := c.Ramps(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range list {
		if r.Endpoint == name && r.End == "" {
			return r.ID, nil
		}
	}
	return "", &fairlead.Error{Code: fairlead.CodeNotFound, Message: "no ramp moves the weight of " + name, Hint: "fairlead ramps lists them"}
}

// courseState says in a word how a ramp or a trial is, or how it ended.
func courseState(c *client.Course) string {
	switch {
	case c.End != "":
		return string(c.End)
	case c.Seen == nil:
		return "waiting"
	}
	return c.Seen.Verdict
}

// courseWhy says what that rests on.
func courseWhy(c *client.Course) string {
	if c.End != "" || c.Seen == nil {
		return cmp.Or(c.Why, "-")
	}
	return cmp.Or(c.Seen.Reason, "-")
}

// courseHeld says for how long it was held, and how long it may be; "-" where that is not known.
func courseHeld(c *client.Course) string {
	if c.MostHeld == 0 { // of an older control plane
		return "-"
	}
	return showPace(time.Duration(c.Held), time.Duration(c.MostHeld))
}

// showPace writes how much of a time has run.
func showPace(ran, over time.Duration) string {
	return showSpan(min(ran, over)) + " of " + showSpan(over)
}

// showSpan writes a duration without the units that are 0.
func showSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
