package fakellm

import (
	"fmt"
	"strings"
	"time"
)

// Behaviour is how a model behaves, read from its name or from a spec. Its zero value is not
// healthy; ParseBehaviour makes one.
type Behaviour struct {
	ttft, pace, headers time.Duration
	tokens, chunk, size int // size 0 = whole words
	tokensSet           bool

	fail       string // a class or an odd answer
	then       string // how a stream breaks
	at         int    // content chunks before it does; atEnd = after the last
	atSet      bool
	status     int
	retryAfter time.Duration
	times      int // attempts that fail before it is healthy; 0 = all
	each       bool
	bytes      int64
	errorShape string

	usage        string
	tools, think int
	thinkAs      string
	cached       int
	finish       string
	echo, vary   bool
	honour       string
	noPrefill    bool
	keepalive    time.Duration
	closing      string
	closeAfter   time.Duration
	split, hints int
	seed         uint64
	seedSet      bool
	name         string // what stands before the ':'
}

// atEnd is a place behind every chunk.
const atEnd = 1 << 30

// newBehaviour is a healthy model: 24 words at once.
func newBehaviour() *Behaviour {
	return &Behaviour{tokens: 24, chunk: 1, at: 1, thinkAs: "reasoning_content", bytes: 10_000_000_000}
}

// ParseBehaviour reads the name of a model, `NAME[:SETTING,...]`. NAME is free, but where its last
// segment (behind the last '/') is itself a list of settings, it counts: `echo`, `fake/fail=overloaded`.
// An error names the setting that is wrong; a name with a ':' that holds no setting is just a name.
func ParseBehaviour(model string) (*Behaviour, error) {
	b := newBehaviour()
	head, spec, _ := strings.Cut(model, ":")
	b.name = head
	base := head[strings.LastIndexByte(head, '/')+1:]
	switch {
	case strings.Contains(base, "="):
		if i := strings.IndexByte(model, ':'); i >= 0 {
			base += model[i:]
		}
		return b, b.apply(base)
	case isSetting(base):
		if err := b.apply(base); err != nil {
			return b, err
		}
	}
	if !looksLikeSpec(spec) {
		return b, nil
	}
	return b, b.apply(spec)
}

// ParseSpec reads settings alone, as the control interface takes them: `fail=overloaded,times=2`.
func ParseSpec(spec string) (*Behaviour, error) {
	b := newBehaviour()
	if spec = strings.TrimSpace(spec); spec == "" {
		return b, nil
	}
	return b, b.apply(spec)
}

func (b *Behaviour) apply(spec string) error {
	for item := range strings.SplitSeq(spec, ",") {
		key, value, has := strings.Cut(strings.TrimSpace(item), "=")
		s := findSetting(key)
		if s == nil {
			return fmt.Errorf("unknown setting %q%s", key, nearSetting(key))
		}
		if !has {
			if s.bare == "" {
				return fmt.Errorf("setting %q needs a value: %s", key, s.values)
			}
			value = s.bare
		}
		if err := s.set(b, value); err != nil {
			return fmt.Errorf("setting %q: %w (takes %s)", key, err, s.values)
		}
	}
	if b.tokens*max(b.size, 8) > maxText {
		return fmt.Errorf("tokens x size is more than %d bytes", maxText)
	}
	if !b.atSet && (b.then == "no_finish" || b.then == "no_done" || b.then == "finish_error") {
		b.at = atEnd
	}
	return nil
}

const maxText = 64 << 20

// broken reports whether the behaviour is anything but a healthy answer.
func (b *Behaviour) broken() bool { return b.fail != "" || b.then != "" || b.status != 0 }

// steady reports whether equal requests get equal answers.
func (b *Behaviour) steady() bool { return !b.vary }

// outcome names what a broken behaviour does, for the log.
func (b *Behaviour) outcome() string {
	switch {
	case b.fail != "":
		return "fail=" + b.fail
	case b.then != "":
		return "then=" + b.then
	default:
		return fmt.Sprintf("status=%d", b.status)
	}
}

// isSetting reports whether a word is the name of a setting that may stand without a value.
func isSetting(word string) bool {
	s := findSetting(word)
	return s != nil && s.bare != ""
}

// looksLikeSpec tells `tokens=5` and `echo,vary` from the tag of a name such as `llama3:8b`.
func looksLikeSpec(s string) bool {
	first, _, _ := strings.Cut(s, ",")
	return strings.Contains(s, "=") || findSetting(first) != nil
}
