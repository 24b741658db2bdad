package jsonscan

import "math"

// Int gives the value of a number that is integral and fits into an int64, however it is spelt: 5, 5.0 and
// 0.5e1 are all 5, for JSON has no integers of its own and clients write floats. Not ok for 5.5, for what
// is too large and for all other kinds. The reckoning is exact.
func (v Value) Int() (int64, bool) {
	if n, ok := shortInt(v); ok {
		return n, true
	}
	i := space(v, 0)
	if v.Kind() != KindNumber {
		return 0, false
	}
	negative := v[i] == '-'
	if negative {
		i++
	}
	mantissa, exponent, ok := decimal(v[i:])
	switch {
	case mantissa == 0 && ok:
		return 0, true
	case !ok || exponent < 0:
		return 0, false
	}
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	for ; exponent > 0; exponent-- {
		if mantissa > limit/10 {
			return 0, false
		}
		mantissa *= 10
	}
	switch {
	case mantissa > limit:
		return 0, false
	case negative:
		return int64(-mantissa), true
	}
	return int64(mantissa), true
}

// shortInt reads nothing but digits, so few that they fit: nearly all integers there are.
func shortInt(v Value) (n int64, ok bool) {
	for _, c := range v {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(v) > 0 && len(v) <= 18
}

// decimal reads a number without its sign as mantissa * 10^exponent with a mantissa that does not end in
// a zero; not ok where that has more digits than fit.
func decimal(text []byte) (mantissa uint64, exponent int64, ok bool) {
	var zeros, fraction int64 // zeros passed and not yet in the mantissa; digits after the point
	point := false
	i := 0
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '.' && !point:
			point = true
			continue
		case c-'0' > 9:
			return mantissa, exponentOf(text[i:]) + zeros - fraction, true
		}
		if point {
			fraction++
		}
		if c == '0' {
			if mantissa > 0 {
				zeros++
			}
			continue
		}
		for ; zeros >= 0; zeros-- {
			if mantissa > math.MaxUint64/10 {
				return 0, 0, false
			}
			mantissa *= 10
		}
		zeros = 0
		if mantissa += uint64(c - '0'); mantissa < uint64(c-'0') {
			return 0, 0, false
		}
	}
	return mantissa, zeros - fraction, true
}

// exponentOf reads e or E, a sign and digits. Past what any mantissa of a text in memory could make up
// for, the exponent stays where it is.
func exponentOf(text []byte) int64 {
	const most = 1 << 50
	if len(text) == 0 || text[0]|0x20 != 'e' {
		return 0
	}
	text = text[1:]
	negative := len(text) > 0 && text[0] == '-'
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	var n int64
	for _, c := range text {
		if c-'0' > 9 {
			break
		}
		if n = n*10 + int64(c-'0'); n > most {
			n = most
		}
	}
	if negative {
		return -n
	}
	return n
}

// isZero reports whether a number is zero: none of the digits before its exponent is another.
func isZero(v Value) bool {
	for _, c := range v {
		switch {
		case c|0x20 == 'e':
			return true
		case c-'1' <= 8:
			return false
		}
	}
	return true
}
