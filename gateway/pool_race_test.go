//go:build race

package gateway_test

// poolLosses is what the race detector costs in allocations: under it a sync.Pool drops values at random.
const poolLosses = 20
