package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fairlead/client"
)

// termFlags are the flags that say what a key may do.
type termFlags struct {
	of                      *pflag.FlagSet
	owner, expires          string
	models, endpoints, meta []string
}

func newTermFlags(fs *pflag.FlagSet) *termFlags {
	f := &termFlags{of: fs}
	fs.StringVar(&f.owner, "owner", "", "who uses the key")
	fs.StringArrayVar(&f.models, "model", nil, "a model that it may use, * = any run of characters; may be repeated; without it all")
	fs.StringArrayVar(&f.endpoints, "endpoint", nil, "an endpoint that it may use, likewise")
	fs.StringVar(&f.expires, "expires", "", "when it ends: a time such as 2027-01-02T15:04:05Z, or how long from now, such as 720h")
	addMetaFlag(fs, &f.meta)
	return f
}

func addMetaFlag(fs *pflag.FlagSet, to *[]string) {
	fs.StringArrayVar(to, "meta", nil, "a note, as NAME=VALUE; may be repeated")
}

// readMeta reads notes.
func readMeta(list []string) (map[string]string, error) {
	meta := map[string]string{}
	for _, one := range list {
		if one == "" { // so that there can be none
			continue
		}
		name, value, ok := strings.Cut(one, "=")
		if !ok {
			return nil, usage(fmt.Errorf("--meta takes NAME=VALUE, not %q", one))
		}
		meta[name] = value
	}
	return meta, nil
}

// readExpiry reads a time, or how long from now; "" = never.
func readExpiry(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		t := time.Now().UTC().Add(d).Truncate(time.Second)
		return &t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, usage(fmt.Errorf("--expires takes a time such as 2027-01-02T15:04:05Z, or how long from now, such as 720h"))
	}
	return &t, nil
}

// some leaves out what is empty: --model ” alone means that there are none.
func some(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// terms are those of a key to be made.
func (f *termFlags) terms(account, team string) (t client.KeyTerms, err error) {
	t = client.KeyTerms{Account: account, Team: team, Owner: f.owner, Models: some(f.models), Endpoints: some(f.endpoints)}
	if t.Expires, err = readExpiry(f.expires); err != nil {
		return t, err
	}
	t.Metadata, err = readMeta(f.meta)
	return t, err
}

// patch is what was said to change.
func (f *termFlags) patch() (p client.KeyPatch, err error) {
	if f.of.Changed("owner") {
		p.Owner = &f.owner
	}
	if models := some(f.models); f.of.Changed("model") {
		p.Models = &models
	}
	if endpoints := some(f.endpoints); f.of.Changed("endpoint") {
		p.Endpoints = &endpoints
	}
	if f.of.Changed("expires") {
		t, err := readExpiry(f.expires)
		if err != nil {
			return p, err
		}
		text := ""
		if t != nil {
			text = t.Format(time.RFC3339)
		}
		p.Expires = &text
	}
	if f.of.Changed("meta") {
		meta, err := readMeta(f.meta)
		if err != nil {
			return p, err
		}
		p.Metadata = &meta
	}
	return p, nil
}

func (p *program) keyShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a key and what it may do",
		Example: "  fairlead key show key_xufprchpbmi8f7h4",
		Args:    arguments(1, 1),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		k, err := c.Key(ctx, args[0])
		if err != nil {
			return err
		}
		return p.print(k, func() string { return keyText(&k) })
	})
	return cmd
}

// keyText is a key with all that is said of it, a line each.
func keyText(k *client.Key) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-10s %s\n", name, plain(value))
		}
	}
	when := func(name string, t *time.Time) {
		if t != nil {
			line(name, showTime(*t))
		}
	}
	line("id", k.ID)
	line("name", k.Name)
	line("secret", k.Hint)
	line("created", showTime(k.Created))
	line("account", k.Account)
	line("team", k.Team)
	line("owner", k.Owner)
	line("models", strings.Join(k.Models, " "))
	line("endpoints", strings.Join(k.Endpoints, " "))
	when("expires", k.Expires)
	if k.Disabled {
		line("disabled", "yes")
	}
	for _, name := range slices.Sorted(maps.Keys(k.Metadata)) {
		line("meta", name+"="+k.Metadata[name])
	}
	when("old until", k.OldUntil)
	when("revoked", k.Revoked)
	return b.String()
}

func (p *program) keyEdit() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "edit ID",
		Short: "Change what a key may do; once this returns it is so",
		Long: "Edit changes what is named of a key; all else stays. --model, --endpoint and --meta replace all that there are, and with an empty value\n" +
			"there are none: the key may use everything.",
		Example: "  fairlead key edit key_xufprchpbmi8f7h4 --model 'openai/*' --model 'anthropic/*' --expires 720h\n  fairlead key edit key_xufprchpbmi8f7h4 --model '' --expires ''",
		Args:    arguments(1, 1),
	}
	cmd.Flags().StringVar(&name, "name", "", "what you call the key")
	terms := newTermFlags(cmd.Flags())
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		patch, err := terms.patch()
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("name") {
			patch.Name = &name
		}
		return p.patchKey(ctx, c, args[0], patch)
	})
	return cmd
}

func (p *program) patchKey(ctx context.Context, c *client.Client, id string, patch client.KeyPatch) error {
	k, err := c.PatchKey(ctx, id, patch)
	if err != nil {
		return err
	}
	return p.print(k, func() string { return keyText(&k) })
}

// keySwitch disables or enables.
func (p *program) keySwitch(verb, short string, disabled bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Example: "  fairlead key " + verb + " key_xufprchpbmi8f7h4",
		Args:    arguments(1, 1),
	}
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		return p.patchKey(ctx, c, args[0], client.KeyPatch{Disabled: &disabled})
	})
	return cmd
}

func (p *program) keyRotate() *cobra.Command {
	var grace time.Duration
	cmd := &cobra.Command{
		Use:     "rotate ID",
		Short:   "Give a key another secret and show it, this once; the one before stays good for a while",
		Example: "  fairlead key rotate key_xufprchpbmi8f7h4\n  fairlead key rotate key_xufprchpbmi8f7h4 --grace 0s",
		Args:    arguments(1, 1),
	}
	cmd.Flags().DurationVar(&grace, "grace", 24*time.Hour, "how long the secret before stays good; 0s = it is refused at once")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		k, err := c.RotateKey(ctx, args[0], grace)
		if err != nil {
			return err
		}
		if p.output == outputText {
			defer fmt.Fprintln(p.Stderr, "Keep the secret: it is not shown again.")
		}
		return p.print(k, func() string {
			until := ""
			if k.OldUntil != nil {
				until = "old until: " + showTime(*k.OldUntil) + "\n"
			}
			return fmt.Sprintf("id:     %s\nname:   %s\nsecret: %s\n%s", k.ID, plain(k.Name), k.Secret, until)
		})
	})
	return cmd
}
