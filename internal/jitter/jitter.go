// Package jitter spreads what many would do at once.
package jitter

import (
	"math/rand/v2"
	"time"
)

// About is a time up to a quarter shorter or longer than d.
func About(d time.Duration) time.Duration { return At(d, rand.Float64()) }

// At is About for somebody whose luck, from 0 to 1, is known.
func At(d time.Duration, luck float64) time.Duration {
	return d*3/4 + time.Duration(luck*float64(d)/2)
}
