package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/client"
	"fairlead/control"
)

func (p *program) context() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "context",
		Short: "Name the control planes that you work with, and choose between them",
		Long: "A context is a name for a control plane: its address and where its token is. Commands take the first of:\n" +
			"the flag --control, the flag --context, the variable FAIRLEAD_CONTROL, the context in use, this machine's own.\n\n" +
			"Contexts are kept in $XDG_CONFIG_HOME/fairlead/contexts.yaml, which holds no token.",
		Example: "  fairlead context add staging --control https://control.staging.example --token-stdin\n  fairlead context use staging\n  fairlead context list",
		Args:    arguments(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.contextAdd(), p.contextUse(), p.contextShow(), p.contextList(), p.contextRemove())
	return cmd
}

// shownContext is a context as `-o json` has it.
type shownContext struct {
	Name      string `json:"name"`
	Control   string `json:"control"`
	TokenFile string `json:"token_file,omitempty"`
	TokenEnv  string `json:"token_env,omitempty"`
	InUse     bool   `json:"in_use"`
	Replaced  string `json:"replaced,omitempty"` // of one that was added again: its address before
}

func (c contexts) show(name string) shownContext {
	place := c.Contexts[name]
	return shownContext{Name: name, Control: place.Control, TokenFile: place.TokenFile, TokenEnv: place.TokenEnv, InUse: name == c.Current}
}

// token says where its token is.
func (c shownContext) token() string {
	switch {
	case c.TokenFile != "":
		return c.TokenFile
	case c.TokenEnv != "":
		return "$" + c.TokenEnv
	}
	return "-"
}

func (p *program) contextAdd() *cobra.Command {
	var place contextPlace
	var stdin bool
	cmd := &cobra.Command{
		Use:   "add NAME --control URL",
		Short: "Name a control plane; the first one is in use at once",
		Long: "Add names a control plane, or gives a name another address and token. The token is taken from the file of\n" +
			"--token-file or the variable of --token-env whenever it is needed; with --token-stdin it is read from standard\n" +
			"input, or from the terminal without showing it, and kept in a file of its own that you alone can read.\n" +
			"Without any, it is found as without a context: FAIRLEAD_ADMIN_TOKEN, else the data folder.",
		Example: "  fairlead context add staging --control https://control.staging.example --token-stdin\n" +
			"  fairlead context add production --control https://control.example --token-env PRODUCTION_TOKEN",
		Args: arguments(1, 1),
	}
	cmd.Flags().StringVar(&place.Control, "control", "", "address of the control plane, or those of several of its nodes, divided by commas")
	cmd.Flags().StringVar(&place.TokenFile, "token-file", "", "file that holds its token")
	cmd.Flags().StringVar(&place.TokenEnv, "token-env", "", "variable that holds its token")
	cmd.Flags().BoolVar(&stdin, "token-stdin", false, "read its token from standard input and keep it")
	_ = cmd.MarkFlagRequired("control") // fails only for a flag that is not there
	oneOf(cmd, "", "token-file", "token-env", "token-stdin")
	cmd.RunE = run(func(ctx context.Context, args []string) error {
		name := args[0]
		if err := validContext(name, place); err != nil {
			return usage(err)
		}
		all, err := p.readContexts()
		if err != nil {
			return err
		}
		if err := p.keepToken(ctx, name, &place, stdin); err != nil {
			return err
		}
		before, replaced := all.Contexts[name]
		all.Contexts[name] = place
		if all.Current == "" {
			all.Current = name
		}
		if err := p.writeContexts(all); err != nil {
			return err
		}
		shown := all.show(name)
		shown.Replaced = before.Control
		return p.print(shown, func() string {
			text := fmt.Sprintf("context %s is %s\n", name, plain(place.Control))
			if replaced {
				text = fmt.Sprintf("context %s is %s now; it was %s\n", name, plain(place.Control), plain(before.Control))
			}
			if all.Current == name {
				text += "it is in use\n"
			}
			return text
		})
	})
	return cmd
}

func validContext(name string, place contextPlace) error {
	if fairlead.ValidNodeName(name) != nil {
		return errors.New("a context's name has 1 to 63 small letters, digits and hyphens, and begins and ends with a letter or a digit")
	}
	_, err := client.New(controlURLs(place.Control), fairlead.Secret{})
	return err
}

