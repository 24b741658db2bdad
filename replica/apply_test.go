package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

const (
	docOne = `{"models":{"a/b":{"endpoints":[{"provider":"p","weight":100}]}},"providers":{"p":{"base_url":"http://x"}},"version":1}`
	docTwo = `{"version":1,"providers":{"p":{"base_url":"http://<y>&"}},"models":{"a/b":{"endpoints":[{"provider":"p","weight":25}]},"c":null}}`
)

// manyModels is a document with more than half of the models that a request's body may name.
func manyModels(author string) string {
	var models []string
	for i := range 40_000 {
		models = append(models, fmt.Sprintf(`"%s/%06d":{}`, author, i))
	}
	return `{"models":{` + strings.Join(models, ",") + `},"version":1}`
}

// TestFold plays changes of every kind, each by itself and all in one go, and looks at what is held now and
// after a restart.
func TestFold(t *testing.T) {
	trial := &fairlead.Trial{ID: "trial_1", Revision: 3, Percent: 5, Patch: []byte(`{"settings":{"attempts":2}}`)}
	k := newKey()
	for _, c := range []struct {
		name string
		play func(l *changelog.Log)
		want []fairlead.SealedSecret // name, version and value
	}{
		{"a revision", func(l *changelog.Log) { l.Revise(docOne) }, nil},
		{"two", func(l *changelog.Log) { l.Revise(docOne); l.Revise(docTwo) }, nil},
		{"one without a change", func(l *changelog.Log) { l.Revise(docOne); l.Revise(docOne) }, nil},
		{"back to nothing", func(l *changelog.Log) { l.Revise(docOne); l.Revise(`{}`) }, nil},
		{"all of many models renamed", func(l *changelog.Log) { l.Revise(manyModels("a")); l.Revise(manyModels("b")) }, nil},
		{"weights of a revision", func(l *changelog.Log) { l.Commit(docOne, map[string]int{"a/b@p": 7}, nil) }, nil},
		{"steps", func(l *changelog.Log) {
			l.Revise(docOne)
			l.Step(map[string]int{"a/b@p": 50})
			l.Step(map[string]int{"a/b@p": 40, "c@p": 1})
		}, nil},
		{"a revision ends them", func(l *changelog.Log) { l.Revise(docOne); l.Step(map[string]int{"a/b@p": 50}); l.Revise(docTwo) }, nil},
		{"a step ends them", func(l *changelog.Log) { l.Revise(docOne); l.Step(map[string]int{"a/b@p": 50}); l.Step(nil) }, nil},
		{"a trial", func(l *changelog.Log) { l.Revise(docOne); l.Revise(docTwo); l.Commit(docTwo, nil, trial) }, nil},
		{"its end", func(l *changelog.Log) {
			l.Revise(docOne)
			l.Revise(docTwo)
			l.Commit(docTwo, nil, trial)
			l.Revise(docOne)
		}, nil},
		{"secrets", func(l *changelog.Log) { l.Secret("b", 1, "x"); l.Secret("a", 1, "y"); l.Secret("b", 2, "z") }, []fairlead.SealedSecret{secret("a", 1, "y"), secret("b", 2, "z")}},
		{"a deleted one", func(l *changelog.Log) { l.Secret("b", 1, "x"); l.Secret("b", 2, "") }, []fairlead.SealedSecret{secret("b", 2, "")}},
		{"an older version", func(l *changelog.Log) { l.Secret("b", 2, "x"); l.Secret("b", 1, "y") }, []fairlead.SealedSecret{secret("b", 2, "x")}},
		{"nodes and kinds of later versions", func(l *changelog.Log) {
			l.Add(fairlead.ChangeNode, fairlead.Node{Name: "n"})
			l.Add("of a later version", []byte("no JSON"))
			l.Add(fairlead.ChangeBlock, []byte(nil))
		}, nil},
		{"all kinds", func(l *changelog.Log) {
			l.Keys(k)
			l.Revise(docOne)
			l.Secret("a", 1, "y")
			l.Step(map[string]int{"a/b@p": 50})
			l.Keys(revoked(k))
			l.Revise(docTwo)
		}, []fairlead.SealedSecret{secret("a", 1, "y")}},
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in one go: %v", c.name, together), func(t *testing.T) {
				dir := t.TempDir()
				r := open(t, dir)
				log := changelog.New("a")
				c.play(log)
				if together {
					apply(t, r, log.Made...)
				} else {
					for _, change := range log.Made {
						apply(t, r, change)
					}
				}
				for range 2 {
					wantAt(t, r, log)
					wantSecrets(t, r, c.want)
					since, err := r.Since(t.Context(), 0)
					check(t, err)
					for i := range since {
						if len(since[i].Content) == 0 {
							since[i].Content = log.Made[i].Content // nil and empty are the same content
						}
					}
					if !reflect.DeepEqual(since, log.Made) {
						t.Errorf("remembers %+v, want %+v", since, log.Made)
					}
					check(t, r.Close())
					r = open(t, dir)
				}
			})
		}
	}
}

