//go:build unix

package pgtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fairlead/internal/pgtest"
)

const childVariable = "PGTEST_CHILD"

// TestMain is also the process that starts a server and is killed.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		var s pgtest.Server
		if err := s.Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.PID())
		select {}
	}
	os.Exit(m.Run())
}

func ask(t *testing.T, url, statement string) (answer string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	check(t, err)
	err = c.QueryRow(t.Context(), statement).Scan(&answer)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	check(t, errors.Join(err, c.Close(t.Context())))
	return answer
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFaults holds that what was committed survives each way to end the server, and that nothing is left of it at last.
func TestFaults(t *testing.T) {
	var s pgtest.Server
	url := s.Database(t)
	t.Cleanup(func() { check(t, s.Close()) })
	ask(t, url, `CREATE TABLE t (n TEXT)`)
	for i, end := range []func() error{s.Kill, s.Stop, s.Kill} {
		ask(t, url, fmt.Sprintf(`INSERT INTO t VALUES ('%d')`, i))
		address := s.Address()
		check(t, end())
		if c, err := pgx.Connect(t.Context(), url); err == nil {
			check(t, c.Close(t.Context()))
			t.Error("the server answers after its end")
		}
		check(t, s.Restart())
		if s.Address() != address {
			t.Errorf("it was at %s and is at %s", address, s.Address())
		}
		if got := ask(t, url, `SELECT count(*)::text FROM t`); got != strconv.Itoa(i+1) {
			t.Errorf("%s rows, want %d", got, i+1)
		}
		tcp := "postgres://postgres@" + address + url[strings.LastIndex(url, "/test_"):strings.Index(url, "?")] + "?sslmode=disable"
		ask(t, tcp, `SELECT 'x'`)
	}
}

// TestDatabases holds that no test sees what another has left.
func TestDatabases(t *testing.T) {
	var s pgtest.Server
	t.Cleanup(func() { check(t, s.Close()) })
	var first string
	t.Run("first", func(t *testing.T) {
		first = s.Database(t)
		if other := s.Database(t); other == first {
			t.Errorf("two databases are %s", other)
		}
		ask(t, first, `CREATE TABLE t (n TEXT)`)
		open, err := pgx.Connect(context.Background(), first) // left open
		check(t, err)
		t.Cleanup(func() { _ = open.Close(context.Background()) })
	})
	for range 2 {
		url := s.Database(t)
		if got := ask(t, url, `SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'`); got != "0" {
			t.Errorf("%s has %s tables", url, got)
		}
	}
}

// TestKilledTests holds that a server ends with the tests that started it, also where they are killed.
func TestKilledTests(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+shortDir(t))
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, errPID := strconv.Atoi(strings.TrimSpace(line))
	check(t, cmd.Process.Kill())
	_ = cmd.Wait()
	if err != nil || errPID != nil {
		t.Fatalf("the process said %q (%v)", line, errors.Join(err, errPID))
	}
	for deadline := time.Now().Add(time.Minute); syscall.Kill(pid, 0) == nil && !zombie(pid); {
		if time.Now().After(deadline) {
			t.Fatalf("the server, process %d, goes on", pid)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// zombie reports whether a process has ended, and its new parent has not asked yet how.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z")
}

// shortDir is a folder for sockets, whose paths are short, that the server's user can reach.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pgt")
	check(t, err)
	check(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	return dir
}
