package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fairlead"
	"fairlead/client"
)

func (p *program) weight() *cobra.Command {
	var pace client.Pace
	var over time.Duration
	cmd := p.endpointWrite(endpointWrite{
		command: cobra.Command{
			Use:   "weight ENDPOINT WEIGHT",
			Short: "Give an endpoint another share of its model's exchanges",
			Long: "Weight changes one endpoint's weight in the configuration, as a new revision. 0 drains it.\n\n" +
				"With --ramp the weight moves there in steps, as long as the --guard holds; 'fairlead ramps' shows how far it is.\n" +
				"docs/steering.md tells the guard's language.\n\n" + exitCodesOfWrites,
			Example: "  fairlead weight openai/gpt-4o-mini@openai 25\n" +
				"  fairlead weight openai/gpt-4o-mini@openai 25 --ramp 10m --guard 'error_rate<2% and ttft_p95<1.5x'",
			Args: arguments(2, 2),
		},
		read: func(args []string) (err error) {
			if pace.Weight, err = strconv.Atoi(args[1]); err != nil || pace.Weight < 0 {
				return fmt.Errorf("a weight is a number from 0, not %q", args[1])
			}
			if pace.Guard != "" && over == 0 {
				return errors.New("--guard watches over a ramp: say with --ramp how long it takes")
			}
			return nil
		},
		write: func(ctx context.Context, c *client.Client, endpoint string, w client.Write) (client.Written, error) {
			if over == 0 {
				return c.SetWeight(ctx, endpoint, pace.Weight, w)
			}
			pace.Over = fairlead.Duration(over)
			return c.RampWeight(ctx, endpoint, pace, w)
		},
	})
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var number *pflag.NotExistError
		if errors.As(err, &number) && number.GetSpecifiedShortnames() != "" && strings.Trim(number.GetSpecifiedShortnames(), "0123456789") == "" {
			return usage(fmt.Errorf("a weight is a number from 0, not \"-%s\"", number.GetSpecifiedShortnames()))
		}
		return wrongFlag(cmd, err)
	})
	cmd.Flags().DurationVar(&over, "ramp", 0, "move the weight over this time")
	cmd.Flags().StringVar(&pace.Guard, "guard", "", "what must hold meanwhile")
	return cmd
}

func (p *program) drain() *cobra.Command {
	return p.endpointWrite(endpointWrite{
		command: cobra.Command{
			Use:     "drain ENDPOINT",
			Short:   "Send an endpoint no more exchanges; those that it has end as they began",
			Long:    "Drain sets an endpoint's weight to 0 in the configuration, as a new revision.\n\n" + exitCodesOfWrites,
			Example: "  fairlead drain openai/gpt-4o-mini@openai -m 'errors since noon'",
			Args:    arguments(1, 1),
		},
		write: func(ctx context.Context, c *client.Client, endpoint string, w client.Write) (client.Written, error) {
			return c.Drain(ctx, endpoint, true, w)
		},
	})
}

func (p *program) undrain() *cobra.Command {
	return p.endpointWrite(endpointWrite{
		command: cobra.Command{
			Use:     "undrain ENDPOINT",
			Short:   "Give a drained endpoint back the weight that it had before",
			Long:    "Undrain gives an endpoint the weight that it had before it was drained, as a new revision.\n\n" + exitCodesOfWrites,
			Example: "  fairlead undrain openai/gpt-4o-mini@openai -m 'it is well again'",
			Args:    arguments(1, 1),
		},
		write: func(ctx context.Context, c *client.Client, endpoint string, w client.Write) (client.Written, error) {
			return c.Drain(ctx, endpoint, false, w)
		},
	})
}

const exitCodesOfWrites = "Exit codes: 0 it was changed, 3 there was nothing to change, 1 it was refused, 2 the command line could not be read."

// endpointWrite is a command that writes one endpoint, its first argument.
type endpointWrite struct {
	command cobra.Command
	read    func(args []string) error // the further arguments; nil = there are none
	write   func(ctx context.Context, c *client.Client, endpoint string, w client.Write) (client.Written, error)
}

func (p *program) endpointWrite(e endpointWrite) *cobra.Command {
	var how writing
	cmd := &e.command
	addControlFlags(cmd.Flags())
	how.flags(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		w, err := how.write()
		if err != nil {
			return err
		}
		if e.read != nil {
			if err := e.read(args); err != nil {
				return usage(err)
			}
		}
		done, err := e.write(ctx, c, args[0], w)
		if err != nil {
			return err
		}
		return p.written(done, exitSame)
	})
	return cmd
}
