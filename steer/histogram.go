package steer

import (
	"encoding/json"
	"errors"
	"math"
	"math/bits"
	"time"
)

// Buckets is how many buckets a histogram of times has. They are the same everywhere, so that histograms of many
// edges can be added: 16 to an octave from 65 µs to 18 minutes, and 16 of 4 µs below; what is longer counts in the
// last. A value is known to 3.2 %, below 65 µs to 2 µs (the layout is that of HdrHistogram by G. Tene).
const Buckets = 16 * 25

const (
	bucketBits = 4  // 16 buckets to an octave
	bucketUnit = 12 // the least bucket is 2^12 ns wide
)

// BucketOf is the bucket of a time.
func BucketOf(d time.Duration) int {
	u := uint64(max(d, 0)) >> bucketUnit
	if u < 1<<bucketBits {
		return int(u)
	}
	octave := bits.Len64(u) - bucketBits - 1
	return min(octave<<bucketBits+int(u>>octave), Buckets-1)
}

// lower is the least time of a bucket; that of the one after it is its end.
func lower(bucket int) time.Duration {
	if bucket < 1<<bucketBits {
		return time.Duration(bucket) << bucketUnit
	}
	octave := bucket>>bucketBits - 1
	return time.Duration(1<<bucketBits+bucket&(1<<bucketBits-1)) << octave << bucketUnit
}

func middle(bucket int) time.Duration { return (lower(bucket) + lower(bucket+1)) / 2 }

// Bin is a bucket in which something was counted.
type Bin struct {
	Bucket int
	Count  int64
}

// Histogram is how many times were counted, by buckets in their order; none is empty. Its JSON is a flat list, of
// each bin the bucket's number and its count.
type Histogram []Bin

// Total is how many times were counted.
func (h Histogram) Total() (n int64) {
	for _, b := range h {
		n += b.Count
	}
	return n
}

// quantile is the middle of the bucket of the least time that a share q of all do not exceed; h is not empty.
func (h Histogram) quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q*float64(h.Total())-1e-9)) - 1 // by the nearest rank
	for _, b := range h {
		if rank -= b.Count; rank < 0 {
			return middle(b.Bucket)
		}
	}
	return middle(h[len(h)-1].Bucket)
}

// above is how many are surely not below a limit.
func (h Histogram) above(limit time.Duration) (n int64) {
	for i := len(h) - 1; i >= 0 && lower(h[i].Bucket) >= limit; i-- {
		n += h[i].Count
	}
	return n
}

// plus is the sum of two.
func (h Histogram) plus(o Histogram) Histogram {
	if len(o) == 0 {
		return h
	}
	sum := make(Histogram, 0, len(h)+len(o))
	for len(h) > 0 && len(o) > 0 {
		switch {
		case h[0].Bucket < o[0].Bucket:
			sum, h = append(sum, h[0]), h[1:]
		case h[0].Bucket > o[0].Bucket:
			sum, o = append(sum, o[0]), o[1:]
		default:
			sum = append(sum, Bin{h[0].Bucket, addCounts(h[0].Count, o[0].Count)})
			h, o = h[1:], o[1:]
		}
	}
	return append(append(sum, h...), o...)
}

// maxCount is the most that is counted of anything: sums of all buckets still fit.
const maxCount = 1 << 48

func addCounts(a, b int64) int64 { return min(a+b, maxCount) }

// MarshalJSON writes the flat list.
func (h Histogram) MarshalJSON() ([]byte, error) {
	flat := make([]int64, 0, 2*len(h))
	for _, b := range h {
		flat = append(flat, int64(b.Bucket), b.Count)
	}
	return json.Marshal(flat)
}

var errHistogram = errors.New("a histogram is a list of bucket, count, bucket, count, in the buckets' order")

// UnmarshalJSON reads it, and refuses what MarshalJSON does not write.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var flat []int64
	if err := json.Unmarshal(text, &flat); err != nil {
		return err
	}
	if len(flat)%2 != 0 || len(flat) > 2*Buckets {
		return errHistogram
	}
	list := make(Histogram, 0, len(flat)/2)
	for i := 0; i < len(flat); i += 2 {
		last := int64(-1)
		if i > 0 {
			last = flat[i-2]
		}
		if flat[i] <= last || flat[i] >= Buckets || flat[i+1] <= 0 || flat[i+1] > maxCount {
			return errHistogram
		}
		list = append(list, Bin{int(flat[i]), flat[i+1]})
	}
	*h = list
	return nil
}
