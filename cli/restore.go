package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"fairlead"
	"fairlead/app"
)

func (p *program) restore() *cobra.Command {
	var o app.RestoreOptions
	cmd := &cobra.Command{
		Use:   "restore FILE {--data DIR | --database URL}",
		Short: "Make a store of a backup, before a node is started on it",
		Long: "Restore reads a backup (- is standard input) into an empty store: that of a data folder, or a PostgreSQL database.\n" +
			"It needs no server, and must not run beside one on the same store. A store that holds anything is refused, and a\n" +
			"backup that is cut off or was altered changes nothing.\n\n" +
			"The secret key is in no backup and must come along: copy the node's secret.key into the data folder before the first start, or\n" +
			"start the node with the same --secret-key. Without it no secret can be read, and nodes cannot join or connect.\n\n" +
			"Changes made after the backup are not in it. Edges that had seen them and have their disks say so: 'fairlead audit lost'\n" +
			"lists them. Stored admin tokens are revoked, for nobody knows which of them were after the backup; the token that the node\n" +
			"is started with, in FAIRLEAD_ADMIN_TOKEN or admin.token, is not stored. Tokens to join with are void.",
		Example: "  fairlead restore fairlead.backup --data /var/lib/fairlead",
		Args:    arguments(1, 1),
	}
	cmd.Flags().StringVar(&o.Data, "data", "", "the data folder of the node that will be started on it")
	cmd.Flags().StringVar(&o.Database, "database", "", "URL of the PostgreSQL database; a password in it is better in FAIRLEAD_DATABASE")
	cmd.Flags().BoolVar(&o.KeepTokens, "keep-tokens", false, "leave stored admin tokens good that were at the time of the backup")
	oneOf(cmd, "", "data", "database")
	cmd.RunE = run(func(ctx context.Context, args []string) error {
		if o.Data == "" && o.Database == "" {
			o.Database, _ = p.Lookup(variable("database"))
		}
		if o.Data == "" && o.Database == "" {
			return usage(errors.New("restore where? name a folder with --data, or a database with --database or FAIRLEAD_DATABASE"))
		}
		if o.Data != "" {
			dir, err := filepath.Abs(o.Data)
			if err != nil {
				return err
			}
			o.Data = dir
		}
		from, closeFile, err := p.openBackup(args[0])
		if err != nil {
			return fmt.Errorf("read backup: %w", err)
		}
		defer closeFile()
		o.From = from
		done, err := app.Restore(ctx, o)
		if err != nil {
			return causeOf(err)
		}
		return p.print(done, func() string {
			text := fmt.Sprintf("restored the backup of %s, with %s\n", showTime(done.At), count(done.Position.Number, "change"))
			if done.Revoked > 0 {
				text += fmt.Sprintf("admin tokens revoked: %d; the one that the node is started with is good\n", done.Revoked)
			}
			if done.Void > 0 {
				text += fmt.Sprintf("join tokens void: %d; remove their nodes and add them again\n", done.Void)
			}
			return text + keyWanted(o)
		})
	})
	return cmd
}

// keyWanted says which key the node that is started on a restored store needs: none is in a backup.
func keyWanted(o app.RestoreOptions) string {
	const key = "the secret key of the nodes that were backed up"
	if o.Data == "" {
		return "start its nodes with --secret-key: " + key + "\n"
	}
	path := filepath.Join(o.Data, "secret.key")
	if _, err := os.Stat(path); err == nil {
		return ""
	}
	return "before it is started it needs " + key + ": copy it to " + path + ", or give it by --secret-key\n"
}

// causeOf shows why a database cannot be used, which elsewhere is in the log of the node that uses it.
func causeOf(err error) error {
	var e *fairlead.Error
	if !errors.As(err, &e) || e.Code != fairlead.CodeControlUnavailable || e.Err == nil {
		return err
	}
	return &hintError{fmt.Errorf("the database cannot be used: %w", e.Err), "nothing was restored"}
}

func (p *program) openBackup(file string) (from io.Reader, closeFile func(), err error) {
	if file == "-" {
		return p.Stdin, func() {}, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil
}
