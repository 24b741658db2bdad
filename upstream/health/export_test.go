package health

import "time"

// ProbeBegins asks a breaker alone, without its lane.
func ProbeBegins(b *Breaker, now time.Time) bool { return b.probeBegins(b.at(now)) }
