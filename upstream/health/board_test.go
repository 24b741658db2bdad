package health_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/upstream/health"
)

// town is a board with named endpoints: "m@p" is model m at provider p.
type town struct {
	*health.Board
	snapshot *fairlead.Snapshot
}

func newTown(ids ...string) *town {
	s := &fairlead.Snapshot{Revision: 1, Models: map[string]*fairlead.Model{}}
	providers := map[string]*fairlead.Provider{}
	for _, id := range ids {
		model, place, _ := strings.Cut(id, "@")
		provider, _, _ := strings.Cut(place, "~")
		m, p := s.Models[model], providers[provider]
		if m == nil {
			m = &fairlead.Model{Name: model, Wildcard: strings.HasSuffix(model, "*")}
			s.Models[model] = m
		}
		if p == nil {
			p = &fairlead.Provider{Name: provider, Credentials: []fairlead.Credential{{Name: "main", Value: fairlead.NewSecret("v1")}, {Name: "b", Value: fairlead.NewSecret("v2")}}}
			providers[provider] = p
			s.Providers = append(s.Providers, p)
		}
		e := &fairlead.Endpoint{ID: id, Model: m, Provider: p, Weight: 100}
		m.Endpoints = append(m.Endpoints, e)
		s.Endpoints = append(s.Endpoints, e)
	}
	b := &town{health.NewBoard(health.Options{Epoch: epoch, Seed: 7}), s}
	b.Adopt(s, epoch)
	return b
}

// lane finds "m@p", "m@p/credential" or, under a wildcard, "m@p=asked".
func (b *town) lane(name string, now time.Time) health.Lane {
	name, asked, _ := strings.Cut(name, "=")
	id, cred, ok := strings.Cut(name, "/")
	if !ok {
		cred = "main"
	}
	i := slices.IndexFunc(b.snapshot.Endpoints, func(e *fairlead.Endpoint) bool { return e.ID == id })
	e := b.snapshot.Endpoints[i]
	if asked == "" {
		asked = e.Model.Name
	}
	return b.Lane(e, asked, cred, "here", now)
}

var evidence = map[string]health.Evidence{
	"ok": {Kind: health.Success}, "hard": {Kind: health.Hard}, "light": {Kind: health.Light}, "soft": {Kind: health.Soft},
	"key": {Kind: health.BadCredential}, "404": {Kind: health.Misconfigured, Revision: 1}, "404r9": {Kind: health.Misconfigured, Revision: 9}, "geo": {Kind: health.Blocked},
	"429":     {Kind: health.Limited},
	"429/20":  {Kind: health.Limited, Limit: health.Limit{Dimension: health.Tokens, After: 20 * time.Second}},
	"429/5":   {Kind: health.Limited, Limit: health.Limit{Dimension: health.Requests, After: 5 * time.Second}},
	"429/2":   {Kind: health.Limited, Limit: health.Limit{Dimension: health.Tokens, After: 2 * time.Second}},
	"429/300": {Kind: health.Limited, Limit: health.Limit{After: 300 * time.Second}},
	"quota":   {Kind: health.Limited, Limit: health.Limit{After: time.Hour, Long: true}},
	"account": {Kind: health.Limited, Limit: health.Limit{After: 20 * time.Second, AccountWide: true}},
}

// play runs lines of "T endpoint verb": a name of evidence (of an attempt begun just then), ">STATE",
// "old:" and evidence (of an attempt begun 30 s before), "try", "no", "last", "nolast" (Acquire gives a
// ticket or refuses, as a last resort; it is released with the next evidence), "revN"
// (a new revision), "rotate" (another credential value), "lose" and "back" (no credential, and as it was), "reweigh"
// (a snapshot with the same providers). "N*verb" repeats.
func (b *town) play(t *testing.T, line string) {
	t.Helper()
	tickets := map[string]health.Ticket{}
	for part := range strings.SplitSeq(line, ";") {
		var sec float64
		var name, verb string
		if _, err := fmt.Sscanf(strings.TrimSpace(part), "%f %s %s", &sec, &name, &verb); err != nil {
			t.Fatalf("%q: %v", part, err)
		}
		now, times := at(sec), 1
		if n, rest, ok := strings.Cut(verb, "*"); ok {
			verb = rest
			fmt.Sscan(n, &times)
		}
		for range times {
			b.step(t, tickets, line, part, name, verb, now)
		}
	}
}

// adoptCredential adopts a snapshot in which the first provider has other credentials.
func (b *town) adoptCredential(now time.Time, list ...fairlead.Credential) {
	next, p := *b.snapshot, *b.snapshot.Providers[0]
	p.Credentials = list
	next.Providers = append([]*fairlead.Provider{&p}, next.Providers[1:]...)
	b.snapshot = &next
	b.Adopt(b.snapshot, now)
}

