// Command fairlead is a programmable routing layer for AI inference: `fairlead serve` runs it, the
// other commands speak to it.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"time"
	"syscall"

	"fairlead/cli"
)

func main() {
	// Ours goes through slog. The standard library's HTTP client prints what a provider sends unasked
	// to the package log, and that can be a piece of an answer.
	log.SetOutput(io.Discard)
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		f, _ := os.Create("/tmp/eprof-cpu/" + strconv.Itoa(os.Getpid()) + ".prof")
		go func() {
			time.Sleep(4*time.Second)
			_ = pprof.StartCPUProfile(f)
			time.Sleep(55*time.Second)
			pprof.StopCPUProfile()
		}()
	}
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go endOn(signals, cancel)
	os.Exit(cli.Run(ctx, os.Args[1:], cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv, Version: version(), OnReload: onHangup,
	}))
}

// endOn lets the first signal end the program in order and the second at once, with the exit code
// that shells give to a program ended by it. Both are taken from the channel: giving the second one
// back to the system would lose it if it came at once.
func endOn(signals <-chan os.Signal, cancel context.CancelFunc) {
	<-signals
	cancel()
	code := 1
	if s, ok := (<-signals).(syscall.Signal); ok {
		code = 128 + int(s)
	}
	os.Exit(code)
}

// onHangup calls reload at each SIGHUP. Commands that have nothing to read again do not ask for it: they
// end with their terminal, and with the reader of what they print, as the system has it. Who serves goes on.
func onHangup(reload func()) (stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range hangups {
			reload()
		}
	}()
	return func() {
		signal.Stop(hangups)
		signal.Reset(syscall.SIGPIPE)
		close(hangups)
		<-ended
	}
}

// version reads what the toolchain wrote into the program.
func version() cli.Version {
	v := cli.Version{Version: "(unknown)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
