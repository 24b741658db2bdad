package ledger

import (
	"fmt"
	"math"

	"fairlead"
)

// Books are balances, in nano-dollars, as far as they are needed; none is 0.
type Books map[string]fairlead.USD

// ErrRange says that a book would hold more than fits.
var ErrRange = fairlead.Errorf(fairlead.CodeConflict, "a book of the ledger would hold more than 9.2 billion dollars")

// ErrBalance says that an account would hold less than nothing.
var ErrBalance = fairlead.Errorf(fairlead.CodeConflict, "the account's balance would fall below 0")

// Sum adds two amounts; not ok where that is out of range.
func Sum(a, b fairlead.USD) (sum fairlead.USD, ok bool) {
	if (b > 0 && a > math.MaxInt64-b) || (b < 0 && a < math.MinInt64-b) {
		return 0, false
	}
	return a + b, true
}

// Contra gives the operator's book that the other side of an operator's move stands in.
func Contra(kind fairlead.PostingKind) string {
	switch kind {
	case fairlead.PostTopUp:
		return fairlead.BookCash
	case fairlead.PostGrant:
		return fairlead.BookExpense
	}
	return fairlead.BookRevenue // what was charged, given back
}

// Move gives the entries of an operator's move, which Validate has passed.
func Move(m *fairlead.Move) []fairlead.Entry {
	return []fairlead.Entry{{Book: m.Account, Amount: m.Amount}, {Book: Contra(m.Kind), Amount: -m.Amount}}
}

// Entries gives the entries of a charge against a balance: the account pays what it has, and the operator's shortfall the rest.
func (c Charge) Entries(balance fairlead.USD) []fairlead.Entry {
	paid := max(0, min(balance, c.Amount))
	list := make([]fairlead.Entry, 0, 3)
	if paid > 0 {
		list = append(list, fairlead.Entry{Book: c.Account, Amount: -paid})
	}
	list = append(list, fairlead.Entry{Book: fairlead.BookRevenue, Amount: c.Amount})
	if paid < c.Amount {
		list = append(list, fairlead.Entry{Book: fairlead.BookShortfall, Amount: paid - c.Amount})
	}
	return list
}

// Post adds entries to the books, all of them or none: where their sum is not 0 it is a defect, where one does not fit ErrRange, and
// where an account would fall below 0 ErrBalance. No book stands in entries twice.
func (b Books) Post(entries []fairlead.Entry) error {
	var total fairlead.USD
	sums := make([]fairlead.USD, len(entries))
	for i, e := range entries {
		var ok, whole bool
		sums[i], ok = Sum(b[e.Book], e.Amount)
		total, whole = Sum(total, e.Amount)
		switch {
		case !ok || !whole || sums[i] == math.MinInt64:
			return ErrRange
		case sums[i] < 0 && !fairlead.OperatorBook(e.Book):
			return ErrBalance
		}
	}
	if total != 0 {
		return fmt.Errorf("post entries: they add up to %s instead of 0", total)
	}
	for i, e := range entries {
		b[e.Book] = sums[i]
	}
	return nil
}
