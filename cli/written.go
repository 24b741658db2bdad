package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"fairlead/client"
	"fairlead/compile"
)

// exitSame is the exit code of a write that had nothing to change.
const exitSame = 3

// writing is what commands that write the configuration have in common.
type writing struct {
	why  string
	wait string
}

func (w *writing) flags(fs *pflag.FlagSet) {
	fs.StringVarP(&w.why, "message", "m", "", "why: it stands in the revision and in the audit")
	fs.StringVar(&w.wait, "wait", "", "all = wait, at most 2 s, until every live node has it")
}

// write gives the client's form of it.
func (w *writing) write() (client.Write, error) {
	if w.wait != "" && w.wait != "all" {
		return client.Write{}, usage(fmt.Errorf("--wait is all, not %q", w.wait))
	}
	return client.Write{Why: w.why, WaitAll: w.wait == "all"}, nil
}

// written shows what a write did; one that changed nothing ends with a code of its own where same is not 0.
func (p *program) written(w client.Written, same int) error {
	if p.output == outputText {
		p.remarks(w)
	}
	err := p.print(w, func() string {
		switch {
		case !w.Changed:
			return fmt.Sprintf("no change: revision %d stays\n", w.Revision)
		case w.DryRun:
			return changes(w) + "nothing was written; " + wouldTry(w) + comparedWith(w) + " is in force\n"
		case w.Restores != 0:
			return changes(w) + fmt.Sprintf("revision %d is in force, with the document of revision %d\n", w.Revision, w.Restores)
		}
		text := changes(w)
		switch {
		case w.Ramp != "":
			return text + fmt.Sprintf("revision %d moves it there; 'fairlead ramps' shows how far it is (%s)\n", w.Revision, w.Ramp)
		case w.Trial != "":
			return text + fmt.Sprintf("revision %d is being tried; 'fairlead trial' shows how that goes (%s)\n", w.Revision, w.Trial)
		}
		return text + fmt.Sprintf("revision %d is in force\n", w.Revision)
	})
	if err == nil && !w.Changed && same != 0 {
		return &exitError{code: same}
	}
	return err
}

// wouldTry tells of a dry run of a trial on what terms it would be tried.
func wouldTry(w client.Written) string {
	if w.Percent == 0 {
		return ""
	}
	text := fmt.Sprintf("it would be tried on %d %% of the exchanges for %s", w.Percent, showSpan(time.Duration(w.Hold)))
	if w.Guard != "" {
		text += ", as long as " + w.Guard + " holds"
	}
	return text + "; "
}

// comparedWith names what a dry run compares with: during a trial its own revision is not in force whole.
func comparedWith(w client.Written) string {
	if w.Beside == "" {
		return fmt.Sprintf("revision %d", w.Revision)
	}
	return fmt.Sprintf("the revision in force beside revision %d, which is being tried (%s)", w.Tried, w.Beside)
}

// remarks says on standard error what somebody at a terminal should know beside the result.
func (p *program) remarks(w client.Written) {
	p.cutOff(len(w.Diff), w.LeftOut)
	for _, f := range w.Findings {
		fmt.Fprintln(p.Stderr, printable(f.String()))
	}
	if w.Changed && !w.DryRun && !w.Applied {
		fmt.Fprintln(p.Stderr, "not in force yet at the node that answered: 'fairlead nodes' says why")
	}
	if len(w.Behind) > 0 {
		fmt.Fprintf(p.Stderr, "not in force yet at: %s\n", plain(strings.Join(w.Behind, ", ")))
	}
}

// cutOff says that a diff is not shown whole.
func (p *program) cutOff(shown, more int) {
	if more > 0 {
		fmt.Fprintf(p.Stderr, "the first %s are shown; there are %d more\n", count(shown, "difference"), more)
	}
}

// changes gives a line for each difference that a write makes, and for each ramp that ends with it. The weight of an endpoint
// that a ramp moved is told from the one in force, not from the ramp's target, which the document has.
func changes(w client.Written) string {
	var list []client.Difference
	told := map[string]bool{}
	ended := map[string]client.EndedRamp{}
	for _, e := range w.Ended {
		ended[e.Endpoint] = e
	}
	for _, d := range w.Diff {
		if e, ok := ended[d.Name]; ok && d.Thing == string(compile.ThingEndpoint) && d.Field == "weight" {
			told[d.Name] = true
			if d.From = strconv.Itoa(e.Reached); d.From == d.To {
				continue
			}
		}
		list = append(list, d)
	}
	text := ""
	for _, e := range w.Ended {
		if !told[e.Endpoint] && e.Weight != nil && *e.Weight != e.Reached {
			list = append(list, client.Difference{
				Op: string(compile.Changed), Thing: string(compile.ThingEndpoint), Name: e.Endpoint, Field: "weight",
				From: strconv.Itoa(e.Reached), To: strconv.Itoa(*e.Weight),
			})
		}
		text += fmt.Sprintf("the ramp of %s to %d ends at %d\n", plain(e.Endpoint), e.Target, e.Reached)
	}
	return differences(list) + text
}

// differences gives a line for each difference.
func differences(list []client.Difference) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(compile.Difference{
			Op: compile.Op(d.Op), Thing: compile.Thing(d.Thing), Name: d.Name, Field: d.Field, From: d.From, To: d.To,
		}.Text() + "\n")
	}
	return b.String()
}

// printable is plain for each line of a text.
func printable(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = plain(strings.ReplaceAll(line, "\t", "  "))
	}
	return strings.Join(lines, "\n")
}
