package cli

import (
	"context"
	"os"

	"fairlead/demo"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (p *program) demo() *cobra.Command {
	o := demo.Options{}
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Show fairlead at work: three fake endpoints, a little traffic, one endpoint killed",
		Example: "  fairlead demo",
		Long: "Starts a node in front of three fake endpoints of one model, sends a little traffic and kills an\n" +
			"endpoint under it. On a terminal it goes on until interrupted; elsewhere it ends by itself. It fails\n" +
			"if any request does.",
		Args: arguments(0, 0),
		RunE: run(func(ctx context.Context, _ []string) error {
			o.Out = p.Stdout
			if f, ok := p.Stdout.(*os.File); ok {
				o.Live = term.IsTerminal(int(f.Fd()))
			}
			return demo.Run(ctx, o)
		}),
	}
	cmd.Flags().StringVar(&o.Listen, "listen", "", "data plane's address (default: any free port)")
	cmd.Flags().DurationVar(&o.Duration, "duration", 0, "end after this time (default: 15s; on a terminal, when interrupted)")
	return cmd
}
