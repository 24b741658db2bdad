package spool

import "log/slog"

// trouble is what is told once when it begins and once when it is over, however many lines it costs.
type trouble struct {
	now    string // "" = none
	lines  int64  // refused since it began
	untold bool   // its begin, or its end
	healed int64  // lines that the trouble before cost, to be told
}

// begin notes a refused line and reports whether there is something new to tell.
func (t *trouble) begin(err error) bool {
	t.lines++
	if t.now != "" {
		return false
	}
	t.now, t.untold = err.Error(), true
	return true
}

// over notes a line that was written and reports whether there is something new to tell.
func (t *trouble) over() bool {
	if t.now == "" {
		return false
	}
	t.healed += t.lines
	t.now, t.lines, t.untold = "", 0, true
	return true
}

// tell says what is new.
func (s *Spool) tell() {
	s.mu.Lock()
	now, healed, untold := s.trouble.now, s.trouble.healed, s.trouble.untold
	s.trouble.untold = false
	if now == "" {
		s.trouble.healed = 0
	}
	s.mu.Unlock()
	switch {
	case !untold:
	case now != "":
		s.Log.Error("charge lines cannot be written; exchanges go on without", "error", now)
	default:
		s.Log.Warn("charge lines can be written again", slog.Int64("lines_lost", healed))
	}
}
