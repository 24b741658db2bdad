package fairlead

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// TokenBytes is how many bytes of text a token of a model takes, in thousandths of a byte. The zero value is one that was not
// stated, which counts as BytesPerToken. A configuration states a decimal number from 0.5 to 16 with at most 3 decimals.
type TokenBytes int64

const (
	leastTokenBytes = TokenBytes(500)
	mostTokenBytes  = TokenBytes(16_000)
)

// UnmarshalText reads a plain decimal number: digits with at most one point.
func (t *TokenBytes) UnmarshalText(text []byte) error {
	whole, frac, point := strings.Cut(string(text), ".")
	if whole == "" || !digits(whole) || (point && frac == "") || !digits(frac) || len(frac) > 3 {
		return fmt.Errorf("%q is not a number of bytes such as 3.5", text)
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 3-len(frac)), 10, 64)
	if err != nil || TokenBytes(v) < leastTokenBytes || TokenBytes(v) > mostTokenBytes {
		return fmt.Errorf("%q is not 0.5 to 16 bytes", text)
	}
	*t = TokenBytes(v)
	return nil
}

// MarshalText writes the number without zeros that say nothing.
func (t TokenBytes) MarshalText() ([]byte, error) { return []byte(decimal(int64(t), 1000)), nil }

// Tokens counts the tokens that so many bytes of text are, rounded up. Below 0 there are none.
func (t TokenBytes) Tokens(n int64) int64 {
	if n <= 0 {
		return 0
	}
	if t <= 0 {
		t = BytesPerToken * 1000
	}
	hi, lo := bits.Mul64(uint64(n), 1000)
	lo, carry := bits.Add64(lo, uint64(t)-1, 0)
	hi += carry
	if hi >= uint64(t) {
		return 1<<63 - 1
	}
	tokens, _ := bits.Div64(hi, lo, uint64(t))
	return int64(min(tokens, 1<<63-1))
}
