package replica_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"testing"
	"time"

	"fairlead"
	"fairlead/replica"
	"fairlead/test/changelog"
)

// played is a log of all kinds of changes, the same in every process, and what it comes to: the change n is of
// kind n modulo 5.
type played struct {
	*changelog.Log
	keys    map[fairlead.KeyHash]fairlead.Key
	secrets map[string]fairlead.SealedSecret
}

func newPlayed() *played {
	return &played{changelog.New("a"), map[fairlead.KeyHash]fairlead.Key{}, map[string]fairlead.SealedSecret{}}
}

func (p *played) next() fairlead.Change {
	n := int(p.At.Number) + 1
	set := func(i int, revoked bool) fairlead.Change {
		var list []fairlead.Key
		for j := i * 8; j < i*8+8; j++ {
			k := fairlead.Key{ID: fmt.Sprintf("key_%d", j), Name: "n", Hash: nthHash(j), Created: start}
			if revoked {
				k.Revoked = start.Add(time.Hour)
			}
			list = append(list, k)
			if p.keys[k.Hash].Revoked.IsZero() { // what is revoked stays so
				p.keys[k.Hash] = k
			}
		}
		return p.Keys(list...)
	}
	switch n % 5 {
	case 0:
		return set(n/5, false)
	case 1:
		return p.Revise(fmt.Sprintf(`{"version":1,"models":{"m%d":{"x":"%0200d"}}}`, n%7, n))
	case 2:
		return p.Step(map[string]int{"a/b@p": n})
	case 3:
		name := fmt.Sprintf("s%d", n%3)
		c := p.Secret(name, int64(n), fmt.Sprintf("value %d", n))
		p.secrets[name] = fairlead.SealedSecret{Name: name, Version: int64(n), Sealed: fmt.Appendf(nil, "value %d", n)}
		return c
	}
	return set(n/10, n%2 == 0)
}

// followForever follows the log: by changes one at a time and in batches, and by whole copies. It tells each
// number that it has.
func followForever(dir string) error {
	ctx := context.Background()
	r, err := replica.Open(ctx, dir)
	if err != nil {
		return err
	}
	p := newPlayed()
	at, err := r.Position(ctx)
	if err != nil {
		return err
	}
	for p.At.Number < at.Number {
		p.next()
	}
	for {
		from := p.At
		for range 1 + rand.IntN(8) {
			p.next()
		}
		if rand.IntN(3) == 0 {
			err = p.copyTo(ctx, r, from)
		} else {
			err = r.Apply(ctx, "a", p.Made[from.Number:])
		}
		if err != nil {
			return err
		}
		fmt.Println(p.At.Number)
	}
}

// copyTo brings a replica to the log's end by a copy that began at a position.
func (p *played) copyTo(ctx context.Context, r *replica.Replica, from fairlead.Position) error {
	c, err := r.BeginCopy(ctx, from)
	if err != nil {
		return err
	}
	var page []fairlead.Key
	for _, k := range p.keys {
		if page = append(page, k); len(page) == 50 {
			err = errors.Join(err, c.Keys(ctx, page))
			page = page[:0]
		}
	}
	var secrets []fairlead.SealedSecret
	for _, s := range p.secrets {
		secrets = append(secrets, s)
	}
	return errors.Join(err, c.Keys(ctx, page), c.Rest(ctx, p.State, secrets), c.Apply(ctx, p.Made[from.Number:]), c.Commit(ctx, "a"))
}

// TestKilled kills a process that follows a log, at any point, again and again: what it had told is there, and
// what is there is one moment of the log, whole.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	copies := 0
	for round := range 10 {
		told := killed(t, dir)
		r := open(t, dir)
		p := newPlayed()
		at, err := r.Position(t.Context())
		check(t, err)
		if at.Number < told {
			t.Fatalf("round %d: it had told change %d, and is at %d", round, told, at.Number)
		}
		for p.At.Number < at.Number {
			p.next()
		}
		wantAt(t, r, p.Log)
		for _, k := range p.keys {
			if got, found, err := r.Key(t.Context(), k.Hash); err != nil || !found || !reflect.DeepEqual(*got, k) {
				t.Fatalf("round %d, at %d: got %+v, %v, %v; want %+v", round, at.Number, got, found, err, k)
			}
		}
		secrets := map[string]fairlead.SealedSecret{}
		list, err := r.Secrets(t.Context())
		check(t, err)
		for _, s := range list {
			s.At = time.Time{}
			secrets[s.Name] = s
		}
		if !reflect.DeepEqual(secrets, p.secrets) {
			t.Errorf("round %d, at %d: secrets %+v, want %+v", round, at.Number, secrets, p.secrets)
		}
		since, err := r.Since(t.Context(), 0)
		check(t, err)
		if len(since) > 0 && since[0].Kind == "" { // where a copy began
			since = since[1:]
		}
		if n := len(since); n > 0 && !reflect.DeepEqual(since, p.Made[len(p.Made)-n:]) {
			t.Errorf("round %d, at %d: remembers other changes than the last ones", round, at.Number)
		} else if int64(n) < at.Number {
			copies++
		}
		check(t, r.Close())
		if t.Failed() {
			t.FailNow()
		}
	}
	if copies == 0 {
		t.Error("no copy was met")
	}
}

// killed runs a process on the folder, kills it at a random point, and gives the last change that it told.
func killed(t *testing.T, dir string) (told int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=follow", childFolder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	left := 1 + rand.IntN(12)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		told, err = strconv.ParseInt(lines.Text(), 10, 64)
		check(t, err)
		if left--; left == 0 {
			wait := time.NewTimer(time.Duration(rand.IntN(20_000)) * time.Microsecond) // into the next writes
			go func() {
				<-wait.C
				_ = cmd.Process.Kill()
			}()
		}
	}
	if err := cmd.Wait(); err == nil || left > 0 {
		t.Fatalf("the process ended by itself: %v", err)
	}
	return told
}
