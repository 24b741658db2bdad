package ledger

import (
	"bytes"

	"fairlead"
	"fairlead/internal/jsonscan"
)

const (
	// maxTokens and maxMoney bound what one exchange can have used, far above what any does: a sum over a minute stays in range.
	maxTokens = 1 << 40
	maxMoney  = 10_000 * 1_000_000_000 // nano-dollars
	maxName   = 400                    // bytes of a model's or an endpoint's name
	maxNames  = 32                     // members of a line
)

// line is a charge line, as far as the ledger goes.
type line struct {
	id  string
	row fairlead.UsageRow
}

// verdict says what a line is to the ledger.
type verdict uint8

const (
	passed  verdict = iota // it is no charge, as its kind says
	charge                 // it is one
	unread                 // it cannot be read, or says what no edge writes
	foreign                // it is of another node's exchange
)

// reader reads lines one after the other, with the memory of the one before.
type reader struct {
	tag    fairlead.Tag // of the node whose lines these are
	object jsonscan.Object
	bad    bool              // a member of the line at hand is none
	names  map[string]string // that were read: lines of a frame have few between them
	text   []byte
}

// read reads a line without its newline. What has other members than a charge line has is taken all the same.
func (r *reader) read(text []byte) (l line, v verdict) {
	if r.object.ScanUpTo(text, maxNames) != nil {
		return l, unread
	}
	kind, _ := r.object.Get("kind")
	switch name, ok := kind.Text(); {
	case !ok:
		return l, unread
	case name != string(fairlead.LineCharge):
		return l, passed
	}
	r.bad = false
	failed := false
	for i := range r.object.Members {
		m := &r.object.Members[i]
		r.member(&l, &failed, string(m.Name), r.object.Value(m))
	}
	at, tag, ok := fairlead.ParseID(l.id)
	if r.bad || !ok || (l.row.Account != "" && fairlead.ValidAccountID(l.row.Account) != nil) {
		return l, unread
	}
	if tag != r.tag {
		return l, foreign
	}
	l.row.Minute, l.row.Exchanges = at.UnixMilli()/60_000, 1
	if failed {
		l.row.Failures = 1
	}
	return l, charge
}

func (r *reader) member(l *line, failed *bool, name string, v jsonscan.Value) {
	row := &l.row
	switch name {
	case "id":
		l.id, _ = v.Text()
	case "account":
		row.Account = r.name(v)
	case "team":
		row.Team = r.name(v)
	case "key":
		row.Key = r.name(v)
	case "model":
		row.Model = r.name(v)
	case "endpoint":
		row.Endpoint = r.name(v)
	case "input":
		row.Input = r.number(v, maxTokens)
	case "cache_read":
		row.CacheRead = r.number(v, maxTokens)
	case "cache_write":
		row.CacheWrite = r.number(v, maxTokens)
	case "output":
		row.Output = r.number(v, maxTokens)
	case "reasoning":
		row.Reasoning = r.number(v, maxTokens)
	case "cost":
		row.Cost = fairlead.USD(r.number(v, maxMoney))
	case "charge":
		row.Charge = fairlead.USD(r.number(v, maxMoney))
	case "estimated":
		if yes, ok := v.Bool(); !ok {
			r.bad = true
		} else if yes {
			row.Estimated = 1
		}
	case "code":
		*failed = r.name(v) != ""
	}
}

// name reads a text, of which there is one in memory however many lines have it.
func (r *reader) name(v jsonscan.Value) string {
	if v.Kind() != jsonscan.KindString {
		r.bad = true
		return ""
	}
	r.text = v.AppendText(r.text[:0])
	if s, ok := r.names[string(r.text)]; ok {
		return s
	}
	if len(r.text) > maxName || bytes.IndexByte(r.text, 0) >= 0 {
		r.bad = true
		return ""
	}
	s := string(r.text)
	r.names[s] = s
	return s
}

func (r *reader) number(v jsonscan.Value, most int64) int64 {
	n, ok := v.Int()
	if !ok || n < 0 || n > most {
		r.bad = true
		return 0
	}
	return n
}
