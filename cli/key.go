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
		Short:   "Create, list, change, rotate and revoke the keys that callers use",
		Example: "  fairlead key create --name app\n  fairlead key list\n  fairlead key revoke key_xufprchpbmi8f7h4",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.AddCommand(p.keyCreate(), p.keyList(), p.keyShow(), p.keyEdit(), p.keyRotate(),
		p.keySwitch("disable", "Refuse a key until it is enabled", true), p.keySwitch("enable", "Let a key in again that was disabled", false), p.keyRevoke())
	return cmd
}

func (p *program) keyCreate() *cobra.Command {
	var name, account, team string
	cmd := &cobra.Command{
		Use:   "create --name NAME",
		Short: "Make a key and show its secret, this once; it can be used at once",
		Example: "  fairlead key create --name app\n  fairlead key create --name app -o json\n" +
			"  fairlead key create --name batch --account acc_xufprchpbmi8f7h4 --model 'openai/*' --expires 720h --meta ticket=42",
		Args: arguments(0, 0),
	}
	cmd.Flags().StringVar(&name, "name", "", "what you call the key")
	_ = cmd.MarkFlagRequired("name") // fails only for a flag that is not there
	cmd.Flags().StringVar(&account, "account", "", "the account that the key belongs to, by its id")
	cmd.Flags().StringVar(&team, "team", "", "the team of the account, by its id")
	flags := newTermFlags(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		terms, err := flags.terms(account, team)
		if err != nil {
			return err
		}
		k, err := c.CreateKey(ctx, name, terms)
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
	var account, team string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List all keys, revoked ones included, in the order of their creation",
		Example: "  fairlead key list\n  fairlead key list --account acc_xufprchpbmi8f7h4",
		Args:    arguments(0, 0),
	}
	cmd.Flags().StringVar(&account, "account", "", "those of this account alone, by its id")
	cmd.Flags().StringVar(&team, "team", "", "with --account: those of this team of it")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		keys := []client.Key{}
		all := c.Keys(ctx)
		if account != "" || team != "" {
			all = c.KeysOf(ctx, account, team)
		}
		for k, err := range all {
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