func (b *town) step(t *testing.T, tickets map[string]health.Ticket, line, part, name, verb string, now time.Time) {
	t.Helper()
	if rev, ok := strings.CutPrefix(verb, "rev"); ok {
		fmt.Sscan(rev, &b.snapshot.Revision)
		b.Adopt(b.snapshot, now)
		return
	}
	lane := b.lane(name, now)
	verb, old := strings.CutPrefix(verb, "old:")
	e, known := evidence[verb]
	ticket, waits := tickets[name]
	switch {
	case verb == "rotate":
		b.adoptCredential(now, fairlead.Credential{Name: "main", Value: fairlead.NewSecret("v3")})
	case verb == "lose":
		b.adoptCredential(now)
	case verb == "back":
		b.adoptCredential(now, fairlead.Credential{Name: "main", Value: fairlead.NewSecret("v1")})
	case verb == "reweigh":
		next := *b.snapshot
		b.snapshot = &next
		b.Adopt(b.snapshot, now)
	case strings.HasPrefix(verb, ">"):
		if got := show(lane.View(now)); got != verb[1:] {
			t.Fatalf("%s: at%s: %s", line, part, got)
		}
	case old:
		lane.Observe(e, 30*time.Second, now)
	case known && waits:
		lane.Release(ticket, e, now)
		delete(tickets, name)
	case known:
		lane.Observe(e, 0, now)
	default:
		ticket, ok := lane.Acquire(now, strings.HasSuffix(verb, "last"))
		if ok == strings.HasPrefix(verb, "no") {
			t.Fatalf("%s: at%s: Acquire = %v (%s)", line, part, ok, show(lane.View(now)))
		}
		if ok {
			tickets[name] = ticket
		}
	}
}

