package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) weight() *cobra.Command {
	var n int
	return p.endpointWrite(endpointWrite{
		command: cobra.Command{
			Use:     "weight ENDPOINT WEIGHT",
			Short:   "Give an endpoint another share of its model's exchanges",
			Long:    "Weight changes one endpoint's weight in the configuration, as a new revision. 0 drains it.\n\n" + exitCodesOfWrites,
			Example: "  fairlead weight openai/gpt-4o-mini@openai 25",
			Args:    cobra.ExactArgs(2),
		},
		read: func(args []string) (err error) {
			if n, err = strconv.Atoi(args[1]); err != nil || n < 0 {
				return fmt.Errorf("a weight is a number from 0, not %q", args[1])
			}
			return nil
		},
		write: func(ctx context.Context, c *client.Client, endpoint string, w client.Write) (client.Written, error) {
			return c.SetWeight(ctx, endpoint, n, w)
		},
	})
}

func (p *program) drain() *cobra.Command {
	return p.endpointWrite(endpointWrite{
		command: cobra.Command{
			Use:   "drain ENDPOINT",
			Short: "Send an endpoint no more exchanges; those that it has end as they began",
			Long:  "Drain sets an endpoint's weight to 0 in the configuration, as a new revision.\n\n" + exitCodesOfWrites,
			Args:  cobra.ExactArgs(1),
		},
		write: func(ctx context.Context, c *client.Client, endpoint string, w client.Write) (client.Written, error) {
			return c.Drain(ctx, endpoint, true, w)
		},
	})
}

func (p *program) undrain() *cobra.Command {
	return p.endpointWrite(endpointWrite{
		command: cobra.Command{
			Use:   "undrain ENDPOINT",
			Short: "Give a drained endpoint back the weight that it had before",
			Long:  "Undrain gives an endpoint the weight that it had before it was drained, as a new revision.\n\n" + exitCodesOfWrites,
			Args:  cobra.ExactArgs(1),
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
