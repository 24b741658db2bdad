package failover_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// play is a scenario in one mode.
type play struct {
	name    string
	mode    mode
	pending string   // why it is not expected to hold yet
	only    []string // the modes that it is given in
	within  time.Duration

	settings  map[string]string // of the configuration, by "", "provider P", "model M"; "takes P" is for the fake
	providers []string
	endpoints []endpoint
	says      string              // the settings of every behaviour
	does      map[string][]string // by PROVIDER/MODEL: behaviours, the last one stays
	last      []string            // those whose last behaviour is told
	events    []event
	asks      []ask

	wants    []want   // of every answer
	attempts []string // PROVIDER/MODEL[:WAY], in order
	most     map[string]int
	keys     map[int]string    // the credential of an attempt, by its end
	waits    map[int]span      // from the end of the attempt before to the beginning of this one
	record   []string          // MODEL@PROVIDER OUTCOME, in order
	left     []string          // PROVIDER/MODEL whose latest attempt was cancelled
	pages    map[string]bounds // of a provider that were asked for
	probes   map[string]bounds // by generation, of PROVIDER/MODEL
	failures map[string]bounds // attempts of exchanges at MODEL@PROVIDER that failed
	returns  map[string]bounds // of MODEL@PROVIDER by probes, as the log tells
	back     string            // MODEL@PROVIDER that answers again
	backBy   time.Duration
}

// endpoint is one of the configuration.
type endpoint struct{ model, provider, name, config string }

func (e endpoint) id() string {
	id := e.model + "@" + e.provider
	if e.name != "" {
		id += "~" + e.name
	}
	return id
}

// upstream is the model's name at the provider.
func (e endpoint) upstream() string {
	if e.name != "" {
		return e.model + "." + e.name
	}
	return e.model
}

// event is something that happens to a provider.
type event struct {
	at   time.Duration
	who  string
	mode string // of an outage; "" = a behaviour
	down time.Duration
	spec string
}

// bounds are a range of numbers.
type bounds struct{ least, most int }

// span is a range of durations.
type span struct{ least, most time.Duration }

// TestPlays gives every play in every mode that it is for. A play that is marked as pending must fail in
// one of the modes of its mark, so that none is forgotten, and holds in the others.
func TestPlays(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.play")
	check(t, err)
	if len(files) < 80 {
		t.Fatalf("only %d plays are there", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".play"), func(t *testing.T) {
			t.Parallel()
			give(t, filepath.Base(file), string(text))
		})
	}
}

// give performs a play in its modes, together, and judges it when all are over.
func give(t *testing.T, name, text string) {
	var (
		mu      sync.Mutex
		due     = map[string][]string{} // problems by mode, of those that must hold
		pending = map[string][]string{} // of those that need not yet
		why     string
		given   int
	)
	for _, m := range modes() {
		p, err := parse(name, text, m)
		if err != nil {
			t.Fatalf("%s, %s: %v", name, m, err)
		}
		if !m.is(p.only) {
			continue
		}
		given++
		found := due
		if p.pending != "" {
			found, why = pending, p.pending
		}
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			problems := perform(t, p)
			mu.Lock()
			defer mu.Unlock()
			if len(problems) > 0 {
				found[m.String()] = problems
			}
		})
	}
	if given == 0 {
		t.Fatalf("%s is given in no mode", name)
	}
	t.Cleanup(func() {
		if len(due) > 0 {
			t.Errorf("%d of %d modes fail:\n%s", len(due), given, report(due))
		}
		switch {
		case why != "" && len(pending) > 0:
			t.Logf("pending (%s): %d of %d modes fail:\n%s", why, len(pending), given, report(pending))
		case why != "" && !t.Failed():
			t.Errorf("remove pending: the play holds in every mode")
		}
	})
}

func report(found map[string][]string) string {
	var b strings.Builder
	for _, m := range slices.Sorted(maps.Keys(found)) {
		for _, problem := range found[m] {
			fmt.Fprintf(&b, "  %s: %s\n", m, problem)
		}
	}
	return b.String()
}
