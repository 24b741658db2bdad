package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
)

func (p *program) nodes() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List the nodes of the fleet and how each of them is",
		Long: "Nodes lists each node with the revision that it has in force and by how many changes it lags. A node is stale\n" +
			"where it hears nothing from the control plane; it then goes on serving what it knows.",
		Example: "  fairlead nodes\n  fairlead nodes add edge-1 --region eu-central-1\n  fairlead nodes remove edge-1",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.PersistentFlags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Nodes(ctx)
		if err != nil {
			return err
		}
		if list == nil {
			list = []client.Node{}
		}
		return p.print(list, func() string {
			rows := [][]string{{"NAME", "ROLE", "REGION", "VERSION", "REVISION", "LAG", "STATE"}}
			for _, n := range list {
				rows = append(rows, nodeRow(n))
			}
			return p.list(rows, "There are no nodes.", "") + nodeTroubles(list)
		})
	})
	cmd.AddCommand(p.nodesAdd(), p.nodesRemove())
	return cmd
}

func nodeRow(n client.Node) []string {
	row := []string{n.Name, orDash(string(n.Role)), orDash(n.Region), orDash(n.Version), "-", "-", n.State()}
	if n.Live && n.Role != fairlead.RoleControl {
		row[4] = strconv.FormatInt(n.Revision, 10)
	}
	if n.Live && n.Lag != nil {
		row[5] = strconv.FormatInt(*n.Lag, 10)
	}
	return row
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// nodeTroubles tells at length what is wrong at nodes.
func nodeTroubles(list []client.Node) string {
	var b strings.Builder
	for _, n := range list {
		if n.NameTaken {
			fmt.Fprintf(&b, "%s: two control nodes have this name: stop one of them, or start one with another --name\n", plain(n.Name))
		}
		if n.ConfigError != "" {
			fmt.Fprintf(&b, "%s: a later revision is not in force: %s\n", plain(n.Name), plain(n.ConfigError))
		}
		if len(n.Unresolved) > 0 {
			fmt.Fprintf(&b, "%s: without a value: %s\n", plain(n.Name), plain(strings.Join(n.Unresolved, ", ")))
		}
		spoolTroubles(&b, n)
	}
	return b.String()
}

// spoolTroubles tells what a node cannot send up, and what it has lost.
func spoolTroubles(b *strings.Builder, n client.Node) {
	s := n.Spool
	if s == nil {
		return
	}
	if s.Failing != "" {
		fmt.Fprintf(b, "%s: charge lines cannot be written; exchanges go on without: %s\n", plain(n.Name), plain(s.Failing))
	}
	if s.Refused > 0 || s.Lost > 0 || s.Records > 0 {
		fmt.Fprintf(b, "%s: since its start, charge lines not written: %d, lost: %d, records dropped: %d\n", plain(n.Name), s.Refused, s.Lost, s.Records)
	}
	if !s.Oldest.IsZero() && n.Heard.Sub(s.Oldest) > lateFrames {
		fmt.Fprintf(b, "%s: frames of charge lines that wait there: %d, the oldest since %s\n", plain(n.Name), s.Frames, showTime(s.Oldest))
	}
}

// lateFrames is how long frames may wait without a word of it.
const lateFrames = 10 * time.Second

func (p *program) nodesAdd() *cobra.Command {
	var region string
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Let an edge join the fleet: show its token, this once, and the line that starts it",
		Example: "  fairlead nodes add edge-1 --region eu-central-1",
		Args:    arguments(1, 1),
	}
	cmd.Flags().StringVar(&region, "region", "", "where it is")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		n, err := c.AddNode(ctx, args[0], region)
		if err != nil {
			return err
		}
		shown := struct {
			client.NewNode
			Command string `json:"command"`
		}{n, startLine(n)}
		return p.print(shown, func() string {
			text := fmt.Sprintf("name:  %s\nrole:  %s\ntoken: %s\n", n.Name, n.Role, n.Token)
			if !n.Expires.IsZero() {
				text += "until: " + showTime(n.Expires) + "\n"
			}
			return text + "\nThe token works once. Start the node with:\n\n  " + shown.Command + "\n"
		})
	})
	return cmd
}

// startLine hands the token over in a variable: every user of a machine can read its command lines.
func startLine(n client.NewNode) string {
	line := "FAIRLEAD_JOIN=" + quote(n.Token) + " fairlead serve --role " + quote(string(n.Role)) + " --name " + quote(n.Name)
	if n.Region != "" {
		line += " --region " + quote(n.Region)
	}
	return line
}

// quote writes a word as a shell reads it back.
func quote(word string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("@%+=:,./_-", r)
	}
	if word != "" && !strings.ContainsFunc(word, odd) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func (p *program) nodesRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Shut a node out of the fleet; to join again it needs a new token",
		Long: "Remove shuts a node out at once. It has read the secrets of its time: replace them at their providers. On a\n" +
			"terminal it asks.",
		Example: "  fairlead nodes remove edge-1",
		Args:    arguments(1, 1),
	}
	yes := sure(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		if err := p.asks(ctx, yes, "Shut node "+args[0]+" out of the fleet? To come back it needs a new token."); err != nil {
			return err
		}
		n, err := c.RemoveNode(ctx, args[0])
		if err != nil {
			return err
		}
		return p.print(n, func() string { return fmt.Sprintf("node %s is removed\n", plain(n.Name)) })
	})
	return cmd
}
