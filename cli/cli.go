// Package cli is the command line: one file a command. Reads never change anything, `-o json` works
// everywhere, results go to standard output and everything else to standard error.
//
// Exit codes: 0 done, 1 failed, 2 the command line is wrong, in its form or in a value, (or, for check, the file could not be
// read); 3 there was nothing to change. diff exits 0 where nothing differs, 1 where something does, 2 where it failed.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// Env is what a command may know of the process that it runs in.
type Env struct {
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Lookup  func(string) (string, bool) // of variables, as os.LookupEnv, which nil stands for
	Version Version
	// OnReload has a function called whenever the process is asked to read its configuration again,
	// until stop is called; nil where it cannot be asked.
	OnReload func(reload func()) (stop func())
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// program is one run of the command line.
type program struct {
	Env
	output string // "text" or "json"
}

// commands lists every command; one more is a file and a line here.
func (p *program) commands() []*cobra.Command {
	return []*cobra.Command{
		p.serve(),
		p.demo(),
		p.check(),
		p.diff(),
		p.apply(),
		p.revisions(),
		p.rollback(),
		p.endpoints(),
		p.weight(),
		p.drain(),
		p.undrain(),
		p.ramps(),
		p.trial(),
		p.nodes(),
		p.records(),
		p.why(),
		p.tail(),
		p.account(),
		p.key(),
		p.credit(),
		p.used(),
		p.secret(),
		p.adminToken(),
		p.audit(),
		p.backup(),
		p.restore(),
		p.context(),
		p.fake(),
		p.bench(),
		p.benchUpstream(),
		p.version(),
	}
}

// Run runs one command, without the program's own name in args, and gives the exit code. A command
// that serves does so until ctx ends.
func Run(ctx context.Context, args []string, env Env) int {
	if env.Lookup == nil {
		env.Lookup = os.LookupEnv
	}
	p := &program{Env: env, output: outputText}
	root := p.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var e *exitError
	if !errors.As(err, &e) {
		// Errors of ours are marked; what is left is cobra's, about the command line.
		e = &exitError{code: exitUsage, err: err, usage: true}
	}
	if e.err != nil {
		p.printError(e.err)
		if e.usage && p.output == outputText {
			fmt.Fprintf(p.Stderr, "Run '%s --help' for more.\n", cmd.CommandPath())
		}
	}
	return e.code
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "fairlead",
		Short:         "A programmable routing layer for AI inference",
		Args:          arguments(0, 0),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if p.output != outputText && p.output != outputJSON {
				wrong := p.output
				p.output = outputText
				return usage(fmt.Errorf("--output is text or json, not %q", wrong))
			}
			return nil
		},
	}
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetFlagErrorFunc(wrongFlag)
	root.Version = p.Version.Version
	root.SetVersionTemplate(p.versionLine())
	root.PersistentFlags().StringVarP(&p.output, "output", "o", outputText, "form of the output: text or json")
	root.AddCommand(p.commands()...)
	p.complete(root)
	return root
}

// exitError ends the program with a code; without an err everything was said already.
type exitError struct {
	code  int
	err   error
	usage bool // the command's help tells more of it
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// run marks whatever f returns as a failure, unless f has chosen a code itself.
func run(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := f(cmd.Context(), args)
		var e *exitError
		if err == nil || errors.As(err, &e) {
			return err
		}
		return &exitError{code: exitFailed, err: err}
	}
}

// variable is the environment's name of a flag: no-auth is FAIRLEAD_NO_AUTH.
func variable(flag string) string {
	return "FAIRLEAD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