func TestBoard(t *testing.T) {
	const (
		well, failing, outlier = ">closed/100", ">open/0/failing", ">open/0/outlier"
		limited, account       = ">cooling/0/rate_limited", ">cooling/0/account_limit"
		badKey, unknown, geo   = ">disabled/0/credential", ">disabled/0/model_unknown", ">disabled/0/egress"
		down                   = ">open/0/provider_down"
	)
	two := "a@p a@q"
	for _, c := range []struct{ name, ids, line string }{
		{"hard opens the last endpoint", "a@p", "0 a@p 2*hard; 0 a@p " + failing},
		{"soft never opens the only one", "a@p", "0 a@p 20*soft; 0.1 a@p try"},
		{"soft opens one of two", two, "0 a@p 3*soft; 0 a@p " + outlier},
		{"but not both", two, "0 a@p 3*soft; 0 a@q 9*soft; 0 a@q >closed/50/suspect; 0 a@p " + outlier},
		{"nor one beside a dead one", two, "0 a@p 2*hard; 0 a@q 9*soft; 0 a@q >closed/50/suspect"},
		{"one of three", two + " a@r", "0 a@p 3*soft; 0 a@q 9*soft; 0 a@q >closed/50/suspect"},
		{"two of four", two + " a@r a@s", "0 a@p 3*soft; 0 a@q 3*soft; 0 a@r 3*soft; 0 a@q " + outlier + "; 0 a@r >closed/50/suspect"},
		{"another credential keeps it in use", "a@p", "0 a@p/b ok; 0 a@p 3*soft; 0 a@p " + outlier + "; 0 a@p/b 9*soft; 0 a@p/b >closed/50/suspect"},
		{"an outlier", two, "0 a@q 100*ok; 0 a@p 30*ok; 2.5 a@p hard; 2.6 a@p ok; 5 a@p hard; 5 a@p ok; 8 a@p hard; 8 a@p ok; 11 a@p hard; 11 a@p ok; 14 a@p hard; 14 a@p ok; 17 a@p hard; 17 a@p ok; 20 a@p hard; 20 a@p ok; 23 a@p hard; 23 a@p " + outlier},
		{"none where its peer is no better", two, "0 a@q 30*ok; 0 a@p 30*ok; 2.5 a@q hard; 2.6 a@q ok; 5 a@q hard; 5 a@q ok; 8 a@q hard; 8 a@q ok; 2.5 a@p hard; 2.6 a@p ok; 5 a@p hard; 5 a@p ok; 8 a@p hard; 8 a@p ok; 11 a@p hard; 11 a@p ok; 14 a@p hard; 14 a@p ok; 17 a@p hard; 17 a@p ok; 20 a@p hard; 20 a@p >closed/50/suspect"},

		{"429 with a time", "a@p", "0 a@p 429/20; 19.9 a@p " + limited + "; 19.9 a@p no; 22.1 a@p " + well},
		{"429 leaves health alone", "a@p", "0 a@p 9*429; 40 a@p " + well},
		{"429 without a time: 1 s", "a@p", "0 a@p 429; 0.9 a@p " + limited + "; 1.2 a@p " + well},
		{"then 2 s", "a@p", "0 a@p 429; 2 a@p 429; 3.9 a@p " + limited + "; 4.3 a@p " + well},
		{"at most 30 s", "a@p", "0 a@p 429; 2 a@p 429; 5 a@p 429; 10 a@p 429; 20 a@p 429; 40 a@p 429; 75 a@p 429; 104.9 a@p " + limited + "; 108.1 a@p " + well},
		{"a success begins anew", "a@p", "0 a@p 429; 2 a@p 429; 5 a@p ok; 6 a@p 429; 7.2 a@p " + well},
		{"a burst is one refusal", "a@p", "0 a@p try; 0 a@p 429; 0 a@p 429; 2.3 a@p " + well},
		{"nor is what comes late", "a@p", "40 a@p 429; 40.5 a@p old:429; 41.7 a@p " + well},
		{"a shorter time of a dimension neither", "a@p", "0 a@p 429/20; 1 a@p 429/2; 10 a@p ok; 11 a@p " + limited},
		{"what cools is no last resort", two, "0 a@p 429; 0.5 a@p 3*soft; 0.6 a@p " + outlier + "; 0.6 a@p nolast; 1.2 a@p last"},
		{"a shorter time takes nothing back", "a@p", "0 a@p 429/20; 1 a@p 429/5; 19 a@p " + limited},
		{"at most a minute", "a@p", "0 a@p 429/300; 59 a@p " + limited + "; 66.1 a@p " + well},
		{"unless it is a quota", "a@p", "0 a@p quota; 3599 a@p " + limited},
		{"per credential", "a@p", "0 a@p 429/20; 1 a@p/b " + well},
		{"per model", "a@p b@p", "0 a@p 429/20; 1 b@p " + well},
		{"the whole account", "a@p b@p", "0 a@p account; 1 b@p " + account + "; 1 b@p/b " + well},
		{"per model under a wildcard", "w*@p", "0 w*@p=wx 429/20; 1 w*@p=wx " + limited + "; 1 w*@p=wy " + well},

		{"a bad credential", "a@p b@p", "0 a@p key; 1 b@p " + badKey + "; 1 a@p/b " + well + "; 299 a@p " + badKey},
		{"one at a time tries it again", "a@p b@p", "0 a@p key; 300 a@p >half_open/0/credential; 300 a@p try; 300 b@p no; 301 a@p key; 890 a@p " + badKey + "; 902 a@p >half_open/0/credential"},
		{"and brings it back", "a@p b@p", "0 a@p key; 300 a@p try; 301 a@p ok; 301 b@p " + well},
		{"old refusals do not end it again", "a@p", "0 a@p key; 300 a@p try; 301 a@p ok; 302 a@p old:key; 302 a@p " + well},
		{"nor do old successes bring it back", "a@p", "0 a@p key; 300 a@p try; 301 a@p old:ok; 301 a@p " + badKey},
		{"many refusals are one", "a@p", "0 a@p 9*key; 300 a@p >half_open/0/credential"},
		{"another value ends it", "a@p", "0 a@p key; 1 a@p rotate; 1 a@p " + well},
		{"another revision does not", "a@p", "0 a@p key; 1 a@p rev2; 1 a@p " + badKey},
		{"nor do other weights", "a@p", "0 a@p key; 1 a@p reweigh; 2 a@p reweigh; 2 a@p " + badKey},
		{"nor the same value in another snapshot", "a@p", "0 a@p key; 1 a@p back; 1 a@p " + badKey},
		{"one that was away is tried again", "a@p", "0 a@p key; 1 a@p lose; 2 a@p back; 2 a@p " + well},

		{"an unknown model", "a@p b@p", "0 a@p 404; 1 a@p " + unknown + "; 1 a@p/b " + unknown + "; 1 b@p " + well + "; 301 a@p >half_open/0/model_unknown"},
		{"until the revision changes", "a@p", "0 a@p 404; 1 a@p rev2; 1 a@p " + well + "; 2 a@p 404; 2 a@p " + well},
		{"under a wildcard it is the model's", "w*@p", "0 w*@p=wno 404; 1 w*@p=wno " + unknown + "; 1 w*@p=wyes " + well + "; 2 w*@p rev2; 2 w*@p=wno " + well},
		{"a blocked egress", "a@p b@p a@q", "0 a@p geo; 1 b@p " + geo + "; 1 a@q " + well + "; 301 b@p try"},

		{"provider down", "a@p b@p c@p d@p d@q", "0 a@p 2*hard; 0 b@p 2*hard; 0 d@p " + well + "; 0 c@p 2*hard; 0 d@p " + down + "; 0 d@q " + well},
		{"not by two", "a@p b@p d@p", "0 a@p 2*hard; 0 b@p 2*hard; 0 d@p " + well},
		{"not while one serves", "a@p b@p c@p d@p", "0 d@p ok; 1 a@p 2*hard; 1 b@p 2*hard; 1 c@p 2*hard; 1 d@p " + well},
		{"one that served long ago", "a@p b@p c@p d@p", "0 d@p ok; 11 a@p 2*hard; 11 b@p 2*hard; 11 c@p 2*hard; 11 d@p " + down + "; 11 d@p no; 11 d@p last"},
		{"a success ends it", "a@p b@p c@p d@p", "0 a@p 2*hard; 0 b@p 2*hard; 0 c@p 2*hard; 1.3 a@p try; 1.3 a@p hard; 1.4 b@p try; 1.4 d@p " + down + "; 1.5 b@p ok; 1.5 d@p " + well},
		{"of a trial begun before it, too", "a@p b@p c@p d@p", "0 a@p 2*hard; 0 b@p 2*hard; 0 c@p 2*hard; 1.3 b@p try; 1.4 a@p try; 1.4 a@p hard; 1.5 b@p ok; 1.5 b@p >closed/5/recovering; 1.5 d@p " + well},
		{"so does time", "a@p b@p c@p d@p", "0 a@p 2*hard; 0 b@p 2*hard; 0 c@p 2*hard; 1.3 d@p " + well},
		{"what lasts longest is told", "a@p", "0 a@p 2*hard; 0 a@p 429/20; 0 a@p " + limited + "; 0 a@p key; 0 a@p " + badKey},
	} {
		t.Run(c.name, func(t *testing.T) { newTown(strings.Fields(c.ids)...).play(t, c.line) })
	}
}

