package cli

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"fairlead/internal/fakellm"
)

// fakeAnswer says where the fake provider is.
type fakeAnswer struct {
	URL string `json:"url"`
}

func (p *program) fake() *cobra.Command {
	var (
		listen string
		o      fakellm.Options
	)
	cmd := &cobra.Command{
		Use:   "fake",
		Short: "Serve a provider without a model, to test clients and routing against",
		Long: "Fake speaks the wires of OpenAI and of Anthropic; the name of the model chooses how it behaves,\n" +
			"healthy or failing in any of the ways that providers do. docs/fake.md describes the names.",
		Example: "  fairlead fake --listen 127.0.0.1:9001\n  fairlead fake --key sk-one --key sk-two",
		Args:    arguments(0, 0),
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9001", "address to serve on; port 0 takes any free one")
	cmd.Flags().StringArrayVar(&o.Keys, "key", nil, "a credential it takes, may be given several times; without any it takes all")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "of all text: same seed and model, same text")
	cmd.RunE = run(func(ctx context.Context, _ []string) error {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return fmt.Errorf("open the fake provider: %w", err)
		}
		url := "http://" + l.Addr().String()
		if err := p.print(fakeAnswer{url}, func() string {
			return fmt.Sprintf("The fake provider serves on %s (OpenAI: %s/v1, Anthropic: %s). Ctrl-C ends it.\n", url, url, url)
		}); err != nil {
			return err
		}
		return fakellm.New(o).Run(ctx, l)
	})
	return cmd
}
