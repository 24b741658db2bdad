package bus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"fairlead"
)

// chain makes the changes 1 to n of a log; another salt makes another log.
func chain(n int, salt string) []fairlead.Change {
	list := make([]fairlead.Change, n)
	var before fairlead.Hash
	for i := range list {
		list[i] = fairlead.Change{Number: int64(i + 1), Kind: "key", At: time.Unix(0, 0), Content: []byte(salt)}
		list[i].Hash = list[i].Chain(before)
		before = list[i].Hash
	}
	return list
}

func positionAt(log string, c []fairlead.Change, n int) fairlead.Position {
	p := fairlead.Position{Log: log, Number: int64(n)}
	if n > 0 {
		p.Hash = c[n-1].Hash
	}
	return p
}

// TestMachine: what is heard in turn, and the steps that follow. The replica stands at change 3 of log A.
// Words: cN change N; xN change N altered; lN change N announced; +D time passes (units of 10 ms); beat:N and
// beat:B:N a beat of log A or B at N; page:N-M@H and so on answers; each "=" word is the step expected.
func TestMachine(t *testing.T) {
	for _, c := range []struct{ name, play string }{
		{"in order", "c4 =apply4 ok =wait"},
		{"a batch", "c4 c5 c6 =apply4-6 ok =wait"},
		{"duplicates", "c4 c4 =apply4 ok c4 c3 c1 =wait"},
		{"reordered", "c5 =grace c4 =apply4-5 ok =wait"},
		{"a gap is fetched after the grace", "c5 =grace +2 =fetch page:4-4@5 =apply4-5 ok =wait"},
		{"a gap behind what was applied", "c4 c6 =apply4 ok =grace +2 =fetch page:5-6@6 =apply5-6 ok =wait"},
		{"a higher beat", "beat:5 =grace +2 =fetch page:4-5@5 =apply4-5 ok =wait"},
		{"a beat before its change", "beat:4 =grace c4 =apply4 ok =wait"},
		{"a large change", "l4 =grace +2 =fetch page:4-4@4 =apply4 ok =wait"},
		{"more than a page", "beat:9 +2 =fetch page:4-6@9 =apply4-6 ok =fetch page:7-9@9 =apply7-9 ok =wait"},
		{"an equal beat", "beat:3 =wait"},
		{"an altered change is refused and fetched", "x4 =grace +2 =fetch page:4-4@4 =apply4 ok =wait"},
		{"an altered one behind a sound one", "c4 x5 =apply4 ok =grace +2 =fetch page:5-5@5 =apply5 ok =wait"},
		{"a page with an altered change", "beat:5 +2 =fetch page:4-x5@5 =rest +10 =apply4 ok =fetch page:5-5@5 =apply5 ok =wait"},
		{"a page that does not begin where it should", "beat:6 +2 =fetch page:5-6@6 =rest +10 =fetch page:4-6@6 =apply4-6 ok =wait"},
		{"a fetch that fails is tried later, and later", "beat:4 +2 =fetch fail =rest +5 =fetch fail =rest +5 =rest +5 =fetch page:4-4@4 =apply4 ok =wait"},
		{"an empty page of a longer log", "beat:5 +2 =fetch page:@5 =rest +5 =fetch page:4-5@5 =apply4-5 ok =wait"},
		{"a beat that lies", "beat:5 +2 =fetch page:@3 =wait"},
		{"a change from nowhere costs a fetch", "c30000 +2 =fetch page:@3 =wait"},
		{"a lagging control node", "beat:2 =ask yes:A =wait beat:2 =wait +100 beat:2 =ask yes:A =wait"},
		{"another log of a lower number", "beat:2 =ask no =wait +100 beat:2 =ask no =wait +100 beat:2 =ask no =copyforeign"},
		{"another log of the same number", "beat:B:3 =ask no +100 beat:B:3 =ask no +100 beat:B:3 =ask no =copyforeign"},
		{"another log of a higher number", "beat:5 +2 =fetch off:5 =wait +100 beat:5 +2 =fetch off:5 =wait +100 beat:5 +2 =fetch off:5 =copyforeign"},
		{"a log of another name with my change on it", "beat:B:3 =ask yes:B +100 beat:B:3 =ask yes:B +100 beat:B:3 =ask yes:B =copyforeign"},
		{"three control nodes beat at once", "beat:2 =ask no beat:2 =wait beat:2 =wait +100 beat:2 =ask no beat:2 =wait"},
		{"a yes between", "beat:2 =ask no +100 beat:2 =ask yes:A +100 beat:2 =ask no +100 beat:2 =ask no =wait"},
		{"an agreeing beat between", "beat:2 =ask no +100 beat:2 =ask no beat:3 +100 beat:2 =ask no =wait"},
		{"an answer that did not come is no vote", "beat:2 =ask fail +100 beat:2 =ask no +100 beat:2 =ask no =wait"},
		{"far behind", "beat:30000 +2 =fetch page:4-5@30000 =copy copied:30000 =fetch page:@30000 =wait"},
		{"a copy that fails", "beat:30000 +2 =fetch page:4-5@30000 =copy fail =rest +5 =copy copied:30000 =fetch"},
		{"after a connect it looks at once", "look =fetch page:@3 =wait"},
		{"a connect ends the pause", "beat:4 +2 =fetch fail =rest look =fetch"},
		{"a full disk", "c4 =apply4 fail =rest +5 =apply4 fail =rest +10 =apply4 ok =wait"},
		{"a replica that has diverged", "c4 =apply4 diverged =rest +5 =copy copied:4 =fetch page:@4 =wait"},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, c.play) })
	}
}

