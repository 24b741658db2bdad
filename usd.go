package fairlead

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// USD is an amount of money in nano-dollars (1e-9 USD). Balances, charges and costs have this
// type; the range is about ±9.2 billion dollars.
type USD int64

// UnitPrice is the price of one unit (a token, a request) in pico-dollars (1e-12 USD). A
// configuration states prices in USD per million units, so "0.15" is a UnitPrice of 150,000.
type UnitPrice int64

// maxUnitPrice is 1,000 USD a unit, far above any real price: it keeps sums of products in 128 bits
// and catches prices that were given per token where per million was meant.
const maxUnitPrice = UnitPrice(1_000_000_000_000_000)

// ParseUnitPrice reads a price in USD per million units from a plain decimal string: digits with at
// most one point, no sign, no exponent, at most 6 decimals (a pico-dollar a unit).
func ParseUnitPrice(s string) (UnitPrice, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" || !digits(whole) || (strings.Contains(s, ".") && frac == "") || !digits(frac) {
		return 0, fmt.Errorf("price %q is not a plain decimal number such as \"0.15\" (USD per million)", s)
	}
	if len(frac) > 6 {
		return 0, fmt.Errorf("price %q has more than 6 decimals", s)
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 64)
	if err != nil || UnitPrice(v) > maxUnitPrice {
		return 0, fmt.Errorf("price %q is above 1,000 USD a unit", s)
	}
	return UnitPrice(v), nil
}

// maxAmount is the largest amount of money that a configuration may state, in whole dollars.
const maxAmount = 1_000_000

// ParseUSD reads an amount in USD from a plain decimal string: digits with at most one point, no sign, no
// exponent, at most 9 decimals (a nano-dollar), up to a million.
func ParseUSD(s string) (USD, error) {
	whole, frac, point := strings.Cut(s, ".")
	if whole == "" || !digits(whole) || (point && frac == "") || !digits(frac) {
		return 0, fmt.Errorf("amount %q is not a plain decimal number such as \"0.50\" (USD)", s)
	}
	if len(frac) > 9 {
		return 0, fmt.Errorf("amount %q has more than 9 decimals", s)
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 9-len(frac)), 10, 64)
	if err != nil || v > maxAmount*1e9 {
		return 0, fmt.Errorf("amount %q is above a million USD", s)
	}
	return USD(v), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// String gives the price as a configuration states it: USD per million units, without trailing zeros.
func (p UnitPrice) String() string { return decimal(int64(p), 1e6) }

// String gives the amount in dollars, without trailing zeros: "0.000123".
func (u USD) String() string { return decimal(int64(u), 1e9) }

// decimal spells v / unit; unit is a power of ten.
func decimal(v int64, unit uint64) string {
	var room [32]byte
	b, n := room[:0], uint64(v)
	if v < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendUint(b, n/unit, 10)
	rest := n % unit
	if rest > 0 {
		b = append(b, '.')
	}
	for rest > 0 {
		unit /= 10
		b = append(b, '0'+byte(rest/unit))
		rest %= unit
	}
	return string(b)
}

// ErrMoneyRange reports a cost that does not fit USD.
var ErrMoneyRange = errors.New("amount of money out of range")

// Total adds units times prices exactly and rounds once, half up, to whole nano-dollars. Counts
// below 0 are taken as 0.
func Total(lines ...PriceLine) (USD, error) {
	var hi, lo uint64 // pico-dollars, 128 bits
	for _, l := range lines {
		if l.Units <= 0 || l.Price <= 0 {
			continue
		}
		h, p := bits.Mul64(uint64(l.Units), uint64(l.Price))
		var carry uint64
		lo, carry = bits.Add64(lo, p, 0)
		hi, carry = bits.Add64(hi, h, carry)
		if carry != 0 {
			return 0, ErrMoneyRange
		}
	}
	lo, carry := bits.Add64(lo, 500, 0)
	hi, _ = bits.Add64(hi, 0, carry)
	if hi >= 1000 {
		return 0, ErrMoneyRange
	}
	nano, _ := bits.Div64(hi, lo, 1000)
	if nano > 1<<63-1 {
		return 0, ErrMoneyRange
	}
	return USD(nano), nil
}

// PriceLine is one term of a total: so many units at a price.
type PriceLine struct {
	Units int64
	Price UnitPrice
}
