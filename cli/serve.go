package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fairlead"
	"fairlead/app"
	"fairlead/record"
)

// served says where a node is, for `-o json`.
type served struct {
	Data    string `json:"data"`    // URL of the data plane, without /v1
	Control string `json:"control"` // URL of the control plane
}

func (p *program) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the data plane and the control plane until interrupted",
		Long: "Serve takes its configuration from the file of -c, which it watches; without one it serves the\n" +
			"providers whose keys are in the environment, or the built-in fake provider.\n\n" +
			"The first SIGINT or SIGTERM lets open exchanges end, the second ends the program at once.\n" +
			"SIGHUP has the file of -c read again, should the system have told of no change.\n\n" +
			"Each flag has a variable, which stands behind it. The token that the control plane wants has a variable alone,\n" +
			adminTokenVariable + "; without it, it is the content of admin.token in the data folder, which is made at the first start.",
		Example: "  fairlead serve\n  fairlead serve -c fairlead.yaml",
		Args:    arguments(0, 0),
	}
	addBootFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return run(func(ctx context.Context, _ []string) error {
			lines := record.NewLines(p.Stderr)
			o, err := p.bootOptions(cmd.Flags(), lines)
			if err != nil {
				return usage(err)
			}
			defer lines.Flush()
			a, err := app.New(ctx, o)
			if err != nil {
				return hintListen(err)
			}
			if p.OnReload != nil {
				defer p.OnReload(a.Reload)()
			}
			where := served{a.DataURL(), a.ControlURL()}
			if err := p.print(where, a.Banner); err != nil {
				// Whoever started it is gone; a server without a terminal serves all the same.
				o.Log.Debug("print banner", "error", err)
			}
			return a.Run(ctx)
		})(cmd, args)
	}
	return cmd
}

// bootOptions reads flags and variables.
func (p *program) bootOptions(fs *pflag.FlagSet, lines *record.Lines) (o app.Options, err error) {
	if err := p.fromEnvironment(fs, bootFlagNames()...); err != nil {
		return o, err
	}
	text := func(name string) string {
		v, _ := fs.GetString(name)
		return v
	}
	o = app.Options{
		Listen: text("listen"), Control: listenAddress(text("control")), Config: text("config"),
		TLSCert: text("tls-cert"), TLSKey: text("tls-key"), LookupEnv: p.Lookup, Version: p.Version.String(),
		Role: fairlead.Role(text("role")), Name: text("name"), Region: text("region"),
		Database: text("database"), NATS: text("nats"), NATSCredentials: text("nats-credentials"),
		BusListen: text("bus-listen"), BusAdvertise: text("bus-advertise"),
		ClusterListen: text("cluster-listen"), ClusterAdvertise: text("cluster-advertise"),
	}
	o.SecretKey, o.Join = secretOf(text("secret-key")), secretOf(text("join"))
	if list := text("cluster-join"); list != "" {
		o.ClusterJoin = strings.Split(list, ",")
	}
	o.NoAuth, _ = fs.GetBool("no-auth")
	o.AdminToken, _ = p.Lookup(adminTokenVariable)
	if o.Data, err = p.dataFolder(text("data")); err != nil {
		return o, err
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return o, errors.New("--tls-cert and --tls-key belong together")
	}
	o.Log, err = logger(lines, text("log-level"), text("log-format"))
	if err != nil {
		return o, err
	}
	if o.Egress = text("egress"); o.Egress == "" {
		o.Egress = text("region")
	}
	for _, attr := range [][2]string{{"node", text("name")}, {"region", text("region")}, {"egress", o.Egress}} {
		if attr[1] != "" {
			o.Log = o.Log.With(attr[0], attr[1])
		}
	}
	return o, nil
}

func secretOf(text string) fairlead.Secret {
	if text == "" {
		return fairlead.Secret{}
	}
	return fairlead.NewSecret(text)
}

// listenAddress takes the form of an address that clients use, too: one variable serves both.
func listenAddress(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s, "http://"), "/")
}

func logger(to *record.Lines, level, format string) (*slog.Logger, error) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	l, ok := levels[level]
	if !ok {
		return nil, fmt.Errorf("--log-level is debug, info, warn or error, not %q", level)
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(to.Handler(slog.NewTextHandler(to, o))), nil
	case "json":
		return slog.New(to.Handler(slog.NewJSONHandler(to, o))), nil
	}
	return nil, fmt.Errorf("--log-format is text or json, not %q", format)
}

func hintListen(err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return &hintError{err, "another program has this address, maybe another fairlead; choose others with --listen and --control"}
}
