package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) endpoints() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "endpoints",
		Short: "List the endpoints with their weights, as the node that answers sees them",
		Long: "Endpoints lists each endpoint with the weight that the configuration gives it, the one that the node that answers\n" +
			"decides by, what that node and the other live edges hold against it, and its price in USD per million tokens, with what else it\n" +
			"is made of where that is another: caches, reasoning, sound; images and requests by the million; tiers. - = not known, or nothing.\n" +
			"Where a revision on trial gives another weight, that stands behind it; endpoints that only it has stand last and are marked.",
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
			rows := [][]string{{"ENDPOINT", "CONFIGURED", "WEIGHT", "HEALTH", "INPUT", "OUTPUT", "BESIDES"}}
			for _, e := range list {
				configured, input, output, besides := "-", "-", "-", "-"
				if e.Configured != nil {
					configured = strconv.Itoa(*e.Configured)
				}
				if e.Price != nil {
					input, output, besides = e.Price.Input, e.Price.Output, showBesides(e.Price)
				}
				weight := strconv.Itoa(e.Weight)
				if e.Tried != nil {
					weight += fmt.Sprintf(" (trial %d)", *e.Tried)
				}
				id := e.ID
				if e.Trial {
					id += " (on trial)"
				}
				rows = append(rows, []string{id, configured, weight, showHealth(&e), input, output, besides})
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
		Short: "Drop what is held against endpoints",
		Long: "Forget drops what the node that answers and all live edges hold against endpoints, all of them: open breakers, cooldowns,\n" +
			"refused credentials, learned speeds. They are asked again at once.",
		Example: "  fairlead endpoints forget",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		if err := c.ForgetHealth(ctx); err != nil {
			return err
		}
		return p.print(map[string]bool{"forgotten": true}, func() string {
			return "nothing is held against any endpoint now\n"
		})
	})
	return cmd
}

// showHealth says what the node that answers holds against an endpoint, and what the other edges do; "-" where nobody
// has told.
func showHealth(e *client.Endpoint) string {
	h, f := e.Health, e.Fleet
	if f == nil || f.Edges == 0 {
		f = nil
	}
	parts := []string{}
	if h != nil {
		parts = append(parts, showHeld(h))
	}
	if f != nil && f.Shut+f.Reduced > 0 && (h == nil || f.Edges > 1) {
		text := fmt.Sprintf("shut at %d of %d edges", f.Shut, f.Edges)
		if f.Shut == 0 {
			text = fmt.Sprintf("reduced at %d of %d edges", f.Reduced, f.Edges)
		}
		if h == nil || h.Reason != f.Reason {
			text += " (" + f.Reason + ")"
		}
		parts = append(parts, text)
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; ")
	case f == nil:
		return "-"
	}
	return "ok"
}

func showHeld(h *client.Health) string {
	text := h.State
	if h.Share > 0 {
		text = strconv.Itoa(h.Share) + " %"
	}
	if h.Reason != "" {
		text += " (" + h.Reason + ")"
	}
	if !h.Until.IsZero() {
		text += " until " + showTime(h.Until)
	}
	return text
}
