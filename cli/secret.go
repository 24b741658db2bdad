package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
	"fairlead/internal/seal"
)

func (p *program) secret() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "secret",
		Short:   "Keep the credentials that a configuration names as ${secret:NAME}",
		Example: "  fairlead secret set openai\n  fairlead secret list\n  fairlead secret delete openai",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.AddCommand(p.secretSet(), p.secretList(), p.secretDelete(), p.secretKey())
	return cmd
}

// secretKey asks nobody: it is what control nodes are started with.
func (p *program) secretKey() *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Make a key for --secret-key, under which control nodes that share a database keep secrets",
		Example: "  (umask 077; fairlead secret key > /etc/fairlead/secret.key)\n" +
			"  FAIRLEAD_SECRET_KEY=file:/etc/fairlead/secret.key fairlead serve --database postgres://db/fairlead",
		Args: arguments(0, 0),
		RunE: run(func(context.Context, []string) error {
			made := map[string]string{"key": seal.NewText()}
			return p.print(made, func() string { return made["key"] + "\n" })
		}),
	}
}

func (p *program) secretSet() *cobra.Command {
	var variable string
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Give a secret a value; nodes that use it have it a moment later",
		Long: "Set reads the value from the terminal, without showing it, or from standard input, or from the variable of\n" +
			"--from-env. It is never an argument: every user of a machine can read its command lines. No command shows it again.",
		Example: "  fairlead secret set openai\n  fairlead secret set openai --from-env OPENAI_API_KEY\n  pass openai | fairlead secret set openai",
		Args:    arguments(1, 1),
	}
	cmd.Flags().StringVar(&variable, "from-env", "", "variable that holds the value")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		if err := fairlead.ValidSecretName(args[0]); err != nil {
			return err // before somebody types a value
		}
		value, err := p.secretValue(ctx, args[0], variable)
		if err != nil {
			return err
		}
		s, err := c.SetSecret(ctx, args[0], value)
		if err != nil {
			return err
		}
		return p.print(s, func() string { return fmt.Sprintf("secret %s has version %d\n", plain(s.Name), s.Version) })
	})
	return cmd
}

func (p *program) secretValue(ctx context.Context, name, variable string) (fairlead.Secret, error) {
	if variable == "" {
		return p.readSecret(ctx, "value of "+name)
	}
	v, _ := p.Lookup(variable)
	if v == "" {
		return fairlead.Secret{}, usage(fmt.Errorf("the variable %s is not set", variable))
	}
	return fairlead.NewSecret(v), nil
}

func (p *program) secretList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the secrets' names and what uses them; never their values",
		Example: "  fairlead secret list",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Secrets(ctx)
		if err != nil {
			return err
		}
		if list == nil {
			list = []client.Secret{}
		}
		return p.print(list, func() string {
			rows := [][]string{{"NAME", "VERSION", "SET", "USED BY"}}
			for _, s := range list {
				rows = append(rows, []string{s.Name, strconv.FormatInt(s.Version, 10), showTime(s.At), showUses(s.UsedBy)})
			}
			return p.list(rows, "There are no secrets.", "")
		})
	})
	return cmd
}

func showUses(uses []client.SecretUse) string {
	names := make([]string, len(uses))
	for i, u := range uses {
		names[i] = u.Provider + "/" + u.Credential
	}
	return orDash(strings.Join(names, ", "))
}

func (p *program) secretDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Take a secret's value away; credentials that name it are out of use then",
		Long: "Delete takes a secret's value away. It warns of the credentials that name it, which are out of use then, and on a\n" +
			"terminal it asks.",
		Example: "  fairlead secret delete openai",
		Args:    arguments(1, 1),
	}
	yes := sure(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		if err := p.warnInUse(ctx, c, args[0]); err != nil {
			return err
		}
		if err := p.asks(ctx, yes, "Delete secret "+args[0]+"?"); err != nil {
			return err
		}
		s, err := c.DeleteSecret(ctx, args[0])
		if err != nil {
			return err
		}
		return p.print(s, func() string { return fmt.Sprintf("secret %s is deleted\n", plain(s.Name)) })
	})
	return cmd
}

// warnInUse says who loses a credential with a secret.
func (p *program) warnInUse(ctx context.Context, c *client.Client, name string) error {
	if p.output != outputText {
		return nil
	}
	list, err := c.Secrets(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.Name == name && len(s.UsedBy) > 0 {
			fmt.Fprintf(p.Stderr, "warning: secret %s is in use: %s; they are out of use without it\n", plain(name), plain(showUses(s.UsedBy)))
		}
	}
	return nil
}
