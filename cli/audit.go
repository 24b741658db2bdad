package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
)

func (p *program) audit() *cobra.Command {
	var filter client.AuditFilter
	var since string
	var limit int
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "List who did what, the newest first",
		Example: "  fairlead audit --by deploys --since 7d\n  fairlead audit --action key.revoke --limit 0\n  fairlead audit verify",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.Flags().IntVar(&limit, "limit", 50, "how many to list; 0 = all")
	cmd.Flags().StringVar(&filter.Action, "action", "", "list this action alone, such as config.apply")
	cmd.Flags().StringVar(&filter.By, "by", "", "list what this one did: a token's or a node's name, or admin")
	cmd.Flags().StringVar(&since, "since", "", "list what is no older: 90m, 24h, 7d, 2026-11-21 or 2026-11-21T10:00:00Z")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		var err error
		if filter.Since, err = parseSince(since, time.Now()); err != nil {
			return usage(err)
		}
		list := []fairlead.AuditEntry{}
		for e, err := range c.Audit(ctx, filter) {
			if err != nil {
				return err
			}
			list = append(list, e)
			if len(list) == limit {
				break
			}
		}
		return p.print(list, func() string {
			rows := [][]string{{"ENTRY", "WHEN", "WHO", "ACTION", "TARGET", "CHANGE", "WHY"}}
			for _, e := range list {
				change := "-"
				if e.Change != 0 {
					change = strconv.FormatInt(e.Change, 10)
				}
				rows = append(rows, []string{strconv.FormatInt(e.Number, 10), showTime(e.At), e.By, e.Action, orDash(e.Target), change, orDash(e.Why)})
			}
			return p.list(rows, "There are no such entries.", "WHY")
		})
	})
	cmd.AddCommand(p.auditVerify(), p.auditLost(), p.auditLedger())
	return cmd
}

// parseSince reads the time of --since, or how long ago it was.
func parseSince(s string, now time.Time) (time.Time, error) { return parseTime("--since", s, now) }

// parseTime reads the time of a flag, or how long ago it was.
func parseTime(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is a duration such as 90m, 24h or 7d, or a time such as 2026-11-21 or 2026-11-21T10:00:00Z, not %q", flag, s)
}

func (p *program) auditVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that nothing of the log, the revisions and the audit was altered since",
		Long: "Verify has the control plane go through its log of changes and its audit, both of which are chains of hashes, and\n" +
			"through the sums of all revisions. The head's hash, kept elsewhere, proves a later log to be a continuation.\n\n" +
			"Exit codes: 0 all is as it was written, 1 there are faults, or it could not be checked.",
		Example: "  fairlead audit verify -o json | jq .position",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		v, err := c.VerifyAudit(ctx)
		if err != nil {
			return err
		}
		err = p.print(v, func() string {
			text := fmt.Sprintf("checked: %s, %s, %s of the audit\nhead: change %d of log %s, hash %s\n",
				count(v.Changes, "change"), count(v.Revisions, "revision"), countEntries(v.Entries), v.Position.Number, plain(v.Position.Log), v.Position.Hash)
			for _, f := range v.Faults {
				text += "fault: " + plain(f) + "\n"
			}
			return text
		})
		if err == nil && len(v.Faults) > 0 {
			return errors.New("what is stored is not what was written")
		}
		return err
	})
	return cmd
}

func countEntries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func (p *program) auditLost() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "lost",
		Short:   "List the changes that a restore has lost, as far as nodes had seen them",
		Example: "  fairlead audit lost",
		Args:    arguments(0, 0),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Lost(ctx)
		if err != nil {
			return err
		}
		if list == nil {
			list = []client.LostChange{}
		}
		return p.print(list, func() string {
			rows := [][]string{{"CHANGE", "WHEN", "WHO", "KIND", "WHAT", "SEEN BY"}}
			for _, l := range list {
				rows = append(rows, []string{strconv.FormatInt(l.Number, 10), showTime(l.At), l.By, string(l.Kind), strings.Join(l.What, ", "), strings.Join(l.Nodes, ", ")})
			}
			return p.list(rows, "There are no lost changes.", "WHAT")
		})
	})
	return cmd
}