// player plays a script.
type player struct {
	t    *testing.T
	log  []fairlead.Change
	m    *machine
	now  time.Time
	last step
}

func play(t *testing.T, script string) {
	log := chain(12, "a")
	p := &player{t: t, log: log, now: time.Unix(1000, 0), m: newMachine(positionAt("A", log, 3), time.Second)}
	for _, word := range strings.Fields(script) {
		if want, ok := strings.CutPrefix(word, "="); ok {
			p.last = p.m.next(p.now)
			if got := p.show(); got != want {
				t.Fatalf("%s: the step is %s", word, got)
			}
			continue
		}
		p.do(word)
	}
}

func (p *player) show() string {
	switch p.last.kind {
	case stepApply:
		from, to := p.last.changes[0].Number, p.last.changes[len(p.last.changes)-1].Number
		if from == to {
			return fmt.Sprintf("apply%d", from)
		}
		return fmt.Sprintf("apply%d-%d", from, to)
	case stepFetch:
		return "fetch"
	case stepAsk:
		return "ask"
	case stepCopy:
		if p.last.foreign {
			return "copyforeign"
		}
		return "copy"
	}
	switch {
	case p.last.wait == 0:
		return "wait"
	case p.m.rest.After(p.now):
		return "rest"
	}
	return "grace"
}

func (p *player) do(word string) {
	verb, rest, _ := strings.Cut(word, ":")
	switch verb {
	case "beat":
		log, number, found := strings.Cut(rest, ":")
		if !found {
			log, number = "A", rest
		}
		p.m.beat(p.position(log, number), p.now)
	case "page":
		span, head, _ := strings.Cut(rest, "@")
		p.m.fetched(page{Head: p.position("A", head), OnChain: true, Changes: p.span(span)}, nil, p.now)
	case "off":
		p.m.fetched(page{Head: p.position("A", rest)}, nil, p.now)
	case "yes", "no":
		p.m.answered(tellHas{Has: verb == "yes", Head: fairlead.Position{Log: rest}}, nil, p.now)
	case "copied":
		p.m.copied(p.position("A", rest), nil, p.now)
	case "look":
		p.m.lookNow()
	case "ok":
		last := p.last.changes[len(p.last.changes)-1]
		p.m.applied(fairlead.Position{Log: "A", Number: last.Number, Hash: last.Hash}, nil, p.now)
	case "diverged":
		p.m.applied(fairlead.Position{}, fmt.Errorf("sum: %w", ErrDiverged), p.now)
	case "fail":
		p.failed()
	default:
		p.heard(word)
	}
}

func (p *player) failed() {
	err := errors.New("cannot")
	switch p.last.kind {
	case stepFetch:
		p.m.fetched(page{}, err, p.now)
	case stepAsk:
		p.m.answered(tellHas{}, err, p.now)
	case stepCopy:
		p.m.copied(fairlead.Position{}, err, p.now)
	default:
		p.m.applied(fairlead.Position{}, err, p.now)
	}
}

func (p *player) heard(word string) {
	var n int
	if _, err := fmt.Sscan(word[1:], &n); err != nil {
		p.t.Fatalf("what is %q?", word)
	}
	switch word[0] {
	case '+':
		p.now = p.now.Add(time.Duration(n) * 10 * time.Millisecond)
	case 'c', 'x', 'l':
		p.m.hear(p.change(word), p.now)
	default:
		p.t.Fatalf("what is %q?", word)
	}
}

func (p *player) change(word string) heard {
	var n int
	_, _ = fmt.Sscan(word[1:], &n)
	if n > len(p.log) {
		return heard{Change: fairlead.Change{Number: int64(n)}}
	}
	h := heard{Change: p.log[n-1], large: word[0] == 'l'}
	if word[0] == 'x' {
		h.Content = []byte("altered")
	}
	return h
}

