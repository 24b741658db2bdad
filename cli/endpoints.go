package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) endpoints() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "endpoints",
		Short: "List the endpoints with their weights, as the node that answers sees them",
		Long: "Endpoints lists each endpoint with the weight that the configuration gives it, the one that the node that answers\n" +
			"decides by, what that node holds against it, and its price in USD per million tokens. - = not known. Those that only a revision on\n" +
			"trial has stand last and are marked.",
		Example: "  fairlead endpoints\n  fairlead endpoints forget",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Endpoints(ctx)
		if err != nil {
			return err
		}
		if list == nil {
			list = []client.Endpoint{}
		}
		return p.print(list, func() string {
			rows := [][]string{{"ENDPOINT", "CONFIGURED", "WEIGHT", "HEALTH", "INPUT", "OUTPUT"}}
			for _, e := range list {
				configured, input, output := "-", "-", "-"
				if e.Configured != nil {
					configured = strconv.Itoa(*e.Configured)
				}
				if e.Price != nil {
					input, output = e.Price.Input, e.Price.Output
				}
				id := e.ID
				if e.Trial {
					id += " (on trial)"
				}
				rows = append(rows, []string{id, configured, strconv.Itoa(e.Weight), showHealth(e.Health), input, output})
			}
			return p.list(rows, "There are no endpoints.", "")
		})
	})
	cmd.AddCommand(p.endpointsForget())
	return cmd
}

func (p *program) endpointsForget() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "forget",
		Short: "Drop what the node that answers holds against endpoints",
		Long: "Forget drops what the node that answers holds against endpoints, all of them: open breakers, cooldowns, refused\n" +
			"credentials, learned speeds. They are asked again at once. Other nodes keep what they hold.",
		Example: "  fairlead endpoints forget",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		if err := c.ForgetHealth(ctx); err != nil {
			return err
		}
		return p.print(map[string]bool{"forgotten": true}, func() string {
			return "nothing is held against any endpoint at the node that answered\n"
		})
	})
	return cmd
}

func showHealth(h *client.Health) string {
	switch {
	case h == nil:
		return "ok"
	case h.Until.IsZero():
		return h.State
	}
	return h.State + " until " + showTime(h.Until)
}
