//go:build linux

package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"fairlead"
	"fairlead/client"
)

// TestKilled kills and pauses what a fleet is made of, one after the other. Callers notice nothing but at an edge that is gone.
func TestKilled(t *testing.T) {
	f := begin(t)
	for i, n := range f.controls {
		f.scene("control node "+n.name+" is killed", func(t *testing.T) {
			n.kill()
			other := f.controls[(i+1)%3]
			f.weigh(other, 20+i)
			n.start()
			f.weigh(n, 30+i)
		})
	}
	for _, n := range f.edges {
		f.scene("edge "+n.name+" is killed", func(t *testing.T) {
			n.kill()
			f.weigh(f.controls[0], 40+int(n.name[1]-'0'))
			n.start()
		})
	}
	f.scene("PostgreSQL is killed", func(t *testing.T) {
		check(t, server.Kill())
		f.refused(f.controls[0])
		check(t, server.Start())
		f.accepts(f.controls[1])
		f.weigh(f.controls[2], 50)
	})
	f.scene("PostgreSQL hangs", func(t *testing.T) {
		f.hang(t)
		f.accepts(f.controls[1])
		f.weigh(f.controls[2], 52)
	})
	f.scene("all control nodes are killed at once, and their buses with them", func(t *testing.T) {
		for _, n := range f.controls {
			n.kill()
		}
		for _, n := range f.edges { // with nobody to ask
			f.answers(n)
		}
		for _, n := range f.controls {
			n.launch()
		}
		for _, n := range f.controls {
			n.ready()
		}
		f.weigh(f.controls[1], 51)
	})
	for _, n := range f.controls {
		f.scene("control node "+n.name+" hangs", func(t *testing.T) {
			n.pause()
			for _, other := range f.controls {
				if other != n {
					f.weigh(other, 60)
					f.weigh(other, 61)
				}
			}
			n.goOn()
			f.weigh(n, 62)
		})
	}
	f.scene("an edge hangs", func(t *testing.T) {
		n := f.node("e2")
		n.pause()
		f.weigh(f.controls[0], 70)
		n.goOn()
	})
}

// hang stops PostgreSQL where it is for a while. What is written then is refused or comes late, searches are given up or not let
// in, however many ask, and edges serve as before.
func (f *fleet) hang(t *testing.T) {
	t.Helper()
	ids := []int{server.PID()} // first, so that it starts no other
	check(t, syscall.Kill(ids[0], syscall.SIGSTOP))
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", ids[0]))
	check(t, err)
	for field := range strings.FieldsSeq(string(list)) {
		id, err := strconv.Atoi(field)
		check(t, err)
		check(t, syscall.Kill(id, syscall.SIGSTOP))
		ids = append(ids, id)
	}
	goOn := sync.OnceFunc(func() {
		for _, id := range ids {
			_ = syscall.Kill(id, syscall.SIGCONT) // one may have ended
		}
	})
	defer goOn()
	late := make(chan error, 1)
	go func() {
		_, err := f.controls[0].api().SetWeight(f.root.Context(), left, 51, write)
		late <- err
	}()
	var searches sync.WaitGroup
	for i := range 12 {
		searches.Go(func() {
			_, err := f.controls[i%3].api().Records(context.WithoutCancel(t.Context()), client.RecordFilter{}, 10)
			if code := fairlead.AsError(err).Code; code != fairlead.CodeControlUnavailable && code != fairlead.CodeRateLimited {
				t.Errorf("a search of a database that hangs ends with %v", err)
			}
		})
	}
	for _, n := range f.edges {
		f.traffic.more(n, 20)
	}
	searches.Wait()
	goOn()
	var e *fairlead.Error
	if err := <-late; err != nil && (!errors.As(err, &e) || e.Code != fairlead.CodeControlUnavailable) {
		t.Errorf("a write to a database that hangs ends with %v", err)
	}
}
