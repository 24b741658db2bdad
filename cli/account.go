package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) account() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "account",
		Short:   "Keep accounts and their teams, which keys belong to",
		Example: "  fairlead account create --name acme\n  fairlead account list\n  fairlead account team create acc_xufprchpbmi8f7h4 --name research\n  fairlead account close acc_xufprchpbmi8f7h4",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addControlFlags(cmd.PersistentFlags())
	team := &cobra.Command{
		Use:     "team",
		Short:   "Keep the teams of an account",
		Example: "  fairlead account team create acc_xufprchpbmi8f7h4 --name research\n  fairlead account team list acc_xufprchpbmi8f7h4",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, t := range []bool{false, true} {
		to := cmd
		if t {
			to = team
		}
		to.AddCommand(p.accountCreate(t), p.accountList(t), p.accountShow(t), p.accountEdit(t), p.accountClose(t))
	}
	cmd.AddCommand(team)
	return cmd
}

// shownAccount is an account, or a team as one of its account's; what is printed as JSON is the one that it was made of.
type shownAccount struct {
	client.Account
	of any
}

func asShown(a client.Account, err error) (shownAccount, error) { return shownAccount{a, a}, err }

func teamShown(t client.Team, err error) (shownAccount, error) {
	return shownAccount{client.Account{ID: t.ID, Name: t.Name, Metadata: t.Metadata, Created: t.Created, Closed: t.Closed}, t}, err
}

func (p *program) printAccount(a shownAccount, err error) error {
	if err != nil {
		return err
	}
	return p.print(a.of, func() string {
		var b strings.Builder
		fmt.Fprintf(&b, "id:      %s\nname:    %s\ncreated: %s\n", a.ID, plain(a.Name), showTime(a.Created))
		for _, name := range slices.Sorted(maps.Keys(a.Metadata)) {
			fmt.Fprintf(&b, "meta:    %s\n", plain(name+"="+a.Metadata[name]))
		}
		if a.Closed != nil {
			fmt.Fprintf(&b, "closed:  %s\n", showTime(*a.Closed))
		}
		return b.String()
	})
}

// words are what a command on accounts or on teams is called, with how many ids it takes to name one.
func accountWords(team bool) (noun, command, ids, example string, names int) {
	if team {
		return "team", "fairlead account team", "ACCOUNT TEAM", "acc_xufprchpbmi8f7h4 team_h4q8f7xufprchpbm", 2
	}
	return "account", "fairlead account", "ID", "acc_xufprchpbmi8f7h4", 1
}

func (p *program) accountCreate(team bool) *cobra.Command {
	var name string
	var meta []string
	noun, command, _, _, names := accountWords(team)
	cmd := &cobra.Command{Use: "create --name NAME", Short: "Make an " + noun, Example: "  " + command + " create --name acme --meta plan=b", Args: arguments(0, 0)}
	if team {
		cmd.Use, cmd.Short, cmd.Example = "create ACCOUNT --name NAME", "Make a team of an account", "  "+command+" create acc_xufprchpbmi8f7h4 --name research"
		cmd.Args = arguments(names-1, names-1)
	}
	cmd.Flags().StringVar(&name, "name", "", "what you call the "+noun)
	_ = cmd.MarkFlagRequired("name") // fails only for a flag that is not there
	addMetaFlag(cmd.Flags(), &meta)
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		notes, err := readMeta(meta)
		if err != nil {
			return err
		}
		if team {
			return p.printAccount(teamShown(c.CreateTeam(ctx, args[0], name, notes)))
		}
		return p.printAccount(asShown(c.CreateAccount(ctx, name, notes)))
	})
	return cmd
}

func (p *program) accountList(team bool) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List all accounts, closed ones included, in the order of their creation", Example: "  fairlead account list", Args: arguments(0, 0)}
	if team {
		cmd.Use, cmd.Short, cmd.Example = "list ACCOUNT", "List the teams of an account, closed ones included", "  fairlead account team list acc_xufprchpbmi8f7h4"
		cmd.Args = arguments(1, 1)
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		rows, all := [][]string{{"ID", "NAME", "CREATED", "CLOSED"}}, []any{}
		add := func(a shownAccount) {
			closed := "-"
			if a.Closed != nil {
				closed = showTime(*a.Closed)
			}
			rows, all = append(rows, []string{a.ID, a.Name, showTime(a.Created), closed}), append(all, a.of)
		}
		none := "There are no accounts."
		if team {
			none = "The account has no teams."
			for t, err := range c.Teams(ctx, args[0]) {
				if err != nil {
					return err
				}
				s, _ := teamShown(t, nil)
				add(s)
			}
		} else {
			for a, err := range c.Accounts(ctx) {
				if err != nil {
					return err
				}
				add(shownAccount{a, a})
			}
		}
		return p.print(all, func() string { return p.list(rows, none, "") })
	})
	return cmd
}

func (p *program) accountShow(team bool) *cobra.Command {
	noun, command, ids, example, names := accountWords(team)
	cmd := &cobra.Command{Use: "show " + ids, Short: "Show the " + noun, Example: "  " + command + " show " + example, Args: arguments(names, names)}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		if team {
			return p.printAccount(teamShown(c.Team(ctx, args[0], args[1])))
		}
		return p.printAccount(asShown(c.Account(ctx, args[0])))
	})
	return cmd
}

func (p *program) accountEdit(team bool) *cobra.Command {
	var name string
	var meta []string
	noun, command, ids, example, names := accountWords(team)
	cmd := &cobra.Command{
		Use: "edit " + ids, Short: "Change the name or the notes of the " + noun, Args: arguments(names, names),
		Example: "  " + command + " edit " + example + " --name other --meta plan=c",
	}
	cmd.Flags().StringVar(&name, "name", "", "what you call the "+noun)
	addMetaFlag(cmd.Flags(), &meta)
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		var patch client.AccountPatch
		if cmd.Flags().Changed("name") {
			patch.Name = &name
		}
		notes, err := readMeta(meta)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("meta") {
			patch.Metadata = &notes
		}
		if team {
			return p.printAccount(teamShown(c.PatchTeam(ctx, args[0], args[1], patch)))
		}
		return p.printAccount(asShown(c.PatchAccount(ctx, args[0], patch)))
	})
	return cmd
}

func (p *program) accountClose(team bool) *cobra.Command {
	noun, command, ids, example, names := accountWords(team)
	cmd := &cobra.Command{
		Use: "close " + ids, Short: "Close the " + noun + " for good; once this returns all its keys are refused", Args: arguments(names, names),
		Long:    "Close ends the " + noun + " for good: once this returns all its keys are refused. On a terminal it asks.",
		Example: "  " + command + " close " + example,
	}
	yes := sure(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		if err := p.asks(ctx, yes, "Close "+noun+" "+args[names-1]+"? Whoever uses a key of it is refused from then on."); err != nil {
			return err
		}
		a, err := shownAccount{}, error(nil)
		if team {
			a, err = teamShown(c.CloseTeam(ctx, args[0], args[1]))
		} else {
			a, err = asShown(c.CloseAccount(ctx, args[0]))
		}
		if err != nil {
			return err
		}
		return p.print(a.of, func() string {
			return fmt.Sprintf("%s (%s) is closed since %s\n", a.ID, plain(a.Name), showTime(closedAt(a)))
		})
	})
	return cmd
}

func closedAt(a shownAccount) time.Time {
	if a.Closed == nil {
		return time.Time{}
	}
	return *a.Closed
}
