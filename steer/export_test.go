package steer

import "time"

// Edges are the least time of a bucket and the one that it ends before.
func Edges(bucket int) (from, to time.Duration) { return lower(bucket), lower(bucket + 1) }

// Quantile is a histogram's.
func Quantile(h Histogram, q float64) time.Duration { return h.quantile(q) }

// Tail is the chance of k or more of n, for k above n*p.
func Tail(k, n int64, p float64) float64 { return tail(k, n, p) }

// SurelyAbove is what rates are judged by.
func SurelyAbove(k, n int64, p float64) bool { return surelyAbove(k, n, p) }

// UpperRate bounds a rate.
func UpperRate(k, n int64) float64 { return upperRate(k, n) }

// UpperQuantile bounds a quantile.
func UpperQuantile(h Histogram, q float64) (time.Duration, bool) { return upperQuantile(h, q) }
