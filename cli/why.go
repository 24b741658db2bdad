package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
)

func (p *program) why() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why ID",
		Short: "Say what an exchange did and why, by the id of its answer",
		Long: "Why shows the record of an exchange with each attempt, its charge lines, and the revision that it was planned by, with\n" +
			"who wrote that and the reason. The id stands in the answer's header x-request-id. Of an ordinary exchange\n" +
			"without a record the charge lines are shown.",
		Example: "  fairlead why req_3n9ynw5t7qqatdrt5vd6h462a",
		Args:    arguments(1, 1),
	}
	addControlFlags(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		x, err := c.Exchange(ctx, args[0])
		if err != nil {
			return err
		}
		return p.print(x, func() string { return whyText(&x) })
	})
	return cmd
}

// whyText is an exchange's story.
func whyText(x *client.Exchange) string {
	var b strings.Builder
	line := func(name, format string, values ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, plain(fmt.Sprintf(format, values...)))
	}
	line("exchange", "%s", x.ID)
	line("began", "%s on %s", showMoment(x.Began), orDash(x.Node))
	if r := x.Revision; r != nil {
		line("revision", "%d%s", r.Number, revisionText(r))
	}
	if x.Record != nil && x.Record.Trial != "" {
		line("on trial", "%s: that revision was tried on a share of the callers", x.Record.Trial)
	}
	if x.Record != nil {
		recordLines(x.Record, line)
		attemptTable(&b, x.Record.Attempts)
	} else {
		b.WriteString("\nThere is no record of it: it was an ordinary one beyond settings.records.per_second, its record has not arrived yet,\n" +
			"or is gone. What is known is what its charge lines say.\n")
	}
	chargeText(&b, x)
	return b.String()
}

func revisionText(r *client.ExchangeRevision) string {
	if r.By == "" {
		return ""
	}
	text := fmt.Sprintf(" (%s by %s, %s", r.Origin, r.By, showTime(r.At))
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text + ")"
}

func recordLines(r *client.Record, line func(name, format string, values ...any)) {
	how := ""
	if r.Stream {
		how = ", streamed"
	}
	if r.Translated {
		how += ", translated"
	}
	line("asked for", "%s of %s%s in the dialect %s", r.Operation, orDash(r.Model), how, orDash(string(r.Dialect)))
	if r.Served != "" && r.Served != r.Model {
		line("which is", "%s", r.Served)
	}
	line("key", "%s", orDash(r.Key))
	if r.Account != "" {
		line("account", "%s", strings.TrimSpace(r.Account+" "+r.Team))
	}
	if r.CallerID != "" {
		line("caller id", "%s", r.CallerID)
	}
	line("answered", "%s after %s, %s of them fairlead's own", showStatus(r.Status, string(r.Code)), showMicros(r.Duration), showMicros(r.Overhead))
	if r.TTFT > 0 {
		line("first token", "after %s", showMicros(r.TTFT))
	}
	if len(r.Attempts) > 0 {
		line("time went", "%s", timeText(r))
	}
	if r.Error != "" {
		line("error", "%s", r.Error)
	}
	line("endpoint", "%s", orDash(r.Endpoint))
	if len(r.Shut) > 0 {
		line("shut", "%s: its turn came first, and its health kept it away", strings.Join(r.Shut, ", "))
	}
	line("tokens", "%s", tokensText(&r.Tokens))
	line("cost", "%s", showCost(r.Cost))
	line("kept", "%s", keptText(r))
}

// keptText says why there is a record.
func keptText(r *client.Record) string {
	switch {
	case r.Kept == fairlead.KeptSlow:
		return "as a slow one"
	case r.Kept == fairlead.KeptSample:
		return "as one of the sample"
	case r.Code == "" && r.Status/100 == 2:
		return "for a failed attempt"
	}
	return "as a failure"
}