func secret(name string, version int64, sealed string) fairlead.SealedSecret {
	return fairlead.SealedSecret{Name: name, Version: version, Sealed: []byte(sealed)}
}

func wantSecrets(t *testing.T, r *replica.Replica, want []fairlead.SealedSecret) {
	t.Helper()
	got, err := r.Secrets(t.Context())
	check(t, err)
	if !slices.EqualFunc(got, want, func(a, b fairlead.SealedSecret) bool {
		return a.Name == b.Name && a.Version == b.Version && bytes.Equal(a.Sealed, b.Sealed) && a.At.After(start.Add(-time.Second))
	}) {
		t.Errorf("secrets %+v, want %+v", got, want)
	}
}

// TestRefusedChanges holds that what is no continuation, or cannot be folded, changes nothing.
func TestRefusedChanges(t *testing.T) {
	k := newKey()
	forged := func(kind fairlead.ChangeKind, content string) func(*changelog.Log) []fairlead.Change {
		return func(l *changelog.Log) []fairlead.Change { return []fairlead.Change{l.Add(kind, []byte(content))} }
	}
	sum := `"` + fairlead.Hash{1}.String() + `"`
	for _, c := range []struct {
		name string
		log  string
		make func(l *changelog.Log) []fairlead.Change
		want error
	}{
		{"a gap", "a", func(l *changelog.Log) []fairlead.Change { l.Keys(k); return []fairlead.Change{l.Keys(revoked(k))} }, replica.ErrBroken},
		{"a gap in the middle", "a", func(l *changelog.Log) []fairlead.Change {
			first := l.Keys(k)
			l.Keys()
			return []fairlead.Change{first, l.Keys(revoked(k))}
		}, replica.ErrBroken},
		{"out of order", "a", func(l *changelog.Log) []fairlead.Change {
			first := l.Keys(k)
			return []fairlead.Change{l.Keys(), first}
		}, replica.ErrBroken},
		{"again", "a", func(l *changelog.Log) []fairlead.Change { return l.Made[1:2] }, replica.ErrBroken},
		{"another log", "b", func(l *changelog.Log) []fairlead.Change { return []fairlead.Change{l.Keys(k)} }, replica.ErrBroken},
		{"another chain", "a", func(l *changelog.Log) []fairlead.Change {
			other := changelog.New("a")
			other.Keys(k)
			other.Keys(k)
			return []fairlead.Change{other.Keys(k)}
		}, replica.ErrBroken},
		{"an altered content", "a", func(l *changelog.Log) []fairlead.Change {
			c := l.Keys(k)
			c.Content = bytes.Replace(c.Content, []byte(k.ID), []byte("key_x"), 1)
			return []fairlead.Change{c}
		}, replica.ErrBroken},
		{"an altered author", "a", func(l *changelog.Log) []fairlead.Change {
			c := l.Keys(k)
			c.By = "somebody"
			return []fairlead.Change{c}
		}, replica.ErrBroken},

		{"no JSON", "a", forged(fairlead.ChangeKey, `{`), replica.ErrUnfit},
		{"a key with a short hash", "a", forged(fairlead.ChangeKey, `{"keys":[{"id":"key_x","hash":"00"}]}`), replica.ErrUnfit},
		{"no step", "a", forged(fairlead.ChangeStep, `{"weights":{"a":"1"}}`), replica.ErrUnfit},
		{"no secret", "a", forged(fairlead.ChangeSecret, `[]`), replica.ErrUnfit},
		{"a secret without a name", "a", forged(fairlead.ChangeSecret, `{"version":1}`), replica.ErrUnfit},
		{"no revision", "a", forged(fairlead.ChangeRevision, `""`), replica.ErrUnfit},
		{"a revision too far", "a", forged(fairlead.ChangeRevision, `{"revision":3,"patch":{},"sum":`+sum+`}`), replica.ErrUnfit},
		{"no patch", "a", forged(fairlead.ChangeRevision, `{"revision":2,"patch":[],"sum":`+sum+`}`), replica.ErrUnfit},
		{"no patch at all", "a", forged(fairlead.ChangeRevision, `{"revision":2,"sum":`+sum+`}`), replica.ErrUnfit},
		{"another sum", "a", forged(fairlead.ChangeRevision, `{"revision":2,"patch":{"version":2},"sum":`+sum+`}`), replica.ErrUnfit},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, dir)
			log := changelog.New("a")
			log.Revise(docOne)
			log.Keys()
			apply(t, r, log.Made...)
			before := *log
			if err := r.Apply(t.Context(), c.log, c.make(log)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			for range 2 {
				wantAt(t, r, &before)
				wantFound(t, r, nil, []fairlead.Key{k})
				check(t, r.Close())
				r = open(t, dir)
			}
			apply(t, r, before.Revise(docTwo)) // it can go on
			wantAt(t, r, &before)
		})
	}
}

