package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"fairlead/bench"
)

// benchUpstream is the hidden command that `bench` starts its upstream with.
const benchUpstream = "bench-upstream"

func (p *program) bench() *cobra.Command {
	var (
		o        bench.Options
		markdown string
		strict   bool
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this fairlead beside nginx and beside no proxy, on this machine",
		Long: "Bench starts this program, nginx (Debian: apt-get install nginx-light) and an upstream on loopback\n" +
			"addresses, drives the same load through each in turn, and says which of the project's promises of\n" +
			"speed are met here. docs/bench describes the rows. It takes about seven minutes, or two with --quick.",
		Example: "  fairlead bench\n  fairlead bench --quick\n  fairlead bench --only failover\n  fairlead bench --md docs/bench/today.md",
		Args:    arguments(0, 0),
	}
	cmd.Flags().BoolVar(&o.Quick, "quick", false, "fewer and shorter rounds: for a look, not for a verdict")
	cmd.Flags().StringVar(&o.Only, "only", "", "measure the parts alone in whose name a word begins so, such as failover, change or exchange,added")
	cmd.Flags().StringVar(&markdown, "md", "", "file to write the report to as Markdown, too")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 where a target is missed")
	cmd.RunE = run(func(ctx context.Context, _ []string) error {
		binary, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		o.Binary, o.Upstream, o.Progress = binary, []string{binary, benchUpstream}, p.Stderr
		report, err := bench.Run(ctx, o)
		if err != nil {
			return err
		}
		if markdown != "" {
			if err := os.WriteFile(markdown, []byte(report.Markdown()), 0o644); err != nil {
				return fmt.Errorf("write report: %w", err)
			}
		}
		if err := p.print(report, report.Text); err != nil {
			return err
		}
		if missed := report.Missed(); strict && len(missed) > 0 {
			return fmt.Errorf("targets that are missed: %d", len(missed))
		}
		return nil
	})
	return cmd
}

func (p *program) benchUpstream() *cobra.Command {
	return &cobra.Command{
		Use:    benchUpstream + " CERTIFICATE KEY",
		Short:  "The server behind the contenders of bench",
		Hidden: true,
		Args:   arguments(2, 2),
		RunE: run(func(ctx context.Context, args []string) error {
			return bench.ServeUpstream(ctx, p.Stdin, p.Stdout, args[0], args[1])
		}),
	}
}
