package ledger_test

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"testing"

	"fairlead"
	"fairlead/ledger"
)

func TestCharge(t *testing.T) {
	const r, s = fairlead.BookRevenue, fairlead.BookShortfall
	type entries = []fairlead.Entry
	for _, c := range []struct {
		balance, amount fairlead.USD
		want            entries
	}{
		{100, 30, entries{{Book: "a", Amount: -30}, {Book: r, Amount: 30}}},
		{30, 30, entries{{Book: "a", Amount: -30}, {Book: r, Amount: 30}}},
		{29, 30, entries{{Book: "a", Amount: -29}, {Book: r, Amount: 30}, {Book: s, Amount: -1}}},
		{0, 30, entries{{Book: r, Amount: 30}, {Book: s, Amount: -30}}},
		{0, math.MaxInt64, entries{{Book: r, Amount: math.MaxInt64}, {Book: s, Amount: -math.MaxInt64}}},
	} {
		got := ledger.Charge{Account: "a", Amount: c.amount}.Entries(c.balance)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d of %d: %+v, want %+v", c.amount, c.balance, got, c.want)
		}
		if err := (ledger.Books{"a": c.balance}).Post(got); err != nil {
			t.Errorf("%d of %d: %v", c.amount, c.balance, err)
		}
	}
}

func TestPost(t *testing.T) {
	const most = math.MaxInt64
	type entries = []fairlead.Entry
	for _, c := range []struct {
		name   string
		books  ledger.Books
		post   entries
		failed error // nil = it is posted
	}{
		{"a grant", ledger.Books{}, entries{{Book: "a", Amount: 5}, {Book: fairlead.BookExpense, Amount: -5}}, nil},
		{"to nothing", ledger.Books{"a": 5}, entries{{Book: "a", Amount: -5}, {Book: fairlead.BookRevenue, Amount: 5}}, nil},
		{"below nothing", ledger.Books{"a": 5}, entries{{Book: "a", Amount: -6}, {Book: fairlead.BookRevenue, Amount: 6}}, ledger.ErrBalance},
		{"too much in an account", ledger.Books{"a": most}, entries{{Book: "a", Amount: 1}, {Book: fairlead.BookCash, Amount: -1}}, ledger.ErrRange},
		{"too little in a book", ledger.Books{fairlead.BookCash: -most}, entries{{Book: "a", Amount: 1}, {Book: fairlead.BookCash, Amount: -1}}, ledger.ErrRange},
	} {
		before := ledger.Books{}
		for book, amount := range c.books {
			before[book] = amount
		}
		err := c.books.Post(c.post)
		if !errors.Is(err, c.failed) {
			t.Errorf("%s: %v, want %v", c.name, err, c.failed)
		}
		if c.failed != nil && !reflect.DeepEqual(c.books, before) {
			t.Errorf("%s is refused, and the books are %v", c.name, c.books)
		}
		if c.failed == nil && c.books["a"] != before["a"]+c.post[0].Amount {
			t.Errorf("%s: the books are %v", c.name, c.books)
		}
	}
	if (ledger.Books{}).Post(entries{{Book: "a", Amount: 5}, {Book: fairlead.BookCash, Amount: -4}}) == nil {
		t.Error("entries that do not add up to 0 are posted")
	}
}

// FuzzSum compares with arithmetic that has no bounds.
func FuzzSum(f *testing.F) {
	for _, n := range []int64{0, 1, -1, math.MaxInt64, math.MinInt64} {
		f.Add(n, int64(math.MaxInt64))
		f.Add(n, int64(math.MinInt64))
	}
	f.Fuzz(func(t *testing.T, a, b int64) {
		want := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		got, ok := ledger.Sum(fairlead.USD(a), fairlead.USD(b))
		if ok != want.IsInt64() || (ok && int64(got) != want.Int64()) {
			t.Errorf("%d + %d = %d, %v", a, b, got, ok)
		}
	})
}
