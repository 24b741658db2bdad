package fairlead

import (
	"slices"
	"strings"
	"time"
)

// PostingKind says what a posting is for.
type PostingKind string

// The kinds of postings.
const (
	PostGrant      PostingKind = "grant"      // credit that the operator gives
	PostTopUp      PostingKind = "topup"      // credit that was paid for
	PostAdjustment PostingKind = "adjustment" // a correction, up or down
	PostRefund     PostingKind = "refund"     // of what was charged; below 0 it takes one back
	PostCharge     PostingKind = "charge"     // what the exchanges of one frame pay
)

// The operator's books. All others are those of accounts, and have their ids.
const (
	BookCash      = "operator:cash"      // what was paid for credit, below 0
	BookRevenue   = "operator:revenue"   // what exchanges were charged
	BookShortfall = "operator:shortfall" // what of that no account could pay, below 0
	BookExpense   = "operator:expense"   // credit that was given, below 0
)

// OperatorBooks are the operator's books, in order.
var OperatorBooks = []string{BookCash, BookExpense, BookRevenue, BookShortfall}

// Entry is one side of a posting: what it adds to a book.
type Entry struct {
	Book   string `json:"book"`
	Amount USD    `json:"amount"` // in nano-dollars, never 0
}

// Posting is a movement of money between books. It is never changed: another one corrects it.
type Posting struct {
	ID        int64       `json:"id"` // dense, from 1
	At        time.Time   `json:"at"` // UTC, whole microseconds
	Kind      PostingKind `json:"kind"`
	Account   string      `json:"account"`
	Reference string      `json:"reference,omitempty"` // there is one of an account and a kind; of a charge its frame (FrameKey.Reference)
	Why       string      `json:"why,omitempty"`
	By        string      `json:"by,omitempty"`
	Entries   []Entry     `json:"entries"` // in the order of their books; their sum is 0
	Hash      Hash        `json:"hash"`
}

// Chain is the hash of the posting behind another one with the hash before: of everything that it says.
func (p *Posting) Chain(before Hash) Hash {
	numbers := []int64{p.ID, p.At.UnixMicro()}
	parts := [][]byte{[]byte(p.Kind), []byte(p.Account), []byte(p.Reference), []byte(p.Why), []byte(p.By)}
	for _, e := range p.Entries {
		numbers, parts = append(numbers, int64(e.Amount)), append(parts, []byte(e.Book))
	}
	return chain(before, numbers, parts...)
}

// Of is what the posting adds to a book.
func (p *Posting) Of(book string) (amount USD) {
	for _, e := range p.Entries {
		if e.Book == book {
			amount += e.Amount
		}
	}
	return amount
}

// Move is a posting that an operator asks for: Amount is what it adds to the account.
type Move struct {
	Kind      PostingKind
	Account   string
	Amount    USD
	Reference string // the same move with the same reference is made once; "" = it is made each time
}

const (
	maxAccountID = 64
	maxReference = 200
	// MaxMove bounds an amount that is posted at once, either way: a billion dollars.
	MaxMove = USD(1_000_000_000_000_000_000)
)

// Validate says why a move cannot be made, whatever the account has: grants and top-ups are above 0, adjustments and refunds are
// not 0 and have a reason.
func (m *Move) Validate(why string) error {
	if err := ValidAccountID(m.Account); err != nil {
		return err
	}
	if len(m.Reference) > maxReference || Unseen(m.Reference) {
		return Errorf(CodeInvalidRequest, "a reference has at most 200 printable characters")
	}
	if m.Amount > MaxMove || m.Amount < -MaxMove {
		return Errorf(CodeInvalidRequest, "an amount is a billion dollars at most")
	}
	switch m.Kind {
	case PostGrant, PostTopUp:
		if m.Amount <= 0 {
			return Errorf(CodeInvalidRequest, "the amount of a grant or a top-up is above 0")
		}
	case PostAdjustment, PostRefund:
		if m.Amount == 0 || strings.TrimSpace(why) == "" {
			return Errorf(CodeInvalidRequest, "an adjustment or a refund has an amount that is not 0, and a reason")
		}
	default:
		return Errorf(CodeInvalidRequest, "what is posted is a grant, topup, adjustment or refund")
	}
	return nil
}

// ValidAccountID says why a text cannot be the id of an account: it has 1 to 64 letters of ASCII, digits, '-', '_' and '.'. So none is
// the name of an operator's book.
func ValidAccountID(id string) error {
	ok := id != "" && len(id) <= maxAccountID && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
	if !ok {
		return Errorf(CodeInvalidRequest, "an account's id has 1 to 64 letters, digits, '-', '_' and '.'")
	}
	return nil
}

// OperatorBook reports whether a book is one of the operator's.
func OperatorBook(book string) bool { return slices.Contains(OperatorBooks, book) }

// LedgerCheck is what a walk over the ledger has found.
type LedgerCheck struct {
	Postings int64    `json:"postings"`
	Accounts int64    `json:"accounts"`         // with a balance
	Frames   int64    `json:"frames,omitempty"` // recomputed
	Older    int64    `json:"older,omitempty"`  // frames from before there was a ledger, which it does not have
	Lines    int64    `json:"lines,omitempty"`  // of charges, in these frames
	Unread   int64    `json:"unread,omitempty"` // lines that cannot be read, and are not charged
	Foreign  int64    `json:"foreign,omitempty"`
	Faults   []string `json:"faults"` // the first 100 differences; empty where there is none
}