// span reads 4-6 or 4-x6: the last one altered.
func (p *player) span(text string) []heard {
	if text == "" {
		return nil
	}
	first, last, _ := strings.Cut(text, "-")
	from, to := 0, 0
	_, _ = fmt.Sscan(first, &from)
	_, _ = fmt.Sscan(strings.TrimPrefix(last, "x"), &to)
	var list []heard
	for n := from; n <= to; n++ {
		kind := "c"
		if n == to && strings.HasPrefix(last, "x") {
			kind = "x"
		}
		list = append(list, p.change(fmt.Sprint(kind, n)))
	}
	return list
}

func (p *player) position(log, number string) fairlead.Position {
	n := 0
	_, _ = fmt.Sscan(number, &n)
	if n > len(p.log) {
		return fairlead.Position{Log: log, Number: int64(n), Hash: fairlead.Hash{1}}
	}
	return positionAt(log, p.log, n)
}

// TestMachineConverges plays a lossy, reordering, duplicating and altering bus at random: what is applied is the log in
// its order, whatever comes, and all of it once the bus is well.
func TestMachineConverges(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		log := chain(60, "a")
		m := newMachine(fairlead.Position{}, time.Second)
		now := time.Unix(1000, 0)
		head := 0
		for round := 0; ; round++ {
			if round > 5000 {
				t.Fatalf("seed %d: it stands at %d of %d", seed, m.at.Number, len(log))
			}
			now = now.Add(time.Duration(r.IntN(30)) * time.Millisecond)
			if head < len(log) {
				head += r.IntN(3)
				head = min(head, len(log))
			}
			if n := r.IntN(head + 1); n > 0 && r.IntN(2) == 0 {
				h := heard{Change: log[n-1], large: r.IntN(5) == 0}
				if r.IntN(5) == 0 {
					h.Content = []byte("altered")
				}
				m.hear(h, now)
			}
			if r.IntN(4) == 0 {
				m.beat(positionAt("A", log, max(0, head-r.IntN(3))), now)
			}
			if converge(t, r, m, log, head, now); head == len(log) && m.at.Number == int64(head) {
				break
			}
		}
		if m.bytes != 0 || len(m.waiting) != 0 {
			t.Fatalf("seed %d: %d changes of %d bytes are left", seed, len(m.waiting), m.bytes)
		}
	}
}

// converge takes one step; each may fail.
func converge(t *testing.T, r *rand.Rand, m *machine, log []fairlead.Change, head int, now time.Time) {
	t.Helper()
	var err error
	if r.IntN(4) == 0 {
		err = errors.New("cannot")
	}
	switch s := m.next(now); s.kind {
	case stepApply:
		at := m.at
		for _, c := range s.changes {
			if c.Number != at.Number+1 || c.Hash != log[c.Number-1].Hash || c.Chain(at.Hash) != c.Hash {
				t.Fatalf("change %d was to be applied after %d", c.Number, at.Number)
			}
			at.Number, at.Hash = c.Number, c.Hash
		}
		m.applied(at, err, now)
	case stepFetch:
		p := page{Head: positionAt("A", log, head), OnChain: true}
		for n := int(m.at.Number); n < min(head, int(m.at.Number)+7); n++ {
			p.Changes = append(p.Changes, heard{Change: log[n]})
		}
		m.fetched(p, err, now)
	case stepAsk:
		m.answered(tellHas{Has: true, Head: fairlead.Position{Log: "A"}}, err, now)
	case stepCopy:
		t.Fatal("nothing calls for a copy")
	}
}

// TestSpread holds that edges which miss the same do not ask for it at once, and that a connection which comes and goes does not
// have them ask as often as it comes.
func TestSpread(t *testing.T) {
	log, now := chain(5, "a"), time.Unix(1000, 0)
	first, last := newMachine(positionAt("A", log, 3), time.Second), newMachine(positionAt("A", log, 3), time.Second)
	last.luck = 1
	for _, m := range []*machine{first, last} {
		m.beat(positionAt("A", log, 5), now)
	}
	now = now.Add(grace)
	if first.next(now).kind != stepFetch || last.next(now).kind != stepWait || last.next(now.Add(spread)).kind != stepFetch {
		t.Error("they ask at once")
	}
	first.failed(now)
	last.failed(now)
	if first.rest.Equal(last.rest) {
		t.Error("they ask again at once")
	}
	for range 10 {
		first.failed(now)
	}
	first.lookNow()
	if first.next(now).kind != stepFetch {
		t.Error("it does not look after a connect")
	}
	first.fetched(page{}, errors.New("lost again"), now)
	if got, most := first.rest.Sub(now), slowest/2; got < 100*time.Millisecond || got > most {
		t.Errorf("it rests %s after a connect", got)
	}
}
