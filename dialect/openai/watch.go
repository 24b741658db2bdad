package openai

import (
	"math/bits"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/internal/sse"
)

// NewWatcher makes a watcher for streams of an operation.
func (Dialect) NewWatcher(op fairlead.Operation) dialect.Watcher {
	if op == fairlead.OpResponses {
		return &responseWatcher{}
	}
	return &watcher{}
}

// watcher watches chunks of chat completions and of completions.
type watcher struct {
	chunk
	progress
	total    fairlead.Usage
	hasTotal bool
	told     *dialect.Told // nil: nothing is noted
}

// Watch looks at one frame. It allocates nothing for a chunk of text: it runs for every chunk of every
// stream (BenchmarkWatch).
func (w *watcher) Watch(f sse.Frame) (dialect.Sight, error) {
	if f.Comment() {
		return dialect.Sight{}, nil
	}
	switch kind, err := w.chunk.read(f); {
	case err != nil:
		return dialect.Sight{}, err
	case kind == kindDone:
		w.closed = true
		// Without a finish_reason before it, [DONE] commits to nothing: the answer was cut short.
		return dialect.Sight{Terminal: true, Meaningful: w.Complete()}, nil
	case kind == kindNothing:
		return dialect.Sight{}, nil
	}
	if err := w.chat(); err != nil {
		return dialect.Sight{}, err
	}
	var seen look
	empty, bounded := true, false
	var c choice
	walk := w.choices.Walk()
	for ok := walk.Array(); ok; ok = walk.More() {
		empty = false
		if err := c.read(&walk); err != nil {
			return dialect.Sight{}, err
		}
		if w.told != nil {
			w.named(w.told)
			c.tell(w.told)
		}
		said := c.turn.look()
		said.add(c.text, dialect.PhaseText)
		seen.merge(said)
		if w.saw(c.index, c.finished) {
			seen.meaningful, bounded = true, bounded || c.finish == dialect.FinishLength
		}
	}
	sight := dialect.Sight{Meaningful: seen.meaningful, Phase: seen.phase, Bytes: seen.bytes, Bounded: bounded}
	if u, ok := readUsage(w.usage); ok {
		w.total, w.hasTotal = u, true
		sight.UsageOnly = empty
	}
	return sight, nil
}

// Usage is the last usage that was reported.
func (w *watcher) Usage() (fairlead.Usage, bool) { return w.total, w.hasTotal }

const (
	fewChoices = 128  // the n that OpenAI allows: their progress takes no memory of its own
	maxChoices = 4096 // whose progress is remembered: servers allow as many as there are prompts, and more
)

// progress remembers which choices of a stream have begun and which have finished. Those from maxChoices on
// count as one, for what a caller asks for is no fault of the provider's.
type progress struct {
	begun, ended [fewChoices / 64]uint64
	more         []span // of the choices from fewChoices on
	asked        int    // choices; 0 = any
	closed       bool   // [DONE] came
}

// Expect tells how many choices were asked for.
func (p *progress) Expect(choices int) { p.asked = min(choices, maxChoices) }

// span is the progress of 64 choices.
type span struct{ begun, ended uint64 }

// saw notes a choice; it reports whether it finished just now.
func (p *progress) saw(index int, finished bool) bool {
	word, bit := index/64, uint64(1)<<(index%64)
	begun, ended := p.words(word)
	*begun |= bit
	if !finished || *ended&bit != 0 {
		return false
	}
	*ended |= bit
	return true
}

func (p *progress) words(word int) (begun, ended *uint64) {
	if word < len(p.begun) {
		return &p.begun[word], &p.ended[word]
	}
	word -= len(p.begun)
	for len(p.more) <= word {
		p.more = append(p.more, span{})
	}
	return &p.more[word].begun, &p.more[word].ended
}

// Complete reports whether every choice that was seen has a finish_reason, and at least one has. [DONE] is not
// waited for, since some servers leave it out, and does not suffice, since others send it after a failure; it
// tells only that no other choice of those that were asked for will begin.
func (p *progress) Complete() bool {
	return p.ends() && !p.Missing()
}

