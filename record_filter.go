package fairlead

import (
	"slices"
	"strings"
	"time"
)

// MaxRecords bounds what one question about records gives.
const MaxRecords = 1000

// RecordFilter says which records are asked for: those of exchanges that began at From or later and before Until, and that have
// all the other values which are not empty.
type RecordFilter struct {
	From, Until time.Time
	Node        string
	Nodes       []string // one of these; nil = any, and none where there is none in it
	Key         string
	Model       string // the configured name
	Endpoint    string // that was committed to
	Provider    string // that was asked, whether or not it answered
	Code        Code
	Kept        Kept
	// MinStatus and MaxStatus bound the status; 0 = not.
	MinStatus, MaxStatus int
	MinDuration          time.Duration
	Stream               *bool
	Tried                *bool // it went by a revision on trial, or it did not
	// Before is the last record of the page before, for the next one; nil = the newest are asked for.
	Before *StoredRecord
	Limit  int // 1 to MaxRecords
}

// Matches reports whether a record is one of those asked for, its time and place aside.
func (f *RecordFilter) Matches(r *StoredRecord) bool {
	return one(f.Node, r.Node) && one(f.Key, r.Key) && one(f.Model, r.Served) && one(f.Endpoint, r.Endpoint) &&
		one(f.Code, r.Code) && one(f.Kept, r.Kept) &&
		(f.Nodes == nil || slices.Contains(f.Nodes, r.Node)) &&
		(f.Provider == "" || slices.Contains(r.Providers(), f.Provider)) &&
		r.Status >= f.MinStatus && (f.MaxStatus == 0 || r.Status <= f.MaxStatus) &&
		r.Duration >= f.MinDuration.Microseconds() && (f.Stream == nil || *f.Stream == r.Stream) &&
		(f.Tried == nil || *f.Tried == (r.Trial != ""))
}

// one reports whether a value is the one that is wanted; "" wants any.
func one[T ~string](wanted, value T) bool { return wanted == "" || wanted == value }

// Providers lists those whose endpoints were asked, each once.
func (r *StoredRecord) Providers() (list []string) {
	add := func(endpoint string) {
		_, place, _ := strings.Cut(endpoint, "@")
		place, _, _ = strings.Cut(place, "~")
		if place != "" && !slices.Contains(list, place) {
			list = append(list, place)
		}
	}
	add(r.Endpoint)
	for i := range r.Attempts {
		add(r.Attempts[i].Endpoint)
	}
	return list
}
