package steer

// Side reports whether an account, or a key where there are no accounts, is on the side of a trial that takes so many
// percent of them. It is the same on every node; another trial draws anew; and a share that grows keeps those that
// were in it.
//
// Where callers have no key, give the exchange's own id: then exchanges are drawn, not callers.
func Side(who, trial string, percent int) bool {
	if percent <= 0 {
		return false
	}
	return point(who, trial)>>32*100 < uint64(percent)<<32
}

// point is a hash of both: FNV-1a over the trial, a byte that no id has, and the account, and the finisher of
// MurmurHash3, for ids that differ in their last letter alone would lie close together.
func point(who, trial string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(trial) {
		h = (h ^ uint64(trial[i])) * prime
	}
	h = (h ^ 0xff) * prime
	for i := range len(who) {
		h = (h ^ uint64(who[i])) * prime
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