// Missing reports whether there are fewer choices than were asked for, all of them whole, and no [DONE].
func (p *progress) Missing() bool {
	return p.asked > 1 && !p.closed && p.count() < p.asked && p.ends()
}

// ends reports whether every choice that was seen has ended, and at least one has.
func (p *progress) ends() bool {
	any := p.begun != [fewChoices / 64]uint64{}
	for _, s := range p.more {
		if s.begun != s.ended {
			return false
		}
		any = any || s.begun != 0
	}
	return any && p.begun == p.ended
}

// count counts the choices that have begun.
func (p *progress) count() (n int) {
	for _, word := range p.begun {
		n += bits.OnesCount64(word)
	}
	for _, s := range p.more {
		n += bits.OnesCount64(s.begun)
	}
	return n
}

// look is what a turn says, for the commit and for an estimate of tokens.
type look struct {
	meaningful bool
	phase      dialect.Phase
	bytes      int
}

// add counts a string.
func (l *look) add(v jsonscan.Value, p dialect.Phase) { l.addBytes(v.StringBytes(), p) }

// addBytes counts a text of n bytes.
func (l *look) addBytes(n int, p dialect.Phase) {
	if n > 0 {
		l.bytes += n
		l.delta(p)
	}
}

// delta notes a delta. Text comes after the reasoning beside it, and a call after both.
func (l *look) delta(p dialect.Phase) {
	l.meaningful = true
	if l.phase != dialect.PhaseText || p == dialect.PhaseTools {
		l.phase = p
	}
}

func (l *look) merge(other look) {
	l.bytes += other.bytes
	l.meaningful = l.meaningful || other.meaningful
	if other.phase != dialect.PhaseSame {
		l.phase = other.phase
	}
}

// look finds text, reasoning, refusal, tool and media deltas.
func (t *turn) look() (l look) {
	if t.content.Kind() == jsonscan.KindArray {
		for _, p := range arrayPieces(t.content) {
			l.addBytes(len(p.text), dialect.PhaseText)
		}
	} else {
		l.addBytes(t.contentBytes, dialect.PhaseText)
	}
	if t.plain() {
		return l
	}
	l.add(t.refusal, dialect.PhaseText)
	l.add(t.reasoning, dialect.PhaseReasoning)
	if !t.reasoning.Truthy() {
		l.details(t.details)
	}
	for v := range t.toolCalls.Elements() {
		if id, ok := v.Get("id"); ok && id.Truthy() {
			l.delta(dialect.PhaseTools)
		}
		f, _ := v.Get("function")
		l.call(f)
	}
	l.call(t.functionCall)
	if t.audio.Kind() == jsonscan.KindObject {
		l.delta(dialect.PhaseText)
	}
	if holdsAny(t.images) {
		l.delta(dialect.PhaseTools)
	}
	return l
}

// call counts a function's name as a delta and its arguments as text.
func (l *look) call(v jsonscan.Value) {
	if name, ok := v.Get("name"); ok && name.Truthy() {
		l.delta(dialect.PhaseTools)
	}
	switch arguments, _ := v.Get("arguments"); arguments.Kind() {
	case jsonscan.KindString:
		l.add(arguments, dialect.PhaseTools)
	case jsonscan.KindObject:
		l.addBytes(len(arguments), dialect.PhaseTools)
	}
}

// details counts reasoning that comes in details alone. Signatures are not what a caller reads.
func (l *look) details(v jsonscan.Value) {
	for e := range v.Elements() {
		d, ok := readDetail(e)
		if !ok {
			continue
		}
		l.addBytes(len(d.text), dialect.PhaseReasoning)
		if d.encrypted {
			l.delta(dialect.PhaseReasoning)
		}
	}
}

// holdsAny reports whether an array has elements.
func holdsAny(v jsonscan.Value) bool {
	w := v.Walk()
	return w.Array()
}
