package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) credit() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "credit",
		Short:   "Grant credit to an account, and tell its balance and what was posted to it",
		Example: "  fairlead credit grant acc_team1 25.00 --reference order-17 -m 'invoice 17'\n  fairlead credit balance acc_team1\n  fairlead credit ledger acc_team1",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.AddCommand(p.creditGrant(), p.creditBalance(), p.creditLedger())
	return cmd
}

func (p *program) creditGrant() *cobra.Command {
	var g client.Grant
	var paid bool
	cmd := &cobra.Command{
		Use:   "grant ACCOUNT USD",
		Short: "Add credit to an account",
		Long: "Grant adds credit, in USD, to an account. With a reference it is done once, however often it is asked for: again, it\n" +
			"tells of the first time; with another amount it is refused.",
		Example: "  fairlead credit grant acc_team1 25.00 --reference order-17 -m 'invoice 17'",
		Args:    arguments(2, 2),
	}
	cmd.Flags().StringVar(&g.Reference, "reference", "", "what makes it the same grant when it is asked for again")
	cmd.Flags().BoolVar(&paid, "paid", false, "it was paid for: a top-up, not a gift")
	cmd.Flags().StringVarP(&g.Why, "message", "m", "", "why; it stands in the ledger and in the audit")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		g.Amount = args[1]
		if paid {
			g.Kind = "topup"
		}
		done, err := c.GrantCredit(ctx, args[0], g)
		if err != nil {
			return err
		}
		return p.print(done, func() string {
			again := ""
			if done.Again {
				again = ", which was there before"
			}
			return fmt.Sprintf("posting %d: %s USD%s\nbalance of %s: %s USD\n", done.ID, done.Amount, again, plain(args[0]), done.Balance)
		})
	})
	return cmd
}

func (p *program) creditBalance() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "balance ACCOUNT",
		Short:   "Tell what credit an account has, in USD",
		Example: "  fairlead credit balance acc_team1",
		Args:    arguments(1, 1),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		b, err := c.Balance(ctx, args[0])
		if err != nil {
			return err
		}
		return p.print(b, func() string { return b.Balance + "\n" })
	})
	return cmd
}

func (p *program) creditLedger() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "ledger ACCOUNT",
		Short:   "List what was posted to an account, the newest first",
		Example: "  fairlead credit ledger acc_team1 --limit 0 -o json",
		Args:    arguments(1, 1),
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many to list; 0 = all")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		list := []client.Posting{}
		for one, err := range c.Ledger(ctx, args[0]) {
			if err != nil {
				return err
			}
			list = append(list, one)
			if len(list) == limit {
				break
			}
		}
		return p.print(list, func() string {
			rows := [][]string{{"POSTING", "WHEN", "KIND", "USD", "SHORTFALL", "REFERENCE", "WHO", "WHY"}}
			for _, o := range list {
				rows = append(rows, []string{strconv.FormatInt(o.ID, 10), showTime(o.At), string(o.Kind), o.Amount, orDash(o.Shortfall), orDash(o.Reference), orDash(o.By), orDash(o.Why)})
			}
			return p.list(rows, "Nothing was posted to it.", "WHY")
		})
	})
	return cmd
}

func (p *program) used() *cobra.Command {
	var filter client.UsageFilter
	var from, until string
	cmd := &cobra.Command{
		Use:     "usage",
		Short:   "Add up what exchanges used, cost and were charged",
		Long:    "Usage adds up exchanges by the time in which they began: of the last day, where nothing is said.",
		Example: "  fairlead usage --by model\n  fairlead usage --by key --from 7d -o json",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.Flags())
	cmd.Flags().StringVar(&filter.By, "by", "time", "what it is told apart by: time, model, key, provider or account")
	cmd.Flags().StringVar(&from, "from", "", "add up from here on: 90m, 24h, 7d, 2026-11-21 or 2026-11-21T10:00:00Z")
	cmd.Flags().StringVar(&until, "until", "", "add up what began before; as --from")
	cmd.Flags().StringVar(&filter.Account, "account", "", "add up what this account used alone")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		now := time.Now()
		for _, f := range []struct {
			flag, text string
			to         *time.Time
		}{{"--from", from, &filter.From}, {"--until", until, &filter.Until}} {
			var err error
			if *f.to, err = parseTime(f.flag, f.text, now); err != nil {
				return usage(err)
			}
		}
		u, err := c.Usage(ctx, filter)
		if err != nil {
			return err
		}
		return p.print(u, func() string {
			rows := [][]string{{"NAME", "EXCHANGES", "FAILED", "INPUT", "CACHED", "OUTPUT", "COST USD", "CHARGED USD"}}
			for _, g := range u.Data {
				n := func(n int64) string { return strconv.FormatInt(n, 10) }
				rows = append(rows, []string{orDash(g.Name), n(g.Exchanges), n(g.Failures), n(g.Input + g.CacheWrite), n(g.CacheRead), n(g.Output), g.Cost, g.Charge})
			}
			return p.list(rows, "There were no exchanges.", "")
		})
	})
	return cmd
}

func (p *program) auditLedger() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Make the ledger and all usage again from the charge lines, and compare",
		Long: "Ledger has the control plane go through all frames of charge lines, and compares what they charge and add up to with what\n" +
			"was posted; it goes through all postings, their hashes and the balances that they make, too.\n\n" +
			"Exit codes: 0 there is no difference, 1 there is one, or it could not be checked.",
		Example: "  fairlead audit ledger",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		v, err := c.AuditLedger(ctx)
		if err != nil {
			return err
		}
		err = p.print(v, func() string {
			text := fmt.Sprintf("checked: %s, %s, %s, %s\n", count(v.Postings, "posting"), count(v.Accounts, "account"), count(v.Frames, "frame"), count(v.Lines, "charge line"))
			if v.Unread+v.Foreign > 0 {
				text += fmt.Sprintf("not charged: %s that cannot be read, %d of another node's exchanges\n", count(v.Unread, "line"), v.Foreign)
			}
			if v.Older > 0 {
				text += fmt.Sprintf("older than the ledger: %s\n", count(v.Older, "frame"))
			}
			for _, f := range v.Faults {
				text += "fault: " + plain(f) + "\n"
			}
			return text
		})
		if err == nil && len(v.Faults) > 0 {
			return errors.New("the ledger is not what its evidence makes it")
		}
		return err
	})
	return cmd
}
