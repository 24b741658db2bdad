package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fairlead"
	"fairlead/internal/seal"
)

// Options are the boot options; changing one needs a restart.
type Options struct {
	Role    fairlead.Role // "" = all
	Name    string        // of this node in its fleet; "" = the name it joined by, else the machine's
	Region  string
	Egress  string // the address range that providers see this node from; "" = not named
	Version string // of the program

	Listen     string // data plane, host:port; port 0 = any free one
	Control    string // control plane
	Data       string // folder of this node's files
	Config     string // file mode: the configuration's file; "" = none
	NoAuth     bool   // let everyone in
	AdminToken string // "" = DATA/admin.token, made where there is none
	TLSCert    string // PEM files for the data plane
	TLSKey     string

	Database  string          // URL of a PostgreSQL database; "" = SQLite in the data folder
	SecretKey fairlead.Secret // text, or file:/path; unset = DATA/secret.key, made where there is none
	Join      fairlead.Secret // token of an edge that has not joined yet

	NATS            string // URLs of an existing cluster; "" = the embedded server
	NATSCredentials string // file with the credentials for it

	BusListen        string   // address on which edges are let in; "" = none
	BusAdvertise     string   // the only address of it that they are told; "" = BusListen
	ClusterListen    string   // address for other control nodes
	ClusterAdvertise string   // the only address of it that they are told
	ClusterJoin      []string // theirs

	Drain time.Duration // how long exchanges in flight may take to end; 0 = 30s

	LookupEnv func(string) (string, bool) // nil = os.LookupEnv
	Log       *slog.Logger                // nil = discarded
	Clock     func() time.Time            // of what is dated and of certificates; nil = time.Now
	// dated is Clock as it was given; nil where none was, so that who dates each exchange need not ask twice.
	dated     func() time.Time
	beat      time.Duration // of the bus; 0 = its own. Tests have it otherwise
	sendEvery time.Duration // between two times that the last frame goes once more; 0 = sendAgainEvery. Likewise
}

const drainTime = 30 * time.Second

// fill gives defaults to what was left out, and refuses what does not fit together.
func (o *Options) fill() error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.dated = o.Clock; o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Drain <= 0 {
		o.Drain = drainTime
	}
	if o.Role == "" {
		o.Role = fairlead.RoleAll
	}
	return o.check()
}

func (o *Options) check() error {
	edge, control := o.hasEdge(), o.hasControl()
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{!edge && !control, fmt.Sprintf("--role is all, control or edge, not %q", o.Role)},
		{o.Name != "" && fairlead.ValidNodeName(o.Name) != nil, "--name: a node's name has 1 to 63 small letters, digits and hyphens, and begins and ends with a letter or a digit"},
		{!control && o.Config != "", "--config is for nodes of role all or control: an edge has its configuration from them"},
		{!control && o.Database != "", "--database is for nodes of role all or control: an edge has no database"},
		{control && o.Join.Set(), "--join is for nodes of role edge: a control node belongs to the fleet by its database"},
		{!control && (o.BusListen != "" || o.ClusterListen != ""), "--bus-listen and --cluster-listen are for nodes of role all or control"},
		{o.NATS != "" && (o.BusListen != "" || o.ClusterListen != ""), "--nats names an existing cluster; with it nothing is to be listened on for nodes"},
		{o.Database == "" && o.ClusterListen != "", "--cluster-listen needs --database: several control nodes share one PostgreSQL"},
		{(o.TLSCert == "") != (o.TLSKey == ""), "a TLS certificate needs its key and the key its certificate"},
	} {
		if c.wrong {
			return errors.New(c.text)
		}
	}
	return nil
}

// hasEdge and hasControl report which planes this node has.
func (o *Options) hasEdge() bool { return o.Role == fairlead.RoleAll || o.Role == fairlead.RoleEdge }

func (o *Options) hasControl() bool {
	return o.Role == fairlead.RoleAll || o.Role == fairlead.RoleControl
}

// inFleet reports whether other nodes can belong to this one.
func (o *Options) inFleet() bool {
	return o.BusListen != "" || o.ClusterListen != "" || o.NATS != "" || o.Database != "" || o.Role != fairlead.RoleAll
}

// defaultName is that of a node without a name. One alone has the same on every machine, for its data folder may be
// moved.
func (o *Options) defaultName() string {
	if !o.inFleet() {
		return "local"
	}
	return nodeName()
}

// nodeName is the machine's name as a node's can be.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	name := strings.Trim(strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || r == '-' {
			return r
		}
		return '-'
	}, host), "-")
	name = strings.TrimRight(name[:min(len(name), 63)], "-")
	if fairlead.ValidNodeName(name) != nil {
		return "node"
	}
	return name
}

const secretKeyFile = "secret.key"

// secretKey gives the text of --secret-key: as it was given, from the file that was named, or from the data folder. A
// node that shares its database must be given one: the others cannot know what it would make. None is made for a store in which
// there is something under another one already, as made tells.
func (o *Options) secretKey(made func() (bool, error)) (fairlead.Secret, error) {
	given := o.SecretKey.Reveal()
	path, named := strings.CutPrefix(given, "file:")
	switch {
	case given != "" && !named:
		return o.SecretKey, nil
	case named:
		return readSecretKey(path)
	case o.Database != "":
		return fairlead.Secret{}, errors.New("--secret-key is missing: nodes that share a database need the same one; 'fairlead secret key' makes one")
	}
	path = filepath.Join(o.Data, secretKeyFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		used, err := made()
		if err != nil {
			return fairlead.Secret{}, err
		}
		if used {
			return fairlead.Secret{}, fmt.Errorf("%s is gone, under which the secrets in this node's database are sealed: bring it back from where a copy is kept, or give it by --secret-key", path)
		}
		if err := makeSecretKey(path); err != nil {
			return fairlead.Secret{}, fmt.Errorf("make secret key: %w", err)
		}
	}
	return readSecretKey(path)
}

// ownFiles are what no configuration may refer to: whoever writes one would have their content sent to an address of
// his choice.
func (o *Options) ownFiles() []string {
	list := []string{o.Data}
	if path, named := strings.CutPrefix(o.SecretKey.Reveal(), "file:"); named {
		list = append(list, path)
	}
	for _, path := range []string{o.NATSCredentials, o.TLSKey} {
		if path != "" {
			list = append(list, path)
		}
	}
	return list
}

func readSecretKey(path string) (fairlead.Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read secret key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fairlead.Secret{}, fmt.Errorf("read secret key: others can read %s (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read secret key: %w", err)
	}
	return fairlead.NewSecret(strings.TrimSpace(string(text))), nil
}

// makeSecretKey writes the file whole under another name and links it, so that of two processes one wins and nobody
// reads half a key.
func makeSecretKey(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), secretKeyFile+".*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(seal.NewText() + "\n")
	if err := errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
