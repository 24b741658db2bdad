package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"fairlead"
)

// maxSecret bounds a secret that is read, in bytes.
const maxSecret = 64 << 10

// terminal gives the terminal that somebody types at, if there is one.
func (p *program) terminal() (fd int, ok bool) {
	f, isFile := p.Stdin.(*os.File)
	if !isFile {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// width is how many columns the terminal has that results go to; 0 = they go elsewhere.
func (p *program) width() int {
	f, isFile := p.Stdout.(*os.File)
	if !isFile {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// confirm asks a question on a terminal, where no answer is a no. Without one nobody is asked, and it is a yes: a
// script that calls a command means it.
func (p *program) confirm(ctx context.Context, question string) error {
	if _, ok := p.terminal(); !ok {
		return nil
	}
	fmt.Fprintf(p.Stderr, "%s [y/N] ", question)
	answer, err := await(ctx, func() (string, error) { return bufio.NewReader(p.Stdin).ReadString('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("not confirmed: nothing was changed")
}

// sure adds -y to a command that asks.
func sure(fs *pflag.FlagSet) (yes *bool) { return fs.BoolP("yes", "y", false, "do not ask") }

// asks confirms a question unless it was answered on the command line.
func (p *program) asks(ctx context.Context, yes *bool, question string) error {
	if *yes {
		return nil
	}
	return p.confirm(ctx, question)
}

// readSecret reads a secret from the terminal, without showing it, or else all of standard input; one newline at
// its end is not part of it.
func (p *program) readSecret(ctx context.Context, what string) (fairlead.Secret, error) {
	var text []byte
	var err error
	if fd, ok := p.terminal(); ok {
		fmt.Fprintf(p.Stderr, "%s (not shown): ", what)
		text, err = readUnseen(ctx, fd)
		fmt.Fprintln(p.Stderr)
	} else {
		text, err = io.ReadAll(io.LimitReader(p.Stdin, maxSecret+1))
	}
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read %s: %w", what, err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if value == "" {
		return fairlead.Secret{}, fmt.Errorf("read %s: it is empty", what)
	}
	if len(text) > maxSecret {
		return fairlead.Secret{}, fmt.Errorf("read %s: it is longer than 64 KiB", what)
	}
	return fairlead.NewSecret(value), nil
}

// readUnseen gives a terminal back as it was, also where the reader is interrupted.
func readUnseen(ctx context.Context, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	defer func() { _ = term.Restore(fd, before) }()
	return await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
}

// await waits for a read that cannot be cancelled, or for the end of ctx; the reader then ends with the process.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