// TestNow holds that each change is told, and which of them are of the configuration.
func TestNow(t *testing.T) {
	r := open(t, t.TempDir())
	log := changelog.New("a")
	for i, c := range []struct {
		change fairlead.Change
		config bool
	}{
		{log.Revise(docOne), true},
		{log.Keys(newKey()), false},
		{log.Step(nil), true},
		{log.Secret("a", 1, "x"), true},
		{log.Add(fairlead.ChangeNode, fairlead.Node{}), false},
	} {
		_, before, over := r.Now()
		apply(t, r, c.change)
		select {
		case <-over:
		default:
			t.Errorf("change %d is not told", i+1)
		}
		at, config, _ := r.Now()
		if at.Number != c.change.Number || at.Hash != c.change.Hash || config != before && !c.config || config == before && c.config {
			t.Errorf("change %d: at %+v, configuration %d after %d", i+1, at, config, before)
		}
	}
}

// TestKnown holds which changes are known by their hashes: the last one of them not after a number.
func TestKnown(t *testing.T) {
	r := open(t, t.TempDir())
	log := changelog.New("a")
	for range 3 {
		apply(t, r, log.Keys())
	}
	for n, want := range []fairlead.Position{{}, place(log, 1), place(log, 2), place(log, 3), place(log, 3)} {
		wantKnown(t, r, int64(n), want)
	}
}

// place is a change's number and hash.
func place(l *changelog.Log, number int64) fairlead.Position {
	if number == 0 {
		return fairlead.Position{}
	}
	return fairlead.Position{Number: number, Hash: l.Made[number-1].Hash}
}

func wantKnown(t *testing.T, r *replica.Replica, through int64, want fairlead.Position) {
	t.Helper()
	if got, err := r.Known(t.Context(), through); err != nil || got != want {
		t.Errorf("the last change up to %d is %+v, %v; want %+v", through, got, err, want)
	}
}

// TestForgottenChanges holds the bounds of what is remembered: here 20 changes, 7 days, 1000 bytes.
func TestForgottenChanges(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name  string
		play  func(l *changelog.Log)
		first int64 // that is remembered
	}{
		{"few and old", func(l *changelog.Log) { l.Keys(); l.Time = l.Time.Add(30 * day); l.Keys() }, 1},
		{"many and young", func(l *changelog.Log) { many(l, 30) }, 1},
		{"many and old", func(l *changelog.Log) { many(l, 25); l.Time = l.Time.Add(8 * day); many(l, 2) }, 8},
		{"some of them old", func(l *changelog.Log) { many(l, 5); l.Time = l.Time.Add(8 * day); many(l, 30) }, 6},
		{"large", func(l *changelog.Log) { some(l, 5, 400) }, 4},
		{"as large as may be", func(l *changelog.Log) { some(l, 6, 250) }, 3},
		{"the last is larger than may be", func(l *changelog.Log) { some(l, 2, 400); some(l, 1, 2000) }, 3},
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in one go: %v", c.name, together), func(t *testing.T) {
				r := open(t, t.TempDir())
				r.Remember(20, 7*day, 1000)
				log := changelog.New("a")
				c.play(log)
				if together {
					apply(t, r, log.Made...)
				} else {
					for i := range log.Made {
						apply(t, r, log.Made[i])
					}
				}
				since, err := r.Since(t.Context(), 0)
				check(t, err)
				if len(since) == 0 || since[0].Number != c.first || since[len(since)-1].Number != log.At.Number {
					t.Errorf("remembers %d changes from %d, want from %d", len(since), since[0].Number, c.first)
				}
				wantKnown(t, r, c.first-1, fairlead.Position{})
			})
		}
	}
}

func some(l *changelog.Log, n, bytes int) {
	for range n {
		l.Add("large", []byte(strings.Repeat("x", bytes)))
	}
}

func many(l *changelog.Log, n int) {
	for range n {
		l.Add("small", []byte{})
	}
}

// TestApplyCancelled holds that a cancelled call leaves a replica that goes on.
func TestApplyCancelled(t *testing.T) {
	r := open(t, t.TempDir())
	log := changelog.New("a")
	apply(t, r, log.Revise(docOne))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := *log
	next := log.Revise(docTwo)
	if err := r.Apply(ctx, "a", []fairlead.Change{next}); err == nil {
		t.Error("a cancelled call succeeded")
	}
	wantAt(t, r, &before)
	apply(t, r, next)
	wantAt(t, r, log)
}
