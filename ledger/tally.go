// Package ledger is the arithmetic of credit: what the lines of a frame charge and add up to, and what a charge or a move
// does to the books. It is pure; the store keeps what it says (docs/adr/0030-the-ledger-in-sql.md).
package ledger

import (
	"bytes"
	"cmp"
	"slices"

	"fairlead"
)

// Tally is what a frame says of money and usage.
type Tally struct {
	Charges []Charge            // one for each account that pays, in their order
	Usage   []fairlead.UsageRow // in the order of Compare
	Lines   int64               // charge lines that are in Usage
	Unread  int64               // lines that cannot be read: nothing is charged for them
	Foreign int64               // charge lines of another node's exchanges: likewise
}

// Charge is what the exchanges of an account pay: above 0.
type Charge struct {
	Account string
	Amount  fairlead.USD // in nano-dollars
}

// pieceLines is how many lines are read before a rest.
const pieceLines = 256

// Read tallies a frame. It calls rest, where there is one, between pieces of half a millisecond or so.
func Read(f *fairlead.Frame, rest func()) *Tally {
	t := &Tally{}
	r := reader{tag: fairlead.TagOf(f.Node), names: map[string]string{}}
	n := 0
	for text := range bytes.Lines(f.Lines) {
		if n++; n%pieceLines == 0 && rest != nil {
			rest()
		}
		l, v := r.read(bytes.TrimSuffix(text, []byte("\n")))
		switch v {
		case unread:
			t.Unread++
		case foreign:
			t.Foreign++
		case charge:
			t.Lines++
			t.Usage = append(t.Usage, l.row)
		}
	}
	t.Usage = Fold(t.Usage)
	t.charges()
	return t
}

// charges adds up what each account pays. A frame has so few bytes that the sums stay in range.
func (t *Tally) charges() {
	sums := map[string]fairlead.USD{}
	for i := range t.Usage {
		if u := &t.Usage[i]; u.Account != "" && u.Charge > 0 {
			sums[u.Account] += u.Charge
		}
	}
	for account, amount := range sums {
		t.Charges = append(t.Charges, Charge{account, amount})
	}
	slices.SortFunc(t.Charges, func(a, b Charge) int { return cmp.Compare(a.Account, b.Account) })
}

// Compare orders rows of usage by what names them.
func Compare(a, b *fairlead.UsageRow) int {
	return cmp.Or(
		cmp.Compare(a.Minute, b.Minute), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Team, b.Team),
		cmp.Compare(a.Key, b.Key), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Endpoint, b.Endpoint))
}

// Fold sorts rows, and makes one of those of one name. It keeps the memory of rows.
func Fold(rows []fairlead.UsageRow) []fairlead.UsageRow {
	slices.SortFunc(rows, func(a, b fairlead.UsageRow) int { return Compare(&a, &b) })
	n := 0
	for i := range rows {
		if n > 0 && Compare(&rows[n-1], &rows[i]) == 0 {
			Add(&rows[n-1].UsageSum, &rows[i].UsageSum)
			continue
		}
		rows[n] = rows[i]
		n++
	}
	return rows[:n]
}

// Add adds to a sum. Of what one frame has, and of a million frames, the sums stay in range.
func Add(to, more *fairlead.UsageSum) {
	to.Exchanges += more.Exchanges
	to.Failures += more.Failures
	to.Estimated += more.Estimated
	to.Input += more.Input
	to.CacheRead += more.CacheRead
	to.CacheWrite += more.CacheWrite
	to.Output += more.Output
	to.Reasoning += more.Reasoning
	to.Cost += more.Cost
	to.Charge += more.Charge
}