// TestBoard_Drop holds that an hour without use forgets, and that use keeps.
func TestBoard_Drop(t *testing.T) {
	b := newTown("a@p", "b@p")
	b.play(t, "0 a@p quota; 0 b@p quota; 1800 a@p >cooling/0/rate_limited")
	old, kept := b.lane("b@p", at(0)), b.lane("a@p", at(1800))
	b.Sweep(at(3700))
	if !old.Dropped() || kept.Dropped() {
		t.Fatalf("dropped: unused %v, used %v", old.Dropped(), kept.Dropped())
	}
	if got := b.lane("b@p", at(3700)); got.Dropped() || got.Breaker() == old.Breaker() {
		t.Fatal("the dropped lane came back as it was")
	}
}

// TestBoard_Wild holds the bound on what callers can make it remember.
func TestBoard_Wild(t *testing.T) {
	b := newTown("w*@p")
	for i := range 3000 {
		l := b.lane(fmt.Sprintf("w*@p=w%d", i), at(0))
		l.Observe(evidence["404"], 0, at(0))
		l.Observe(evidence["429"], 0, at(0))
	}
	first, last := b.lane("w*@p=w0", at(1)), b.lane("w*@p=w2999", at(0.5))
	if got := show(first.View(at(0.5))); got != ">disabled/0/model_unknown"[1:] {
		t.Errorf("the first is %s", got)
	}
	if got := show(last.View(at(0.5))); got != "closed/100" {
		t.Errorf("beyond the bound it is %s", got)
	}
	last.Observe(evidence["404"], 0, at(400))
	if got := show(last.View(at(401))); got != "disabled/0/model_unknown" {
		t.Errorf("when there is room again it is %s", got)
	}
}

func TestBoard_CoolingDimension(t *testing.T) {
	l := newTown("a@p").lane("a@p", at(0))
	l.Observe(evidence["429/5"], 0, at(0))
	l.Observe(evidence["429/20"], 0, at(0))
	if d, ok := l.CoolingDimension(at(1)); !ok || d != health.Tokens {
		t.Errorf("%v %v", d, ok)
	}
	l.Observe(evidence["account"], 0, at(10))
	if d, ok := l.CoolingDimension(at(11)); !ok || d != health.AnyDimension {
		t.Errorf("%v %v", d, ok)
	}
	if _, ok := l.CoolingDimension(at(60)); ok {
		t.Error("cools for ever")
	}
}
