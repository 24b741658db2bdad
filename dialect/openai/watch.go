package openai

import (
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
		// Without a finish_reason before it, [DONE] commits to nothing: the answer was cut short.
		return dialect.Sight{Terminal: true, Meaningful: w.Complete()}, nil
	case kind == kindNothing:
		return dialect.Sight{}, nil
	}
	if err := w.chat(); err != nil {
		return dialect.Sight{}, err
	}
	var seen look
	empty := true
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
		said.add(c.text)
		seen.merge(said)
		if w.saw(c.index, c.finished) {
			seen.meaningful = true
		}
	}
	sight := dialect.Sight{Meaningful: seen.meaningful, Bytes: seen.bytes}
	if u, ok := readUsage(w.usage); ok {
		w.total, w.hasTotal = u, true
		sight.UsageOnly = empty
	}
	return sight, nil
}

// Usage is the last usage that was reported.
func (w *watcher) Usage() (fairlead.Usage, bool) { return w.total, w.hasTotal }

// progress remembers which choices of a stream have begun and which have finished.
type progress struct {
	begun, ended [maxChoices / 64]uint64
}

// saw notes a choice; it reports whether it finished just now.
func (p *progress) saw(index int, finished bool) bool {
	word, bit := index/64, uint64(1)<<(index%64)
	p.begun[word] |= bit
	if !finished || p.ended[word]&bit != 0 {
		return false
	}
	p.ended[word] |= bit
	return true
}

// Complete reports whether every choice that was seen has a finish_reason, and at least one has. Whether
// [DONE] was seen makes no difference: some servers leave it out, and others send it after a failure.
func (p *progress) Complete() bool {
	return p.begun == p.ended && p.begun != [maxChoices / 64]uint64{}
}

// look is what a turn says, for the commit and for an estimate of tokens.
type look struct {
	meaningful bool
	bytes      int
}

// add counts a string.
func (l *look) add(v jsonscan.Value) { l.addBytes(v.StringBytes()) }

// addBytes counts a text of n bytes.
func (l *look) addBytes(n int) {
	l.bytes += n
	l.meaningful = l.meaningful || n > 0
}

func (l *look) merge(other look) {
	l.bytes += other.bytes
	l.meaningful = l.meaningful || other.meaningful
}

// look finds text, reasoning, refusal, tool and media deltas.
func (t *turn) look() (l look) {
	if t.content.Kind() == jsonscan.KindArray {
		for _, p := range arrayPieces(t.content) {
			l.bytes += len(p.text)
			l.meaningful = l.meaningful || p.text != ""
		}
	} else {
		l.addBytes(t.contentBytes)
	}
	if t.plain() {
		return l
	}
	l.add(t.refusal)
	l.add(t.reasoning)
	if !t.reasoning.Truthy() {
		l.details(t.details)
	}
	for v := range t.toolCalls.Elements() {
		if id, ok := v.Get("id"); ok && id.Truthy() {
			l.meaningful = true
		}
		f, _ := v.Get("function")
		l.call(f)
	}
	l.call(t.functionCall)
	if t.audio.Kind() == jsonscan.KindObject || holdsAny(t.images) {
		l.meaningful = true
	}
	return l
}

// call counts a function's name as a delta and its arguments as text.
func (l *look) call(v jsonscan.Value) {
	if name, ok := v.Get("name"); ok && name.Truthy() {
		l.meaningful = true
	}
	switch arguments, _ := v.Get("arguments"); arguments.Kind() {
	case jsonscan.KindString:
		l.add(arguments)
	case jsonscan.KindObject:
		l.bytes += len(arguments)
		l.meaningful = true
	}
}

// details counts reasoning that comes in details alone. Signatures are not what a caller reads.
func (l *look) details(v jsonscan.Value) {
	for e := range v.Elements() {
		d, ok := readDetail(e)
		if ok {
			l.bytes += len(d.text)
			l.meaningful = l.meaningful || d.text != "" || d.encrypted
		}
	}
}

// holdsAny reports whether an array has elements.
func holdsAny(v jsonscan.Value) bool {
	w := v.Walk()
	return w.Array()
}
