package cli_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fairlead"
	"fairlead/cli"
	"fairlead/control"
	"fairlead/replica"
	"fairlead/store/sqlite"
)

// TestMain lets scripts run the command line as a process of its own: `exec fairlead ...`.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fairlead": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(cli.Run(ctx, os.Args[1:], cli.Env{
			Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv,
			Version: cli.Version{Version: "v1.2.3", Revision: "abcdef"},
		}))
	}})
}

// TestScripts runs each file of testdata/script. Besides testscript's own commands there is
// `control`, which starts a control plane with a store and a replica in $WORK/data and sets the
// variables by which commands find it, and `admitted [!] SECRET`, which asks that replica.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Values[planeKey{}] = &plane{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"control":  startControl,
			"admitted": admitted,
			"secret":   secret,
		},
	})
}

type planeKey struct{}

// plane is a control plane that a script started.
type plane struct{ replica *replica.Replica }

func startControl(ts *testscript.TestScript, _ bool, _ []string) {
	dir := filepath.Join(ts.Getenv("WORK"), "data")
	ts.Check(os.MkdirAll(dir, 0o700))
	token, _, err := control.LoadToken(dir, "")
	ts.Check(err)
	store, err := sqlite.Open(context.Background(), filepath.Join(dir, "fairlead.db"))
	ts.Check(err)
	rep, err := replica.Open(context.Background(), dir)
	ts.Check(err)
	srv := httptest.NewServer(control.New(control.Options{
		Store: store, Token: token,
		Applied: func(ctx context.Context, _ int64) error { return control.Sync(ctx, store, rep) },
	}))
	ts.Defer(func() {
		srv.Close()
		ts.Check(errors.Join(rep.Close(), store.Close()))
	})
	ts.Value(planeKey{}).(*plane).replica = rep
	ts.Setenv("FAIRLEAD_CONTROL", srv.URL)
	ts.Setenv("FAIRLEAD_DATA", dir)
}

func admitted(ts *testscript.TestScript, neg bool, args []string) {
	k, found, err := ts.Value(planeKey{}).(*plane).replica.Key(context.Background(), fairlead.HashKey(args[0]))
	ts.Check(err)
	if got := found && k.Active(); got == neg {
		ts.Fatalf("admitted: %v", got)
	}
}

// secret sets ID and SECRET to what the last command printed after "id:" and "secret:".
func secret(ts *testscript.TestScript, _ bool, _ []string) {
	for _, line := range splitLines(ts.ReadFile("stdout")) {
		switch name, value := cutField(line); name {
		case "id:":
			ts.Setenv("ID", value)
		case "secret:":
			ts.Setenv("SECRET", value)
		}
	}
}
