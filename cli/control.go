package cli

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fairlead"
	"fairlead/client"
	"fairlead/control"
)

const defaultControl = "http://127.0.0.1:8485"

// addControlFlags declares how a command finds its control plane.
func addControlFlags(fs *pflag.FlagSet) {
	fs.String("control", defaultControl, "address of the control plane, or those of several of its nodes, divided by commas (FAIRLEAD_CONTROL)")
	fs.String("context", "", "name of the control plane, as 'fairlead context' lists it")
	fs.String("data", "", "the server's data folder, where its admin token is if FAIRLEAD_ADMIN_TOKEN is not set (FAIRLEAD_DATA)")
}

// withControl makes a command's function of one that speaks to the control plane.
func (p *program) withControl(f func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return run(func(ctx context.Context, args []string) error {
			c, err := p.client(cmd.Flags())
			if err != nil {
				return err
			}
			return refusedValue(explain(c, f(ctx, c, args)))
		})(cmd, args)
	}
}

// refusedValue marks an error about a value of the command line, which the control plane alone can judge, as one of the command
// line. What a file or standard input holds is none of it.
func refusedValue(err error) error {
	var e *fairlead.Error
	var document *client.RefusedError
	var chosen *exitError
	if !errors.As(err, &e) || e.Code != fairlead.CodeInvalidRequest || e.Param == "value" || errors.As(err, &document) || errors.As(err, &chosen) {
		return err
	}
	return usage(err)
}

// client makes a client of the control plane that is named first by: --control, --context, FAIRLEAD_CONTROL, the
// context in use; else of this machine's own.
func (p *program) client(fs *pflag.FlagSet) (*client.Client, error) {
	name, err := p.contextName(fs)
	if err != nil {
		return nil, err
	}
	if name != "" {
		return p.contextClient(name)
	}
	if err := p.fromEnvironment(fs, "control", "data"); err != nil {
		return nil, usage(err)
	}
	address, _ := fs.GetString("control")
	address = controlURLs(address)
	data, _ := fs.GetString("data")
	token, err := p.findToken(data, address)
	if err != nil {
		return nil, err
	}
	c, err := client.New(address, token)
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// contextName gives the context that names the control plane; "" = none does.
func (p *program) contextName(fs *pflag.FlagSet) (string, error) {
	name, _ := fs.GetString("context")
	if fs.Changed("control") && name != "" {
		return "", usage(errors.New("--control and --context name a control plane each: give one of them"))
	}
	if v, _ := p.Lookup(variable("control")); name != "" || v != "" || fs.Changed("control") {
		return name, nil
	}
	all, err := p.readContexts()
	return all.Current, err
}

// controlURLs is controlURL for each of several addresses, divided by commas.
func controlURLs(addresses string) string {
	list := strings.Split(addresses, ",")
	for i, address := range list {
		list[i] = controlURL(strings.TrimSpace(address))
	}
	return strings.Join(list, ",")
}

// controlURL makes a URL of an address as --control of serve takes it: one variable serves both.
func controlURL(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// findToken finds the admin token: the variable, else the file in the data folder. The file's token is
// this machine's, so it is not shown to another one.
func (p *program) findToken(data, addresses string) (fairlead.Secret, error) {
	if v, _ := p.Lookup(adminTokenVariable); v != "" {
		return fairlead.NewSecret(v), nil
	}
	for address := range strings.SplitSeq(addresses, ",") {
		if !onThisMachine(address) {
			return fairlead.Secret{}, &hintError{
				errors.New("no admin token for " + address),
				"set " + adminTokenVariable + " to that server's token; only a server on this machine's loopback address is asked with the data folder's",
			}
		}
	}
	if data == "" {
		data, _ = p.Lookup(variable("data"))
	}
	dir, err := p.dataFolder(data)
	if err != nil {
		return fairlead.Secret{}, usage(err)
	}
	token, err := control.ReadToken(dir)
	if errors.Is(err, os.ErrNotExist) {
		return token, &hintError{
			errors.New("no admin token: there is none in " + dir),
			"is fairlead running? 'fairlead serve' makes the token; name its data folder with --data, or set " + adminTokenVariable,
		}
	}
	return token, err
}

func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

// explain adds what to do where the control plane cannot be reached.
func explain(c *client.Client, err error) error {
	if !errors.Is(err, client.ErrUnreachable) {
		return err
	}
	hint := "is fairlead running? start it with 'fairlead serve', or name its control plane with --control, --context or FAIRLEAD_CONTROL"
	if !onThisMachine(c.Address()) {
		hint = "is a control node running there? name those of its other nodes, too: --control, FAIRLEAD_CONTROL and 'fairlead context add' take several addresses, divided by commas"
	}
	return &hintError{errors.New("nothing answers at " + c.Address()), hint}
}
