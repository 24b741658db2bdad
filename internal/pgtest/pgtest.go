//go:build unix

// Package pgtest starts a PostgreSQL server for tests, from the binaries that are installed: one server for a test
// binary, one database for a test, in a temporary folder, on loopback and a socket in that folder. It can be stopped, killed and
// started again, as faults do.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTime bounds how long a server may take to come up or go down.
const startTime = 60 * time.Second

// Server is one PostgreSQL server. The zero value is one that is not there yet: the first test that asks for a database starts
// it. Whoever owns it calls Close when all tests are done.
type Server struct {
	mu        sync.Mutex
	bin       string // folder of PostgreSQL's programs
	dir       string // of its data, socket and log
	port      int
	user      *account // that it runs as; nil = this process's
	process   *process // nil while it is down
	databases int
	free      []string // databases that are empty again
}

// Database makes an empty database, which lives as long as its test, and gives its connection string: by the socket.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name, err := s.create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.clear(name); err != nil {
			t.Errorf("clear database: %v", err)
		}
	})
	return s.URL(name)
}

// URL is how a database is connected to by the socket.
func (s *Server) URL(database string) string {
	q := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}}
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: q.Encode()}).String()
}

// Address is where the server listens on loopback, host:port. It stays the same when the server is started again.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Start starts the server: the first time a new one, later with the data that it had. It gives nil where it runs.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start()
}

// Stop ends the server at once and in order, as a restart of its host does; who is connected is cut off.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(s.process.interrupt)
}

// Kill ends the server as a crash does: nothing is written any more by any of its processes.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(s.process.kill)
}

// Restart starts a server that was stopped or killed, which recovers.
func (s *Server) Restart() error { return s.Start() }

// PID is the process of the server, 0 while it is down.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.pid()
}

// Close ends the server and removes its folder. One that was never started is nothing to close.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.end(s.process.kill)
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
		s.dir = ""
	}
	return err
}

func (s *Server) end(how func() error) error {
	if s.process == nil {
		return nil
	}
	err := how()
	s.process = nil
	return err
}

func (s *Server) create(ctx context.Context) (name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		return "", err
	}
	if last := len(s.free) - 1; last >= 0 {
		name, s.free = s.free[last], s.free[:last]
		return name, nil
	}
	s.databases++
	name = "test_" + strconv.Itoa(s.databases)
	return name, s.admin(ctx, "postgres", `CREATE DATABASE `+name+` TEMPLATE template0`)
}

// clear makes a database empty, for the next test: that is twenty times quicker than to make another.
func (s *Server) clear(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil // the test left it down, and the database as it was
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	err := s.admin(ctx, name, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
		`DROP SCHEMA public CASCADE`, `CREATE SCHEMA public`)
	if err == nil {
		s.free = append(s.free, name)
	}
	return err
}

func (s *Server) admin(ctx context.Context, database string, statements ...string) error {
	c, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err = c.Exec(ctx, statement); err != nil {
			break
		}
	}
	return errors.Join(err, c.Close(ctx))
}

func (s *Server) start() error {
	if s.process != nil {
		return nil
	}
	if s.dir == "" {
		if err := s.initialise(); err != nil {
			return err
		}
	}
	var err error
	for range 10 { // a process of a server that was killed may be about to end still
		if err = s.come(); !errors.Is(err, errEnded) {
			return err
		}
		<-time.After(100 * time.Millisecond)
	}
	return err
}

var errEnded = errors.New("PostgreSQL ended while it started")

// come starts the server and waits until it answers.
func (s *Server) come() error {
	p, err := s.run()
	if err != nil {
		return err
	}
	s.process = p
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		err := s.admin(ctx, "postgres", `SELECT 1`)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			s.process = nil
			return fmt.Errorf("%w:\n%s", errEnded, s.log())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("PostgreSQL does not come up: %w", err), s.end(p.kill))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// initialise makes the folder and an empty cluster in it. Nothing of it has to survive the machine, so nothing is forced to
// the disk; a killed server loses nothing by that.
func (s *Server) initialise() (err error) {
	if s.bin, err = programs(); err != nil {
		return err
	}
	if s.user, err = ordinary(); err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	// Not in the test's own folder: a socket's path has 107 bytes at most.
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return err
	}
	if err := s.user.own(dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "--pgdata="+filepath.Join(dir, "data"), "--username=postgres",
		"--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = dir, s.user.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("initdb: %w\n%s", err, out), os.RemoveAll(dir))
	}
	s.dir = dir
	return nil
}

func (s *Server) run() (*process, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB",
		"-c", "timezone=UTC")
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = s.dir, log, log, s.user.attributes()
	return spawn(cmd)
}

func (s *Server) log() []byte {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-4000):]
}

// programs finds the newest PostgreSQL that is installed.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("these tests need PostgreSQL 15 or later, which is not installed: run scripts/install-test-tools, or apt-get install postgresql")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
