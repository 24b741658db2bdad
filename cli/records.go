package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fairlead/client"
)

// recordTerms are what records can be chosen by, in the order of the help: the flag, and the name in a --filter.
func recordTerms(f *client.RecordFilter) []recordTerm {
	return []recordTerm{
		{"status", "status", &f.Status, "this status, such as 502, a bound such as '>=500' or '<400', or a class such as 5xx"},
		{"model", "model", &f.Model, "this model, by its configured name"},
		{"endpoint", "endpoint", &f.Endpoint, "what this endpoint answered"},
		{"provider", "provider", &f.Provider, "what this provider was asked for, whether or not it answered"},
		{"key", "key", &f.Key, "this key, by its id"},
		{"code", "code", &f.Code, "this error code"},
		{"min-duration", "duration", &f.MinDuration, "what took so long, such as 2s"},
		{"node", "node", &f.Node, "this node"},
		{"region", "region", &f.Region, "nodes of this region"},
		{"stream", "stream", &f.Stream, "streamed exchanges (true) or others (false)"},
		{"trial", "trial", &f.Trial, "exchanges that went by a revision on trial (true) or others (false)"},
		{"kept", "kept", &f.Kept, "records that were kept as a failure, as slow, or of the sample"},
	}
}

type recordTerm struct {
	flag, name string
	value      *string
	meaning    string
}

func addRecordFlags(fs *pflag.FlagSet, f *client.RecordFilter) {
	for _, t := range recordTerms(f) {
		fs.StringVar(t.value, t.flag, "", "only "+t.meaning)
	}
}

// parseFilter reads terms such as status>=500 provider=x, divided by spaces or commas.
func parseFilter(text string) (f client.RecordFilter, err error) {
	terms := recordTerms(&f)
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		name, sign, value := cutTerm(word)
		term := -1
		for i := range terms {
			if terms[i].name == name {
				term = i
			}
		}
		switch {
		case value == "" || term < 0:
			return f, fmt.Errorf("--filter has terms such as status>=500 or provider=openai, not %q; there are %s", word, filterNames())
		case *terms[term].value != "":
			return f, fmt.Errorf("--filter names %s twice", name)
		case name == "status" && sign != "=":
			value = sign + value
		case name == "duration" && sign != ">=":
			return f, errors.New("--filter: duration is chosen by duration>=VALUE")
		case name != "status" && name != "duration" && sign != "=":
			return f, fmt.Errorf("--filter: %s is chosen by %s=VALUE", name, name)
		}
		*terms[term].value = value
	}
	return f, nil
}

// cutTerm divides a term at its sign, which is one of = >= > <= <.
func cutTerm(word string) (name, sign, value string) {
	at := strings.IndexAny(word, "<>=")
	if at < 0 {
		return word, "", ""
	}
	name, sign, value = word[:at], word[at:at+1], word[at+1:]
	if sign != "=" && strings.HasPrefix(value, "=") {
		sign, value = sign+"=", value[1:]
	}
	return name, sign, value
}

func filterNames() string {
	var names []string
	for _, t := range recordTerms(&client.RecordFilter{}) {
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}

func (p *program) records() *cobra.Command {
	var f client.RecordFilter
	var since, until string
	var limit int
	cmd := &cobra.Command{
		Use:   "records",
		Short: "List what exchanges did, the newest first",
		Long: "Records lists exchanges of a time: all that failed or were slow, and a sample of the others. How many were left out\n" +
			"stands below the list. Prompts and answers are in no record; 'fairlead why ID' shows one at length.",
		Example: "  fairlead records --status '>=500' --since 10m\n  fairlead records --provider openai --min-duration 5s -o json",
		Args:    arguments(0, 0),
	}
	addControlFlags(cmd.Flags())
	addRecordFlags(cmd.Flags(), &f)
	cmd.Flags().StringVar(&since, "since", "1h", "the begin of the time: 90m, 24h, 7d, 2026-11-21 or 2026-11-21T10:00:00Z")
	cmd.Flags().StringVar(&until, "until", "", "its end, likewise; now where it is left out")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many to list; 0 = all")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		var err error
		if f.From, err = parseSince(since, time.Now()); err != nil {
			return usage(err)
		}
		if f.Until, err = parseSince(until, time.Now()); err != nil {
			return usage(fmt.Errorf("--until: %w", err))
		}
		all := client.RecordPage{Data: []client.Record{}}
		for page, err := range c.AllRecords(ctx, f, limit) {
			if err != nil {
				return err
			}
			if len(all.Data) == 0 {
				all.From, all.Until, all.Counts = page.From, page.Until, page.Counts
			}
			all.Data, all.Next = append(all.Data, page.Data...), page.Next
			if limit > 0 && len(all.Data) >= limit {
				all.Data = all.Data[:limit]
				break
			}
		}
		return p.print(all, func() string { return p.recordTable(all.Data) + recordCounts(&all) })
	})
	return cmd
}

func (p *program) recordTable(list []client.Record) string {
	rows := [][]string{recordTitles}
	for i := range list {
		rows = append(rows, recordRow(&list[i]))
	}
	return p.list(rows, "There are no such records.", "")
}

var recordTitles = []string{"WHEN", "STATUS", "MODEL", "ENDPOINT", "TRIES", "TOOK", "TOKENS", "COST", "NODE", "ID"}

func recordRow(r *client.Record) []string {
	model := r.Served
	if model == "" {
		model = r.Model
	}
	return []string{
		showMoment(r.At), showStatus(r.Status, string(r.Code)), orDash(model), orDash(r.Endpoint), strconv.Itoa(len(r.Attempts)),
		showMicros(r.Duration), strconv.FormatInt(r.Input, 10) + "+" + strconv.FormatInt(r.Output, 10), showCost(r.Cost), r.Node, r.ID,
	}
}

func showStatus(status int, code string) string {
	if code == "" {
		return strconv.Itoa(status)
	}
	return strconv.Itoa(status) + " " + code
}

// showMicros shows a number of microseconds with three digits or so.
func showMicros(n int64) string {
	d := time.Duration(n) * time.Microsecond
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

func showCost(usd *string) string {
	if usd == nil {
		return "-"
	}
	return "$" + *usd
}

// recordCounts says how many exchanges the list does not show.
func recordCounts(p *client.RecordPage) string {
	text := ""
	if p.Next != "" {
		text = "There are more: --limit 0 lists all.\n"
	}
	if p.Counts == nil {
		return text
	}
	n := p.Counts
	text += fmt.Sprintf("%s ended in this time, whatever is filtered for", count(n.Seen, "exchange"))
	if n.LeftOut+n.Dropped > 0 {
		text += fmt.Sprintf("; of %s there is no record", count(n.LeftOut, "ordinary one"))
		if n.Dropped > 0 {
			text += fmt.Sprintf(", and for %d there was no room", n.Dropped)
		}
	}
	return text + "\n"
}
