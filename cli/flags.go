package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// bootFlag is a boot option. Each is a flag and a variable: flag before variable before default.
type bootFlag struct {
	name    string
	short   string
	boolean bool
	value   string // the default
	shown   string // the default as help shows it, where it is another text
	meaning string
}

// bootFlags is the one table of boot options; help and the documentation's table are made of it.
var bootFlags = []bootFlag{
	{name: "listen", value: ":8484", meaning: "address of the data plane"},
	{name: "control", value: "127.0.0.1:8485", meaning: "address of the control plane"},
	{name: "data", shown: "$XDG_DATA_HOME/fairlead, else ~/.local/share/fairlead", meaning: "folder of this node's files; made where there is none"},
	{name: "config", short: "c", meaning: "file that is the configuration: watched, and applied when it changes"},
	{name: "role", value: "all", meaning: "planes of this node: all, control or edge"},
	{name: "name", shown: "`local` where one process is all; in a fleet the machine's name, or that of the join token", meaning: "name of this node in its fleet, and in each of its log lines where it is given"},
	{name: "region", meaning: "region that this node is in, in each of its log lines"},
	{name: "egress", shown: "the region", meaning: "address range that providers see this node from: what they refuse is remembered by it, and each log line has it"},
	{name: "database", shown: "SQLite in the data folder", meaning: "URL of a PostgreSQL database, `postgres://...`, which control nodes share"},
	{name: "secret-key", shown: "the content of `secret.key` in the data folder, which is made at the first start", meaning: "key under which stored secrets are sealed: a text of 16 characters or more, or `file:/path`, which you alone may read (mode 0600); control nodes on one database share it"},
	{name: "join", meaning: "token by which an edge joins a fleet, once: `fairlead nodes add` prints it"},
	{name: "bus-listen", meaning: "address on which this control node lets edges in (TLS, by certificate)"},
	{name: "bus-advertise", shown: "the address listened on", meaning: "address of it that edges are told"},
	{name: "cluster-listen", meaning: "address for the other control nodes"},
	{name: "cluster-advertise", shown: "the address listened on", meaning: "address of it that they are told"},
	{name: "cluster-join", meaning: "addresses of other control nodes, divided by commas"},
	{name: "nats", shown: "the embedded server", meaning: "URLs of an existing NATS cluster, divided by commas"},
	{name: "nats-credentials", meaning: "file with the credentials for it"},
	{name: "no-auth", boolean: true, value: "false", meaning: "let everyone in, without a key"},
	{name: "log-level", value: "info", meaning: "least level that is logged: debug, info, warn or error"},
	{name: "log-format", value: "text", meaning: "form of the log: text or json"},
	{name: "tls-cert", meaning: "PEM file with the data plane's certificate chain; without it plaintext"},
	{name: "tls-key", meaning: "PEM file with the certificate's key"},
}

// adminTokenVariable has no flag: a command line can be read by every user of a machine.
const adminTokenVariable = "FAIRLEAD_ADMIN_TOKEN"

// addBootFlags declares the flags of the table.
func addBootFlags(fs *pflag.FlagSet) {
	for _, f := range bootFlags {
		text := f.meaning + " (" + variable(f.name) + ")"
		if f.shown != "" {
			text += " (default " + f.shown + ")"
		}
		text = strings.ReplaceAll(text, "`", "'") // pflag takes a word in backquotes for the value's name
		if f.boolean {
			fs.BoolP(f.name, f.short, f.value == "true", text)
		} else {
			fs.StringP(f.name, f.short, f.value, text)
		}
	}
}

// bootFlagNames lists the flags of the table.
func bootFlagNames() []string {
	names := make([]string, len(bootFlags))
	for i, f := range bootFlags {
		names[i] = f.name
	}
	return names
}

// fromEnvironment sets each of the named flags that was not given from its variable. An empty
// variable counts as none.
func (p *program) fromEnvironment(fs *pflag.FlagSet, names ...string) error {
	var errs []error
	for _, name := range names {
		v, ok := p.Lookup(variable(name))
		if fs.Changed(name) || !ok || v == "" {
			continue
		}
		if err := fs.Set(name, v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", variable(name), err))
		}
	}
	return errors.Join(errs...)
}

// FlagsMarkdown is the table of boot options for the documentation.
func FlagsMarkdown() string {
	var b strings.Builder
	b.WriteString("| flag | variable | default | meaning |\n|---|---|---|---|\n")
	for _, f := range bootFlags {
		name := "`--" + f.name + "`"
		if f.short != "" {
			name = "`-" + f.short + "`, " + name
		}
		def := f.shown
		if def == "" && f.value != "" {
			def = "`" + f.value + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", name, variable(f.name), def, f.meaning)
	}
	fmt.Fprintf(&b, "| | `%s` | the content of `admin.token` in the data folder, which is made at the first start | token that the control plane wants |\n", adminTokenVariable)
	return b.String()
}

// dataFolder gives the data folder where none was named.
func (p *program) dataFolder(named string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	// The specification of XDG_DATA_HOME says that a relative path is to be ignored.
	if v, _ := p.Lookup("XDG_DATA_HOME"); filepath.IsAbs(v) {
		return filepath.Join(v, "fairlead"), nil
	}
	if v, _ := p.Lookup("HOME"); filepath.IsAbs(v) {
		return filepath.Join(v, ".local", "share", "fairlead"), nil
	}
	return "", errors.New("there is no home folder for the data: name one with --data or FAIRLEAD_DATA")
}
