package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"fairlead/client"
)

func (p *program) backup() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write everything that the control plane has stored into a file",
		Long: "Backup writes one file (- is standard output) from which 'fairlead restore' makes a store again, in SQLite or in\n" +
			"PostgreSQL. The file appears whole or not at all, and you alone can read it. Secrets in it stay sealed: to use\n" +
			"them, the restored node needs the same --secret-key.",
		Example: "  fairlead backup fairlead.backup",
		Args:    arguments(1, 1),
	}
	addControlFlags(cmd.Flags())
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	cmd.RunE = p.withControl(func(ctx context.Context, c *client.Client, args []string) error {
		file := args[0]
		if file == "-" {
			_, err := c.Backup(ctx, p.Stdout)
			return err
		}
		if err := free(file, force); err != nil {
			return err
		}
		var size int64
		err := replaceFile(file, func(w io.Writer) (err error) {
			size, err = c.Backup(ctx, w)
			return err
		})
		if err != nil {
			return err
		}
		shown := struct {
			File  string `json:"file"`
			Bytes int64  `json:"bytes"`
		}{file, size}
		return p.print(shown, func() string { return fmt.Sprintf("%s has %d bytes\n", plain(file), size) })
	})
	return cmd
}

// free refuses a name where something is that must not be replaced.
func free(file string, force bool) error {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write backup: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("write backup: %s is not a file", file)
	case !force:
		return &hintError{fmt.Errorf("write backup: there is a file %s", file), "--force replaces it"}
	}
	return nil
}
