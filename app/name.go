package app

import (
	"context"
	"sync"
	"time"
)

// nameLooks is how many looks in a row must find this node's name held by another before it is said, one look a second: twice the
// time after which the database ends the session of a former life of this node whose machine was lost.
const nameLooks = 10

// nameHint is what to do about two control nodes with one name.
const nameHint = "stop one of the two, or start one with another --name"

// nameTask is what the one control node of a name leads.
func nameTask(name string) string { return "control node " + name }

// holdName holds this node's name among the control nodes that share its database. The cluster takes one server of a name: a
// second one would take writes that no other node hears of but by asking, so that it tells of it.
func (a *App) holdName(ctx context.Context) {
	for ctx.Err() == nil {
		waiting, held := context.WithCancel(ctx)
		var group sync.WaitGroup
		group.Go(func() { a.lookForName(waiting) })
		looked := func() {
			held()
			group.Wait()
		}
		// An error says that the lead was lost, as when the database is away; it is waited for again.
		_ = a.store.Lead(ctx, nameTask(a.Name), func(leading context.Context) error {
			looked()
			if a.nameTaken.Swap(false) {
				a.Log.Info("no other control node has this node's name any more", "name", a.Name)
			}
			a.nameHeld.Store(true)
			<-leading.Done()
			a.nameHeld.Store(false)
			return leading.Err()
		})
		looked()
	}
}

// lookForName tells of another node with this one's name, until ctx ends. That the name cannot be had says nothing while nobody holds
// it, or the database does not answer.
func (a *App) lookForName(ctx context.Context) {
	each := a.beat
	if each == 0 {
		each = time.Second
	}
	for found := 0; sleep(ctx, each); {
		if led, err := a.store.Led(ctx, nameTask(a.Name)); err != nil || !led {
			found = 0
			continue
		}
		if found++; found == nameLooks && !a.nameTaken.Swap(true) {
			a.Log.Error("another control node with this node's name runs on the same database; the cluster takes one of the two only, and the "+
				"other one's changes are late at edges", "name", a.Name, "hint", nameHint)
		}
	}
}
