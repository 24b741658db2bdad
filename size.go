package fairlead

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size. Configurations write it as a number with an optional unit: 500, 64KiB, 32MiB, 1GiB
// (powers of 1024) or KB, MB, GB (powers of 1000).
type Bytes int64

var byteUnits = []struct {
	suffix string
	factor int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"B", 1},
}

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, factor := strings.TrimSpace(string(text)), int64(1)
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			s, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is not a size such as 32MiB", text)
	}
	*b = Bytes(n * factor)
	return nil
}

// String gives the size with the largest binary unit that divides it.
func (b Bytes) String() string {
	for i := 2; i >= 0; i-- {
		if u := byteUnits[i]; int64(b) >= u.factor && int64(b)%u.factor == 0 {
			return strconv.FormatInt(int64(b)/u.factor, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// MarshalText writes the size as String does.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Duration is a time span that configurations write as Go does: 250ms, 15s, 10m; or in days: 7d.
type Duration time.Duration

// UnmarshalText reads a duration of 0 or more.
func (d *Duration) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			*d = Duration(n) * Duration(24*time.Hour)
			return nil
		}
	}
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration such as 15s", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Auto is a Duration that fairlead chooses by itself.
const Auto Duration = -1

// AutoDuration is a Duration that may also be the word "auto".
type AutoDuration Duration

// UnmarshalText reads a duration or "auto".
func (d *AutoDuration) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*d = AutoDuration(Auto)
		return nil
	}
	return (*Duration)(d).UnmarshalText(text)
}

// MarshalText writes the duration or "auto".
func (d AutoDuration) MarshalText() ([]byte, error) {
	if Duration(d) == Auto {
		return []byte("auto"), nil
	}
	return Duration(d).MarshalText()
}