// timeText divides an exchange's time at what a record has the moment of. How long a connection took to come about is
// a part of its attempt.
func timeText(r *client.Record) string {
	var parts []string
	at := int64(0)
	until := func(moment int64, what string) {
		if moment > at {
			parts = append(parts, showMicros(moment-at)+" "+what)
			at = moment
		}
	}
	until(r.Attempts[0].Start, "to the first attempt")
	if r.TTFT > 0 {
		for i := len(r.Attempts) - 1; i >= 0; i-- {
			if a := &r.Attempts[i]; a.Endpoint == r.Endpoint && a.Start < r.TTFT {
				until(a.Start, "until the one that answered")
				break
			}
		}
		until(r.TTFT, "until its first token")
	}
	until(r.Duration, "until the end")
	return strings.Join(parts, ", ")
}

func tokensText(t *client.Tokens) string {
	text := fmt.Sprintf("%d in, %d out", t.Input, t.Output)
	for _, part := range []struct {
		n    int64
		name string
	}{
		{t.CacheRead, "read from a cache"},
		{t.CacheWrite, "written to a cache"},
		{t.Reasoning, "of reasoning"},
		{t.AudioInput, "in as sound"},
		{t.AudioOutput, "out as sound"},
		{t.ImageInput, "in as images"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.name)
		}
	}
	if t.Images > 0 {
		text += ", " + count(t.Images, "image")
	}
	if t.Estimated {
		text += " (estimated)"
	}
	if t.NormalPrompt+t.NormalOutput > 0 && !t.Estimated {
		text += fmt.Sprintf("; by bytes %d in, %d out", t.NormalPrompt, t.NormalOutput)
	}
	return text
}

func attemptTable(b *strings.Builder, list []client.Attempt) {
	if len(list) == 0 {
		b.WriteString("\nNo endpoint was asked.\n")
		return
	}
	rows := [][]string{{"ATTEMPT", "ENDPOINT", "WHY THERE", "AFTER", "TOOK", "STATUS", "OUTCOME", "DETAIL"}}
	for i, a := range list {
		status := "-"
		if a.Status != 0 {
			status = strconv.Itoa(a.Status)
		}
		outcome := string(a.Outcome)
		if a.After {
			outcome += " (after the commit)"
		}
		rows = append(rows, []string{strconv.Itoa(i + 1), a.Endpoint, orDash(a.Why), showMicros(a.Start), showMicros(a.Duration), status, outcome, orDash(a.Detail)})
	}
	b.WriteString("\n" + table(rows))
}

// chargeText shows the charge lines, and says what is missing of them.
func chargeText(b *strings.Builder, x *client.Exchange) {
	b.WriteString("\n")
	charged := false
	for i := range x.Lines {
		l := &x.Lines[i]
		charged = charged || l.Kind == fairlead.LineCharge
		fmt.Fprintf(b, "%-10s %s", l.Kind, showMoment(l.At))
		if l.Kind == fairlead.LineCharge {
			fmt.Fprintf(b, ", %s, %s, %s, attempts %d, endpoint %s", showStatus(l.Status, string(l.Code)), tokensText(&l.Tokens), showCost(l.Cost), l.Attempts, plain(orDash(l.Endpoint)))
		} else {
			fmt.Fprintf(b, ", model %s, key %s, about %d tokens in", plain(orDash(l.Model)), plain(orDash(l.Key)), l.Prompt)
		}
		fmt.Fprintf(b, " (frame %d of %s, %s)\n", l.Frame.Sequence, plain(l.Frame.Node), plain(l.Frame.Incarnation))
	}
	switch {
	case len(x.Lines) == 0 && x.Record != nil && len(x.Record.Attempts) == 0:
		b.WriteString("Nothing was sent to a provider, so there is no charge line.\n")
	case len(x.Lines) == 0:
		b.WriteString("No charge line of it has arrived here yet.\n")
	case !charged:
		b.WriteString("There is no charge yet: it is under way, its last line has not arrived, or its node did not outlive it.\n")
	}
}
