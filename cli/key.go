package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) key() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "key",
		Short:   "Create, list and revoke the keys that callers use",
		Example: "  fairlead key create --name app\n  fairlead key list\n  fairlead key revoke key_xufprchpbmi8f7h4",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.AddCommand(p.keyCreate(), p.keyList(), p.keyRevoke())
	return cmd
}

func (p *program) keyCreate() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "create --name NAME",
		Short:   "Make a key and show its secret, this once; it can be used at once",
		Example: "  fairlead key create --name app\n  fairlead key create --name app -o json",
		Args:    arguments(0, 0),
	}
	cmd.Flags().StringVar(&name, "name", "", "what you call the key")
	_ = cmd.MarkFlagRequired("name") // fails only for a flag that is not there
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		k, err := c.CreateKey(ctx, name)
		if err != nil {
			return err
		}
		if p.output == outputText {
			defer fmt.Fprintln(p.Stderr, "Keep the secret: it is not shown again.")
		}
		return p.print(k, func() string {
			return fmt.Sprintf("id:     %s\nname:   %s\nsecret: %s\n", k.ID, plain(k.Name), k.Secret)
		})
	})
	return cmd
}

func (p *program) keyList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List all keys, revoked ones included, in the order of their creation",
		Example: "  fairlead key list",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		keys := []client.Key{}
		for k, err := range c.Keys(ctx) {
			if err != nil {
				return err
			}
			keys = append(keys, k)
		}
		return p.print(keys, func() string {
			rows := [][]string{{"ID", "NAME", "SECRET", "CREATED", "REVOKED"}}
			for _, k := range keys {
				revoked := "-"
				if k.Revoked != nil {
					revoked = showTime(*k.Revoked)
				}
				rows = append(rows, []string{k.ID, k.Name, k.Hint, showTime(k.Created), revoked})
			}
			return p.list(rows, "There are no keys.", "")
		})
	})
	return cmd
}

func (p *program) keyRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "Revoke a key; once this returns it is refused",
		Long:    "Revoke ends a key for good: once this returns it is refused. On a terminal it asks.",
		Example: "  fairlead key revoke key_xufprchpbmi8f7h4",
		Args:    arguments(1, 1),
	}
	yes := sure(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		if err := p.asks(ctx, yes, "Revoke key "+args[0]+"? Whoever uses it is refused from then on."); err != nil {
			return err
		}
		k, err := c.RevokeKey(ctx, args[0])
		if err != nil {
			return err
		}
		return p.print(k, func() string {
			return fmt.Sprintf("%s (%s) is revoked since %s\n", k.ID, plain(k.Name), showTime(*k.Revoked))
		})
	})
	return cmd
}
