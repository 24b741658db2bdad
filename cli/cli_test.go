package cli_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fairlead"
	"fairlead/cli"
	"fairlead/control"
	"fairlead/internal/seal"
	"fairlead/store"
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
// `control [NAME]`, which starts a control plane with a store in $WORK/NAME (data) and sets the variables by which
// commands find it, and NAME_URL; `admitted [!] SECRET`, which asks that store; `heard NAME CHANGES [REFERENCE...]`, which has it
// hear of a node that lacks so many changes and cannot resolve references; and `exitcode N PROGRAM...`.
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
			"heard":    hear,
			"exitcode": exitCode,
			"secret":   secret,
		},
	})
}

type planeKey struct{}

// plane is the control plane that a script started last.
type plane struct {
	store *store.Store
	fleet *control.Fleet
}

func startControl(ts *testscript.TestScript, _ bool, args []string) {
	name := "data"
	if len(args) == 1 {
		name = args[0]
	}
	dir := filepath.Join(ts.Getenv("WORK"), name)
	ts.Check(os.MkdirAll(dir, 0o700))
	token, _, err := control.LoadToken(dir, "")
	ts.Check(err)
	s, err := sqlite.Open(context.Background(), filepath.Join(dir, "fairlead.db"))
	ts.Check(err)
	key, _ := seal.NewKey()
	fleet := control.NewFleet(time.Now)
	srv := httptest.NewServer(control.New(control.Options{
		Store: s, Token: token, Fleet: fleet,
		Seal: func(name string, version int64, value fairlead.Secret) ([]byte, error) {
			return key.Seal([]byte(value.Reveal()), fmt.Sprint(name, version)), nil
		},
		NewJoinToken: func(name string, secret fairlead.Secret) (string, error) {
			return "fl-join-" + name + "-" + secret.Reveal(), nil
		},
	}))
	ts.Defer(func() {
		srv.Close()
		ts.Check(s.Close())
	})
	*ts.Value(planeKey{}).(*plane) = plane{s, fleet}
	ts.Setenv(name+"_URL", srv.URL)
	ts.Setenv("FAIRLEAD_CONTROL", srv.URL)
	ts.Setenv("FAIRLEAD_DATA", dir)
}

func admitted(ts *testscript.TestScript, neg bool, args []string) {
	keys, err := ts.Value(planeKey{}).(*plane).store.Keys(context.Background(), "", 100)
	ts.Check(err)
	got := slices.ContainsFunc(keys, func(k fairlead.Key) bool { return k.Hash == fairlead.HashKey(args[0]) && k.Active() })
	if got == neg {
		ts.Fatalf("admitted: %v", got)
	}
}

func hear(ts *testscript.TestScript, _ bool, args []string) {
	p := ts.Value(planeKey{}).(*plane)
	head, err := p.store.Head(context.Background())
	ts.Check(err)
	lag, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	head.Number -= lag
	role := fairlead.RoleEdge
	if strings.HasPrefix(args[0], "control") {
		role = fairlead.RoleControl
	}
	p.fleet.Hear(fairlead.NodeStatus{
		Name: args[0], Role: role, Region: "eu", Version: "v1", At: time.Now(), Position: head, Revision: 1,
		Unresolved: args[2:],
	})
}

// exitCode runs a program that must end with a code.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s", got, want, ts.ReadFile("stderr"))
	}
}

// secret sets ID and SECRET to what the last command printed after "id:" and "secret:" or "token:".
func secret(ts *testscript.TestScript, _ bool, _ []string) {
	for _, line := range splitLines(ts.ReadFile("stdout")) {
		switch name, value := cutField(line); name {
		case "id:":
			ts.Setenv("ID", value)
		case "secret:", "token:":
			ts.Setenv("SECRET", value)
		}
	}
}
