package health

// tally counts in half units, so that a light failure is 1 where a hard one is 2.
type tally struct{ n, hard, soft uint32 }

func (t *tally) add(o tally) { t.n, t.hard, t.soft = t.n+o.n, t.hard+o.hard, t.soft+o.soft }

func (t *tally) drop(o tally) { t.n, t.hard, t.soft = t.n-o.n, t.hard-o.hard, t.soft-o.soft }

const windowCells = 12

// window counts what happened in the last `cells` cells of `width` nanoseconds each: the one under way
// and those before it, so that it looks back between cells-1 and cells of them.
type window struct {
	width int64
	cells int64 // at most windowCells
	head  int64 // number of the cell under way
	cell  [windowCells]tally
	sum   tally
}

// roll forgets what is too old. Time does not run backwards in it.
func (w *window) roll(now int64) {
	head := now / w.width
	if head <= w.head {
		return
	}
	for range min(head-w.head, w.cells) {
		w.head++
		old := &w.cell[w.head%w.cells]
		w.sum.drop(*old)
		*old = tally{}
	}
	w.head = head
}

func (w *window) add(t tally, now int64) {
	w.roll(now)
	w.cell[w.head%w.cells].add(t)
	w.sum.add(t)
}

func (w *window) clear() { w.cell, w.sum = [windowCells]tally{}, tally{} }
