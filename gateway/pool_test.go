//go:build !race

package gateway_test

// poolLosses is what the race detector costs in allocations, where there is one.
const poolLosses = 0