// keepToken makes sure of the file that place names, or makes one of what is given.
func (p *program) keepToken(ctx context.Context, name string, place *contextPlace, given bool) error {
	if place.TokenFile != "" {
		path, err := filepath.Abs(place.TokenFile)
		if err != nil {
			return err
		}
		place.TokenFile = path
		_, err = control.ReadTokenFile(path)
		return err
	}
	if !given {
		return nil
	}
	token, err := p.readSecret(ctx, "token of "+name)
	if err != nil {
		return err
	}
	file := filepath.Join("tokens", name)
	if err := p.writePrivate(file, []byte(token.Reveal()+"\n")); err != nil {
		return err
	}
	place.TokenFile = filepath.Join(p.configFolder(), file)
	_, err = control.ReadTokenFile(place.TokenFile)
	return err
}

func (p *program) contextUse() *cobra.Command {
	return &cobra.Command{
		Use:     "use NAME",
		Short:   "Have commands speak to this control plane from now on",
		Example: "  fairlead context use staging",
		Args:    arguments(1, 1),
		RunE: run(func(_ context.Context, args []string) error {
			all, err := p.readContexts()
			if err != nil {
				return err
			}
			if _, err := all.context(args[0]); err != nil {
				return err
			}
			all.Current = args[0]
			if err := p.writeContexts(all); err != nil {
				return err
			}
			if v, _ := p.Lookup("FAIRLEAD_CONTROL"); v != "" && p.output == outputText {
				fmt.Fprintln(p.Stderr, "FAIRLEAD_CONTROL is set and goes before the context in use.")
			}
			return p.print(all.show(args[0]), func() string {
				return fmt.Sprintf("context %s is in use: %s\n", args[0], plain(all.Contexts[args[0]].Control))
			})
		}),
	}
}

func (p *program) contextShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show [NAME]",
		Aliases: []string{"current"},
		Short:   "Show a context, or the one in use",
		Example: "  fairlead context show\n  fairlead context show staging -o json",
		Args:    arguments(0, 1),
		RunE: run(func(_ context.Context, args []string) error {
			all, err := p.readContexts()
			if err != nil {
				return err
			}
			name := all.Current
			if len(args) == 1 {
				name = args[0]
			}
			if name == "" {
				return &hintError{errors.New("no context is in use"), "'fairlead context use NAME' chooses one, 'fairlead context list' shows them"}
			}
			if _, err := all.context(name); err != nil {
				return err
			}
			c := all.show(name)
			return p.print(c, func() string {
				text := fmt.Sprintf("context: %s\ncontrol: %s\ntoken:   %s\n", c.Name, plain(c.Control), plain(c.token()))
				if c.InUse {
					text += "it is in use\n"
				}
				return text
			})
		}),
	}
}

func (p *program) contextList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the contexts; * marks the one in use",
		Example: "  fairlead context list",
		Args:    arguments(0, 0),
		RunE: run(func(context.Context, []string) error {
			all, err := p.readContexts()
			if err != nil {
				return err
			}
			list := []shownContext{}
			for _, name := range slices.Sorted(maps.Keys(all.Contexts)) {
				list = append(list, all.show(name))
			}
			return p.print(list, func() string {
				rows := [][]string{{"", "NAME", "CONTROL", "TOKEN"}}
				for _, c := range list {
					mark := ""
					if c.InUse {
						mark = "*"
					}
					rows = append(rows, []string{mark, c.Name, c.Control, c.token()})
				}
				return p.list(rows, "There are no contexts.", "")
			})
		}),
	}
}

func (p *program) contextRemove() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Forget a context, and its token where it was kept for it",
		Example: "  fairlead context remove staging",
		Args:    arguments(1, 1),
		RunE: run(func(_ context.Context, args []string) error {
			all, err := p.readContexts()
			if err != nil {
				return err
			}
			place, err := all.context(args[0])
			if err != nil {
				return err
			}
			removed := all.show(args[0])
			delete(all.Contexts, args[0])
			if all.Current == args[0] {
				all.Current = ""
			}
			if err := p.writeContexts(all); err != nil {
				return err
			}
			// A file that somebody named stays theirs.
			if strings.HasPrefix(place.TokenFile, filepath.Join(p.configFolder(), "tokens")+string(filepath.Separator)) {
				if err := os.Remove(place.TokenFile); err != nil && !errors.Is(err, os.ErrNotExist) {
					return fmt.Errorf("remove token: %w", err)
				}
			}
			return p.print(removed, func() string { return fmt.Sprintf("context %s is removed\n", args[0]) })
		}),
	}
}
