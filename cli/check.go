package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"fairlead/compile"
)

// maxConfig is one byte more than a configuration may have, so that a longer one is still refused as
// too long by the room that knows the bound, and never read whole.
const maxConfig = 8<<20 + 1

// checked is what check found.
type checked struct {
	File      string           `json:"file"`
	OK        bool             `json:"ok"` // no finding is an error
	Models    int              `json:"models"`
	Endpoints int              `json:"endpoints"`
	Findings  compile.Findings `json:"findings"`
}

func (p *program) check() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "check -c FILE",
		SuggestFor: []string{"validate", "fmt", "lint"},
		Short:      "List everything that is wrong with a configuration, without starting anything",
		Long: "Check reads a configuration (- is standard input) and lists every finding with its line.\n" +
			"References such as ${env:NAME} are resolved on this machine; one that cannot be is a warning.\n\n" +
			"Exit codes: 0 it can be applied (warnings may be listed), 1 it has errors, 2 it cannot be read.",
		Example: "  fairlead check -c fairlead.yaml",
		Args:    arguments(0, 0),
	}
	cmd.Flags().StringP("config", "c", "", "the configuration's file ("+variable("config")+")")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(func(context.Context, []string) error {
			if err := p.fromEnvironment(cmd.Flags(), "config"); err != nil {
				return usage(err)
			}
			file, _ := cmd.Flags().GetString("config")
			return p.checkFile(file)
		})(cmd, args)
	}
	return cmd
}

func (p *program) checkFile(file string) error {
	if file == "" {
		return usage(errors.New("which configuration? name it with -c FILE"))
	}
	data, err := p.readConfig(file)
	if err != nil {
		return cannotRead(within("read configuration", err))
	}
	_, snapshot, found := compile.Load(data, file, 1, compile.Local(p.Lookup))
	result := checked{File: file, OK: found.Err() == nil, Findings: found}
	if result.Findings == nil {
		result.Findings = compile.Findings{}
	}
	if snapshot != nil {
		result.Models, result.Endpoints = compile.Models(snapshot), len(snapshot.Endpoints)
	}
	err = p.print(result, func() string {
		if !result.OK {
			return found.String()
		}
		return found.String() + fmt.Sprintf("%s: ok: %s, %s\n", file, count(result.Models, "model"), count(result.Endpoints, "endpoint"))
	})
	if err == nil && !result.OK {
		return &exitError{code: exitFailed}
	}
	return err
}

func (p *program) readConfig(file string) ([]byte, error) {
	in := p.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil, &hintError{err, "name the file of a configuration, or - for standard input; 'fairlead revisions show REVISION' writes one that was in force"}
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, maxConfig))
}
