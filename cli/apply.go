package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fairlead/client"
)

// applying is what apply was asked for.
type applying struct {
	writing
	file   string
	from   string
	here   string // the context that it is applied to; "" = it has no name
	dryRun bool
	ifRev  int64
	yes    bool
	try    client.Try
}

// tries gives how it is to be tried; nil = not at all.
func (a *applying) tries(fs *pflag.FlagSet) (*client.Try, error) {
	switch {
	case fs.Changed("percent") && !fs.Changed("hold"):
		return nil, errors.New("--percent tries it: say with --hold how long")
	case fs.Changed("percent"):
		return &a.try, nil
	case fs.Changed("hold"), fs.Changed("guard"):
		return nil, errors.New("--hold and --guard are of a trial: say with --percent on how much")
	}
	return nil, nil
}

func (p *program) apply() *cobra.Command {
	var a applying
	cmd := &cobra.Command{
		Use:   "apply {-f FILE | --from CONTEXT[@REVISION]} -m WHY",
		Short: "Make a configuration the one in force, as a new revision",
		Long: "Apply makes a file (- is standard input) the whole configuration, and tells what that changed. Nothing is\n" +
			"written where nothing differs.\n\n" +
			"With --from it takes the revision of another control plane, by its context: the one in force there, or the one\n" +
			"named behind @. It shows what would change first and, on a terminal, asks.\n\n" +
			"With --percent it is tried on so much of the exchanges first, for the time of --hold, as long as the --guard holds;\n" +
			"'fairlead trial' shows how that goes. docs/steering.md tells the guard's language.\n\n" +
			"Exit codes: 0 it was changed, 3 there was nothing to change, 1 it was refused, 2 the command line could not be read.",
		Example: "  fairlead apply -f fairlead.yaml -m 'take in the new price list'\n" +
			"  fairlead apply --from staging@12 -m 'as tried in staging'\n" +
			"  fairlead apply -f fairlead.yaml --percent 5 --hold 10m --guard 'error_rate<2%' -m 'try the new provider'",
		Args: arguments(0, 0),
	}
	fs := cmd.Flags()
	addControlFlags(fs)
	a.flags(fs)
	fs.StringVarP(&a.file, "file", "f", "", "the configuration's file")
	fs.StringVar(&a.from, "from", "", "the context whose configuration is applied here, with @REVISION for another than the one in force")
	fs.BoolVar(&a.dryRun, "dry-run", false, "tell what would change, and change nothing")
	fs.Int64Var(&a.ifRev, "if-rev", 0, "apply only where this revision is in force")
	fs.IntVar(&a.try.Percent, "percent", 0, "try it on so many percent of the exchanges first, 1 to 99")
	fs.DurationVar(&a.try.Hold, "hold", 0, "how long it is tried")
	fs.StringVar(&a.try.Guard, "guard", "", "what must hold meanwhile")
	fs.BoolVarP(&a.yes, "yes", "y", false, "do not ask")
	oneOf(cmd, whichConfiguration, "file", "from")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, _ []string) error {
		w, err := a.write()
		if err != nil {
			return err
		}
		if fs.Changed("if-rev") {
			w.IfMatch = &a.ifRev
		}
		w.DryRun = a.dryRun
		if w.Try, err = a.tries(fs); err != nil {
			return usage(err)
		}
		if a.from != "" {
			if a.here, err = p.contextName(fs); err != nil {
				return err
			}
			return p.promote(ctx, c, a, w)
		}
		if w.Why == "" && !w.DryRun {
			return usage(errors.New("say why with -m: it stands in the revision"))
		}
		done, err := p.putFile(ctx, c, a.file, w)
		if err != nil {
			return err
		}
		return p.written(done, exitSame)
	})
	return cmd
}

const whichConfiguration = "which configuration? name a file with --file, or another control plane with --from"

// promote applies a revision of another control plane. What is written is what was shown: another write in between
// is a refusal.
func (p *program) promote(ctx context.Context, c *client.Client, a applying, w client.Write) error {
	document, origin, err := p.elsewhere(ctx, a.from)
	if err != nil {
		return err
	}
	preview := w
	preview.DryRun = true
	shown, err := c.PutConfig(ctx, document, preview)
	if err != nil || w.DryRun || !shown.Changed {
		if err != nil {
			return err
		}
		return p.written(shown, exitSame)
	}
	here := c.Address()
	if a.here != "" {
		here = a.here + " (" + here + ")"
	}
	if p.output == outputText {
		fmt.Fprintf(p.Stderr, "%s changes this in revision %d of %s:\n%s", origin, shown.Revision, here, changes(shown))
	}
	if !a.yes {
		if err := p.confirm(ctx, "Apply it to "+here+"?"); err != nil {
			return err
		}
	}
	if w.Why == "" {
		w.Why = origin
	} else {
		w.Why += " (" + origin + ")"
	}
	w.IfMatch = &shown.Revision
	done, err := c.PutConfig(ctx, document, w)
	if err != nil {
		return err
	}
	if p.output == outputText {
		done.Diff, done.Ended, done.LeftOut = nil, nil, 0 // it was shown
	}
	return p.written(done, exitSame)
}

// elsewhere reads the configuration of another control plane by CONTEXT[@REVISION], and says which it is.
func (p *program) elsewhere(ctx context.Context, from string) (document []byte, origin string, err error) {
	name, n, err := cutRevision(from)
	if err != nil {
		return nil, "", usage(err)
	}
	source, err := p.contextClient(name)
	if err != nil {
		return nil, "", err
	}
	document, revision, err := sourceDocument(ctx, source, n)
	if err != nil {
		return nil, "", within("read the configuration of "+name, explain(source, err))
	}
	return document, fmt.Sprintf("revision %d of %s", revision, name), nil
}

// cutRevision reads CONTEXT or CONTEXT@REVISION; 0 = the one in force.
func cutRevision(from string) (name string, n int64, err error) {
	name, number, found := strings.Cut(from, "@")
	if !found {
		return name, 0, nil
	}
	n, err = parseRevision(number)
	return name, n, err
}

// parseRevision reads a revision's number.
func parseRevision(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no revision's number: 'fairlead revisions' lists them", s)
	}
	return n, nil
}

func sourceDocument(ctx context.Context, c *client.Client, n int64) (document []byte, revision int64, err error) {
	if n == 0 {
		config, err := c.Config(ctx)
		return config.Document, config.Revision, err
	}
	r, err := c.Revision(ctx, n)
	return r.Document, n, err
}
