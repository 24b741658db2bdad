package cli_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fairlead/cli"
)

// openTerminal gives both ends of a terminal: what a person has, and what a program has.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	raw, err := person.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			n, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// prompt tells when something was asked.
type prompt struct {
	text  strings.Builder
	asked chan struct{}
}

func (p *prompt) Write(b []byte) (int, error) {
	p.text.Write(b)
	if strings.Contains(string(b), "(not shown)") {
		close(p.asked)
	}
	return len(b), nil
}

// echoes reports whether a terminal shows what is typed.
func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestSecretIsNotEchoed holds that a secret that is typed shows nowhere, that it arrives, and that the terminal shows
// again what is typed afterwards, also where the reader was interrupted.
func TestSecretIsNotEchoed(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		t.Run(fmt.Sprint("interrupted ", interrupted), func(t *testing.T) {
			sent := make(chan string, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				sent <- string(b)
				_, _ = w.Write([]byte(`{"name":"x","version":1}`))
			}))
			defer srv.Close()
			person, program := openTerminal(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			variables := map[string]string{"FAIRLEAD_CONTROL": srv.URL, "FAIRLEAD_ADMIN_TOKEN": "t"}
			asked := &prompt{asked: make(chan struct{})}
			var out strings.Builder
			ended := make(chan int, 1)
			go func() {
				ended <- cli.Run(ctx, []string{"secret", "set", "x"}, cli.Env{
					Stdin: program, Stdout: &out, Stderr: asked,
					Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
				})
			}()
			<-asked.asked
			deadline := time.Now().Add(10 * time.Second)
			for echoes(t, program) { // the prompt stands a moment before nothing is shown
				if time.Now().After(deadline) {
					t.Fatal("the terminal goes on showing what is typed")
				}
			}
			if interrupted {
				cancel()
				if code := <-ended; code != 1 || len(sent) != 0 {
					t.Errorf("exit code %d; sent %d requests", code, len(sent))
				}
			} else {
				if _, err := person.WriteString("sk-typed\n"); err != nil {
					t.Fatal(err)
				}
				if code, got := <-ended, <-sent; code != 0 || got != `{"value":"sk-typed"}` || strings.Contains(out.String()+asked.text.String(), "sk-typed") {
					t.Errorf("exit code %d; sent %s; printed %s%s", code, got, out.String(), asked.text.String())
				}
			}
			if !echoes(t, program) {
				t.Error("the terminal shows nothing any more")
			}
		})
	}
}
