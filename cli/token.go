package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
)

func (p *program) adminToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "token",
		Short:   "Create, list and revoke the tokens that speak to the control plane",
		Example: "  fairlead token create --name deploys --level operator\n  fairlead token list\n  fairlead token revoke tok_xufprchpbmi8f7h4",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.AddCommand(p.tokenCreate(), p.tokenList(), p.tokenRevoke())
	return cmd
}

func (p *program) tokenCreate() *cobra.Command {
	var name, level string
	cmd := &cobra.Command{
		Use:   "create --name NAME --level LEVEL",
		Short: "Make a token and show it, this once",
		Long: "A viewer looks; an operator writes the configuration, weights and drains, too; an admin may do everything: keys,\n" +
			"secrets, nodes, tokens, backups. The token's name stands in revisions and in the audit.",
		Example: "  fairlead token create --name deploys --level operator",
		Args:    arguments(0, 0),
	}
	cmd.Flags().StringVar(&name, "name", "", "who, or what, it is for")
	cmd.Flags().StringVar(&level, "level", "", "viewer, operator or admin")
	_, _ = cmd.MarkFlagRequired("name"), cmd.MarkFlagRequired("level") // fail only for a flag that is not there
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		if l := fairlead.Level(level); !l.Allows(fairlead.LevelViewer) {
			return usage(fmt.Errorf("--level is viewer, operator or admin, not %q", level))
		}
		t, err := c.CreateToken(ctx, name, fairlead.Level(level))
		if err != nil {
			return err
		}
		if p.output == outputText {
			defer fmt.Fprintln(p.Stderr, "Keep the token: it is not shown again.")
		}
		return p.print(t, func() string {
			return fmt.Sprintf("id:    %s\nname:  %s\nlevel: %s\ntoken: %s\n", t.ID, plain(t.Name), t.Level, t.Secret)
		})
	})
	return cmd
}

func (p *program) tokenList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List all tokens, revoked ones included; never what they are",
		Example: "  fairlead token list",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Tokens(ctx)
		if err != nil {
			return err
		}
		if list == nil {
			list = []fairlead.Token{}
		}
		return p.print(list, func() string {
			rows := [][]string{{"ID", "NAME", "LEVEL", "CREATED", "REVOKED"}}
			for _, t := range list {
				revoked := "-"
				if !t.Revoked.IsZero() {
					revoked = showTime(t.Revoked)
				}
				rows = append(rows, []string{t.ID, t.Name, string(t.Level), showTime(t.Created), revoked})
			}
			return p.list(rows, "There are no tokens beside the one that the server was started with.", "")
		})
	})
	return cmd
}

func (p *program) tokenRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "Revoke a token; once this returns it is refused",
		Long:    "Revoke ends a token for good: once this returns it is refused. On a terminal it asks.",
		Example: "  fairlead token revoke tok_xufprchpbmi8f7h4",
		Args:    arguments(1, 1),
	}
	yes := sure(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		if err := p.asks(ctx, yes, "Revoke token "+args[0]+"? Whoever uses it is refused from then on."); err != nil {
			return err
		}
		t, err := c.RevokeToken(ctx, args[0])
		if err != nil {
			return err
		}
		return p.print(t, func() string {
			return fmt.Sprintf("%s (%s) is revoked since %s\n", t.ID, plain(t.Name), showTime(t.Revoked))
		})
	})
	return cmd
}
