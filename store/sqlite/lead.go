package sqlite

import (
	"context"
	"sync"
)

// leads lets one caller at a time lead a task. One process has the file, so that a lock in it does.
type leads struct {
	mu    sync.Mutex
	tasks map[string]chan struct{}
}

func newLeads() *leads { return &leads{tasks: map[string]chan struct{}{}} }

// lead is store.Store.Lead. A lead in the same process cannot be lost.
func (l *leads) lead(ctx context.Context, task string, f func(context.Context) error) error {
	turn := l.turn(task)
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-turn }()
	if err := ctx.Err(); err != nil {
		return err
	}
	return f(ctx)
}

// led is store.Store.Led.
func (l *leads) led(_ context.Context, task string) (bool, error) { return len(l.turn(task)) > 0, nil }

func (l *leads) turn(task string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tasks[task] == nil {
		l.tasks[task] = make(chan struct{}, 1)
	}
	return l.tasks[task]
}
